"""The internal token: only what the gateway signed, for this service, for a minute, says who calls."""

import base64
import hmac
import json
from dataclasses import dataclass
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from creditmesh.chassis.caller import Caller
from creditmesh.chassis.errors import Unauthenticated
from creditmesh.chassis.http.token import HEADER, LIFE, REUSE, Mint, Verifier
from creditmesh.chassis.vault.keys import Keys
from creditmesh.schemas.problems import PROBLEM_JSON
from tests.chassis.conftest import Nursery

CALLER = Caller(
    kind="department",
    party="dept.toys",
    officer="Reviewer A",
    scopes=frozenset({"records:read", "records:submit"}),
    credential="k1",
    items=frozenset({"penalty"}),
)
PERSON = Caller(kind="subject", scopes=frozenset({"me:read"}), credential="k2", subject=uuid4())
NOW = 1_800_000_000.0


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Pair:
    """A gateway and a service with one clock."""

    keys: Keys
    clock: Clock

    def mint(self, *, node: str = "city") -> Mint:
        return Mint(self.keys.token_key(), node=node, seconds=self.clock)

    def verifier(self, *, node: str = "city", audience: str = "query") -> Verifier:
        return Verifier(self.keys.token_public_key(), node=node, audience=audience, seconds=self.clock)


@pytest.fixture
def pair(tmp_path) -> Pair:
    Keys.create(tmp_path)
    return Pair(Keys.load(tmp_path, {"token"}), Clock())


def claims(**other: object) -> dict[str, object]:
    return {
        "iss": "city/gateway", "aud": "query", "iat": int(NOW), "exp": int(NOW) + LIFE, "sub": "k1", "kind": "operator",
        "scopes": ["records:read"], "party": None, "officer": None, "subject": None, "items": None,
    } | other  # fmt: skip


def signed(key: OKPKey, **other: object) -> str:
    return jwt.encode({"alg": "Ed25519", "typ": "creditmesh+jwt"}, claims(**other), key, ["Ed25519"])


def raw(header: object, payload: object, signature: bytes = b"") -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part(header)}.{part(payload)}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize("caller", [CALLER, PERSON], ids=["department", "person"])
def test_a_caller_comes_through_whole(pair: Pair, caller: Caller):
    assert pair.verifier().caller(pair.mint().token(caller, audience="query")) == caller


def test_what_the_gateway_signs_here_is_taken_so_that_the_refusals_below_mean_something(pair: Pair):
    assert pair.verifier().caller(signed(pair.keys.token_key())).kind == "operator"


@pytest.mark.parametrize(
    "other",
    [
        {"aud": "ingestion"},
        {"aud": ["query", "ingestion"]},
        {"aud": None},
        {"iss": "town/gateway"},
        {"iss": "city"},
        {"iat": int(NOW) - LIFE - 1},
        {"iat": int(NOW) + 2},
        {"exp": int(NOW)},
        {"exp": int(NOW) - 1},
        {"iat": int(NOW) + 3600, "exp": int(NOW) + 7200},
        {"iat": 0, "exp": int(NOW) + 10**9},
    ],
    ids=str,
)
def test_a_signed_token_with_another_claim_is_refused(pair: Pair, other: dict[str, object]):
    with pytest.raises(Unauthenticated):
        pair.verifier().caller(signed(pair.keys.token_key(), **other))


@pytest.mark.parametrize("name", ["iss", "aud", "iat", "exp"])
def test_a_signed_token_without_a_claim_is_refused(pair: Pair, name: str):
    payload = claims()
    del payload[name]
    token = jwt.encode({"alg": "Ed25519"}, payload, pair.keys.token_key(), ["Ed25519"])
    with pytest.raises(Unauthenticated):
        pair.verifier().caller(token)


def test_a_token_of_another_key_is_refused(pair: Pair, tmp_path):
    Keys.create(tmp_path / "other")
    other = Keys.load(tmp_path / "other", {"token"}).token_key()
    with pytest.raises(Unauthenticated):
        pair.verifier().caller(signed(other))


