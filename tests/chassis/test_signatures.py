"""Signed requests: exactly what was signed, by an enrolled node's key, within a minute, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from creditmesh.chassis.http.signatures import (
    ALWAYS,
    LIFE,
    MOST_SIGNED,
    SKEW,
    TAG,
    TO,
    BadRequestSignature,
    SignedRequest,
    signed_headers,
    verify_request,
)
from creditmesh.chassis.vault.keys import Keys

AT = datetime(2026, 7, 1, 9, tzinfo=UTC)
PATH = "/v1/exchange/feeds/up/entries"
QUERY = "after=17&limit=500"
SIGNATURE = {"Signature-Input", "Signature"}
BODY = b'{"note":"signed"}'


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("keys")
    Keys.create(folder, ["node"])
    return Keys.load(folder, {"node"})


@dataclass
class Request:
    """A request as it arrives, to be tampered with."""

    keys: Keys
    body: bytes = b""
    method: str = "GET"
    path: str = PATH
    query: str = QUERY
    headers: list[tuple[str, str]] = field(default_factory=list)

    def sign(self, *, at: datetime = AT) -> "Request":
        url = f"http://127.0.0.1:8000{self.path}?{self.query}" if self.query else f"http://127.0.0.1:8000{self.path}"
        signed = signed_headers(
            self.keys, node="city", to="province", method=self.method, url=url, body=self.body, at=at
        )
        self.headers = [("host", "province.invalid"), *signed.items()]
        return self

    def verify(self, *, at: datetime = AT, node: str = "province") -> SignedRequest:
        signed = verify_request(
            node=node,
            method=self.method,
            path=self.path,
            query=self.query,
            headers=self.headers,
            at=at,
            key_of=self.key_of,
        )
        signed.check(self.body)
        return signed

    def key_of(self, node: str, key: str) -> bytes | None:
        return self.keys.public("node").raw if (node, key) == ("city", self.keys.key_id("node")) else None

    def change(self, name: str, change: Callable[[str], str]) -> None:
        self.headers = [(each, change(value) if each == name else value) for each, value in self.headers]

    def drop(self, name: str) -> None:
        self.headers = [(each, value) for each, value in self.headers if each != name]


@pytest.fixture
def pull(keys: Keys) -> Request:
    return Request(keys).sign()


@pytest.fixture
def acknowledgement(keys: Keys) -> Request:
    return Request(keys, method="POST", path="/v1/exchange/acknowledgements", query="", body=BODY).sign()


def reason(request: Request, *, at: datetime = AT) -> str:
    with pytest.raises(BadRequestSignature) as refusal:
        request.verify(at=at)
    assert refusal.value.status == 401
    assert refusal.value.detail
    assert refusal.value.detail_zh
    return refusal.value.reason


def test_a_signed_request_tells_its_node_and_key(pull: Request, acknowledgement: Request, keys: Keys):
    assert {name for name, _ in pull.headers} == {"host", "creditmesh-to", *SIGNATURE}
    assert {name for name, _ in acknowledgement.headers} == {"host", "creditmesh-to", "Content-Digest", *SIGNATURE}
    for request in (pull, acknowledgement):
        signed = request.verify()
        assert (signed.node, signed.keyid) == ("city", f"city/{keys.key_id('node')}")


def test_a_signature_says_what_it_covers_and_until_when(acknowledgement: Request, keys: Keys):
    said = dict(acknowledgement.headers)["Signature-Input"]
    assert said.startswith('creditmesh=("@method" "@path" "@query" "creditmesh-to" "content-digest");')
    created = int(AT.timestamp())
    for parameter in (f"created={created}", f"expires={created + LIFE}", 'alg="ed25519"', 'tag="creditmesh"'):
        assert parameter in said
    assert f'keyid="city/{keys.key_id("node")}"' in said


def test_headers_are_found_in_any_case_and_the_host_may_change(pull: Request):
    pull.headers = [(name.lower(), value) for name, value in pull.headers if name != "host"]
    assert pull.verify().node == "city"


@pytest.mark.parametrize(
    "change", [{"method": "DELETE"}, {"path": PATH + "x"}, {"query": "after=18&limit=500"}, {"query": ""}]
)
def test_a_request_that_changed_on_the_way_is_refused(pull: Request, change: dict[str, str]):
    for name, value in change.items():
        setattr(pull, name, value)
    assert reason(pull) == "signature_wrong"


def test_a_body_that_was_swapped_is_refused(acknowledgement: Request):
    acknowledgement.body = BODY.replace(b"signed", b"forged")
    assert reason(acknowledgement) == "digest_wrong"


def test_a_body_and_its_digest_swapped_together_are_refused(acknowledgement: Request, keys: Keys):
    other = Request(keys, method="POST", path="/v1/exchange/acknowledgements", query="", body=b"forged").sign()
    acknowledgement.body = other.body
    acknowledgement.change("Content-Digest", lambda _: dict(other.headers)["Content-Digest"])
    assert reason(acknowledgement) == "signature_wrong"


def test_a_body_that_was_taken_away_is_refused(acknowledgement: Request):
    acknowledgement.body = b""
    assert reason(acknowledgement) == "digest_wrong"
    acknowledgement.drop("Content-Digest")
    assert reason(acknowledgement) == "signature_wrong"


def test_a_request_that_was_signed_for_another_node_is_refused(pull: Request):
    with pytest.raises(BadRequestSignature) as refusal:
        pull.verify(node="nation")
    assert refusal.value.reason == "signature_for_another_node"
    assert refusal.value.key


def test_the_receiver_is_signed(pull: Request):
    pull.change("creditmesh-to", lambda _: "nation")
    with pytest.raises(BadRequestSignature) as refusal:
        pull.verify(node="nation")
    assert refusal.value.reason == "signature_wrong"


@pytest.mark.parametrize("place", [0, 9])
def test_a_second_receiver_beside_the_signed_one_is_refused(pull: Request, place: int):
    pull.headers.insert(place, (TO, "nation"))
    for node in ("nation", "province"):
        with pytest.raises(BadRequestSignature):
            pull.verify(node=node)


def test_a_digest_that_nobody_signed_is_refused_before_the_body_has_come(pull: Request):
    pull.headers.append(("Content-Digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"))
    assert reason(pull) == "signature_incomplete"


def test_a_body_that_nobody_signed_is_refused(pull: Request):
    pull.body = b"smuggled"
    assert reason(pull) == "signature_incomplete"
    pull.headers.append(("Content-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"))
    assert reason(pull) == "signature_incomplete"


def test_a_signature_lives_a_minute(pull: Request):
    assert pull.verify(at=AT + timedelta(seconds=LIFE - 1)).node == "city"
    assert reason(pull, at=AT + timedelta(seconds=LIFE)) == "signature_expired"


def test_a_signers_clock_may_be_a_little_ahead(pull: Request):
    assert pull.verify(at=AT - timedelta(seconds=SKEW)).node == "city"
    assert reason(pull, at=AT - timedelta(seconds=SKEW + 1)) == "signature_not_yet_valid"


def test_the_times_of_a_signature_are_signed(pull: Request):
    created = int(AT.timestamp())
    pull.change(
        "Signature-Input",
        lambda said: said.replace(str(created), str(created + 30)).replace(
            str(created + LIFE), str(created + LIFE + 30)
        ),
    )
    assert reason(pull, at=AT + timedelta(seconds=LIFE + 1)) == "signature_wrong"


@pytest.mark.parametrize(
    ("whose", "found"),
    [
        ("province/{key}", "signature_key_unknown"),
        ("city/node-00000000", "signature_key_unknown"),
        ("city", "signature_key_unknown"),
    ],
)
def test_a_key_that_no_peer_has_is_refused(pull: Request, keys: Keys, whose: str, found: str):
    key = keys.key_id("node")
    pull.change("Signature-Input", lambda said: said.replace(f"city/{key}", whose.format(key=key)))
    assert reason(pull) == found


def test_another_nodes_key_proves_nothing(pull: Request, tmp_path: Path):
    Keys.create(tmp_path, ["node"])
    stranger = Keys.load(tmp_path, {"node"})
    pull.change("Signature", lambda _: dict(Request(stranger).sign().headers)["Signature"])
    assert reason(pull) == "signature_wrong"


@pytest.mark.parametrize("missing", ALWAYS)
def test_what_is_acted_on_must_be_signed(keys: Keys, missing: str):
    assert reason(signed_by_hand(keys, covered=[each for each in ALWAYS if each != missing])) == "signature_incomplete"


def test_a_component_is_not_covered_by_a_part_of_it(keys: Keys):
    request = signed_by_hand(keys, covered=["@method", "@path", TO, '"@query-param";name="limit"'])
    assert reason(request) == "signature_incomplete"


@pytest.mark.parametrize("part", ['";key="a"', '";sf', '";bs'])
def test_no_header_is_taken_apart_for_who_signed_nothing(pull: Request, part: str):
    pull.headers.append(("priority", "u=1, " * 5000 + "a=1"))
    pull.change("Signature-Input", lambda said: said.replace('"@method"', f'"@method" "priority{part}'))
    assert reason(pull) == "signature_incomplete"


@pytest.mark.parametrize(
    "by_hand", [{"tag": "another"}, {"tag": None}, {"expires": None}, {"life": 3600}, {"life": -1}]
)
def test_a_signature_of_another_form_is_malformed(keys: Keys, by_hand: dict[str, object]):
    assert reason(signed_by_hand(keys, **by_hand)) == "signature_malformed"


@pytest.mark.parametrize(
    "input_", ["", "x", 'creditmesh=("@method");tag="creditmesh"', "creditmesh=1", 'creditmesh=("@metho']
)
def test_headers_that_cannot_be_read_are_malformed(pull: Request, input_: str):
    pull.change("Signature-Input", lambda _: input_)
    assert reason(pull) == "signature_malformed"


def test_long_headers_are_refused_before_any_of_them_is_read(pull: Request):
    signed = pull.headers
    room = MOST_SIGNED - sum(len(value) for name, value in signed if name in SIGNATURE)
    nonce = "n" * (room - len(';nonce=""'))
    pull.change("Signature-Input", lambda said: f'{said};nonce="{nonce}"')
    assert reason(pull) == "signature_wrong", "as long as they may be they are read"
    pull.change("Signature-Input", lambda said: f"{said} ")
    assert reason(pull) == "signature_too_long"
    pull.headers = [*signed, *(("signature", f"s{number}=:AAAA:") for number in range(MOST_SIGNED // 10))]
    assert reason(pull) == "signature_too_long", "all lines of a name count"


def test_one_half_of_a_signature_is_malformed(keys: Keys):
    for half in ("Signature", "Signature-Input"):
        request = Request(keys).sign()
        request.drop(half)
        assert reason(request) == "signature_malformed"


def test_two_signatures_for_us_are_one_too_many(pull: Request):
    for name, value in [line for line in pull.headers if line[0].startswith("Signature")]:
        pull.headers.append((name, value.replace("creditmesh=", "again=", 1)))
    assert reason(pull) == "signature_malformed"


def test_the_log_is_given_only_keys_that_exist(pull: Request, keys: Keys):
    pull.query = ""
    with pytest.raises(BadRequestSignature) as known:
        pull.verify()
    assert known.value.key == f"city/{keys.key_id('node')}"
    pull.change("Signature-Input", lambda said: said.replace("city/", "nowhere/"))
    with pytest.raises(BadRequestSignature) as invented:
        pull.verify()
    assert invented.value.key is None


def test_an_address_that_cannot_be_sent_cannot_be_signed(keys: Keys):
    with pytest.raises(ValueError, match="cannot be signed"):
        signed_headers(keys, node="city", to="province", method="GET", url="http://127.0.0.1/a b", body=b"", at=AT)


def signed_by_hand(
    keys: Keys,
    *,
    covered: list[str] | None = None,
    tag: str | None = TAG,
    expires: object = True,
    life: int = LIFE,
) -> Request:
    """The pull, signed with the right key and in another way than ours."""
    request = Request(keys)

    @dataclass
    class Message:
        method: str = request.method
        url: str = f"http://127.0.0.1{PATH}?{QUERY}"
        headers: dict[str, str] = field(default_factory=lambda: {TO: "province"})

    message = Message()
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519, key_resolver=MappingKeyResolver(public_keys={}, private_keys={})
    )
    prepared = signer.prepare(
        message,
        key_id=f"city/{keys.key_id('node')}",
        created=AT,
        expires=AT + timedelta(seconds=life) if expires else None,
        tag=tag,
        covered_component_ids=list(ALWAYS) if covered is None else covered,
    )
    signer.apply(message, prepared, keys.sign(prepared.signature_base))
    request.headers = list(message.headers.items())
    return request