def test_a_key_that_the_token_brings_itself_is_not_trusted(pair: Pair, tmp_path):
    Keys.create(tmp_path / "other")
    other = Keys.load(tmp_path / "other", {"token"}).token_key()
    header = {"alg": "Ed25519", "jwk": other.as_dict(private=False), "kid": pair.keys.token_key().kid}
    with pytest.raises(Unauthenticated):
        pair.verifier().caller(jwt.encode(header, claims(), other, ["Ed25519"]))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, "EdDSA", "HS256"])
def test_a_token_that_is_not_signed_at_all_is_refused(pair: Pair, algorithm: str | None):
    with pytest.raises(Unauthenticated):
        pair.verifier().caller(raw({"alg": algorithm}, claims()))


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_the_public_key_is_no_shared_secret(pair: Pair, algorithm: str):
    public = pair.keys.token_public_key()
    secrets = [
        pair.keys.public("token").raw,
        public.as_pem(private=False),
        json.dumps(public.as_dict(private=False)).encode(),
        str(public.as_dict(private=False)["x"]).encode(),
    ]
    for secret in secrets:
        unsigned = raw({"alg": algorithm}, claims()).rstrip(".")
        signature = hmac.digest(secret, unsigned.encode(), {"HS256": "sha256", "HS512": "sha512"}[algorithm])
        with pytest.raises(Unauthenticated):
            pair.verifier().caller(raw({"alg": algorithm}, claims(), signature))


def test_a_token_altered_in_any_byte_is_refused(pair: Pair):
    token = pair.mint().token(CALLER, audience="query")
    verifier = pair.verifier()
    for place in range(0, len(token) - 2, 7):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(Unauthenticated):
            verifier.caller(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é.é.é", "x" * 100_000, "null", "{}", " "])
def test_what_is_no_token_is_refused(pair: Pair, token: str):
    with pytest.raises(Unauthenticated):
        pair.verifier().caller(token)


def test_a_token_that_was_good_is_refused_when_its_minute_is_over(pair: Pair):
    token = pair.mint().token(CALLER, audience="query")
    verifier = pair.verifier()
    for later, good in ((0, True), (LIFE - 1, True), (LIFE, False), (LIFE + 1, False)):
        pair.clock.now = NOW + later
        if good:
            assert verifier.caller(token) == CALLER
        else:
            with pytest.raises(Unauthenticated):
                verifier.caller(token)


def test_a_token_is_used_again_for_a_moment_and_only_for_the_same_caller_and_service(pair: Pair):
    mint = pair.mint()
    first = mint.token(CALLER, audience="query")
    pair.clock.now += REUSE - 1
    assert mint.token(CALLER, audience="query") == first
    assert mint.token(PERSON, audience="query") != first
    assert mint.token(CALLER, audience="catalogue") != first
    pair.clock.now += 1
    assert mint.token(CALLER, audience="query") != first


def test_what_is_kept_does_not_grow_without_end(pair: Pair):
    mint, verifier = pair.mint(), pair.verifier()
    for number in range(9000):
        mint._kept[(CALLER, str(number))] = (NOW, "x")
        verifier._kept[str(number)] = (NOW + 1, CALLER)
    assert verifier.caller(mint.token(CALLER, audience="query")) == CALLER
    assert len(mint._kept) == len(verifier._kept) == 1


async def test_a_route_answers_401_and_never_as_the_public(nursery: Nursery):
    foreign = nursery.mint.token(CALLER, audience="query")
    for token in (foreign, "x", "", raw({"alg": "none"}, claims(aud="toy"))):
        async with nursery.client() as client:
            answer = await client.post(f"/v1/marks/{uuid4()}", headers={HEADER: token})
        assert answer.status_code == 401, token
        assert answer.headers["content-type"] == PROBLEM_JSON
        assert answer.json()["code"] == "unauthenticated"
