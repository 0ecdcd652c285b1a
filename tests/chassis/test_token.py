"""The internal token: only what the gateway signed, for this service, for a minute, says who calls."""

import base64
import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from creditmesh.chassis.caller import Caller
from creditmesh.chassis.http.token import HEADER, LEEWAY, LIFE, REFUSED, REUSE, Mint, TokenRefused, Verifier
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
        return Verifier(self.keys.token_public_keys(), node=node, audience=audience, seconds=self.clock)


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
    return jwt.encode({"alg": "Ed25519", "kid": key.kid, "typ": "creditmesh+jwt"}, claims(**other), key, ["Ed25519"])


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
    ("other", "reason"),
    [
        ({"aud": "ingestion"}, "for_another"),
        ({"aud": ["query", "ingestion"]}, "for_another"),
        ({"aud": None}, "for_another"),
        ({"iss": "town/gateway"}, "for_another"),
        ({"iss": "city"}, "for_another"),
        ({"iat": int(NOW) - LIFE - LEEWAY}, "expired"),
        ({"iat": int(NOW) + LEEWAY + 1}, "not_yet_valid"),
        ({"exp": int(NOW) - LEEWAY}, "expired"),
        ({"iat": int(NOW) + 3600, "exp": int(NOW) + 7200}, "not_yet_valid"),
        ({"iat": 0, "exp": int(NOW) + 10**9}, "expired"),
    ],
    ids=str,
)
def test_a_signed_token_with_another_claim_is_refused(pair: Pair, other: dict[str, object], reason: str):
    with pytest.raises(TokenRefused) as refused:
        pair.verifier().caller(signed(pair.keys.token_key(), **other))
    assert refused.value.reason == reason


@pytest.mark.parametrize("apart", [-LEEWAY, -5, 5, LEEWAY])
def test_the_clocks_of_two_hosts_may_be_half_a_minute_apart(pair: Pair, apart: int):
    """A token is handed out until it is `REUSE` seconds old."""
    token = pair.mint().token(CALLER, audience="query")
    for age in (0, REUSE):
        pair.clock.now = NOW + age + apart
        assert pair.verifier().caller(token) == CALLER
    pair.clock.now = NOW + (LIFE + LEEWAY if apart > 0 else -LEEWAY - 1)
    with pytest.raises(TokenRefused):
        pair.verifier().caller(token)


def test_either_of_two_keys_signs_while_one_replaces_the_other(pair: Pair, tmp_path: Path):
    before = pair.mint().token(CALLER, audience="query")
    Keys.renew(tmp_path, "token")
    renewed = Pair(Keys.load(tmp_path, {"token"}), pair.clock)
    after = renewed.mint().token(CALLER, audience="query")
    assert renewed.keys.token_key().kid != pair.keys.token_key().kid
    verifier = renewed.verifier()
    assert verifier.caller(before) == verifier.caller(after) == CALLER
    with pytest.raises(TokenRefused) as refused:
        pair.verifier().caller(after)
    assert refused.value.reason == "key_unknown"


def test_a_token_that_names_the_other_of_two_keys_is_refused(pair: Pair, tmp_path: Path):
    Keys.renew(tmp_path, "token")
    renewed = Pair(Keys.load(tmp_path, {"token"}), pair.clock)
    for named, reason in (
        ({"kid": renewed.keys.token_key().kid}, "signature_wrong"),
        ({"kid": "token-00000000"}, "key_unknown"),
        ({}, "key_unknown"),
    ):
        token = jwt.encode({"alg": "Ed25519", **named}, claims(), pair.keys.token_key(), ["Ed25519"])
        with pytest.raises(TokenRefused) as refused:
            renewed.verifier().caller(token)
        assert refused.value.reason == reason


@pytest.mark.parametrize("name", ["iss", "aud", "iat", "exp"])
def test_a_signed_token_without_a_claim_is_refused(pair: Pair, name: str):
    payload = claims()
    del payload[name]
    key = pair.keys.token_key()
    token = jwt.encode({"alg": "Ed25519", "kid": key.kid}, payload, key, ["Ed25519"])
    with pytest.raises(TokenRefused):
        pair.verifier().caller(token)


def test_a_token_of_another_key_is_refused(pair: Pair, tmp_path):
    Keys.create(tmp_path / "other")
    other = Keys.load(tmp_path / "other", {"token"}).token_key()
    with pytest.raises(TokenRefused):
        pair.verifier().caller(signed(other))


def test_a_key_that_the_token_brings_itself_is_not_trusted(pair: Pair, tmp_path):
    Keys.create(tmp_path / "other")
    other = Keys.load(tmp_path / "other", {"token"}).token_key()
    header = {"alg": "Ed25519", "jwk": other.as_dict(private=False), "kid": pair.keys.token_key().kid}
    with pytest.raises(TokenRefused):
        pair.verifier().caller(jwt.encode(header, claims(), other, ["Ed25519"]))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, "EdDSA", "HS256"])
def test_a_token_that_is_not_signed_at_all_is_refused(pair: Pair, algorithm: str | None):
    with pytest.raises(TokenRefused):
        pair.verifier().caller(raw({"alg": algorithm, "kid": pair.keys.token_key().kid}, claims()))


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_the_public_key_is_no_shared_secret(pair: Pair, algorithm: str):
    (public,) = pair.keys.token_public_keys().values()
    secrets = [
        pair.keys.public("token").raw,
        public.as_pem(private=False),
        json.dumps(public.as_dict(private=False)).encode(),
        str(public.as_dict(private=False)["x"]).encode(),
    ]
    for secret in secrets:
        unsigned = raw({"alg": algorithm, "kid": public.kid}, claims()).rstrip(".")
        signature = hmac.digest(secret, unsigned.encode(), {"HS256": "sha256", "HS512": "sha512"}[algorithm])
        with pytest.raises(TokenRefused):
            pair.verifier().caller(raw({"alg": algorithm, "kid": public.kid}, claims(), signature))


def test_a_token_altered_in_any_byte_is_refused(pair: Pair):
    token = pair.mint().token(CALLER, audience="query")
    verifier = pair.verifier()
    for place in range(0, len(token) - 2, 7):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(TokenRefused):
            verifier.caller(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "é.é.é", "x" * 100_000, "null", "{}", " "])
def test_what_is_no_token_is_refused(pair: Pair, token: str):
    with pytest.raises(TokenRefused):
        pair.verifier().caller(token)


def test_a_token_that_was_good_is_refused_when_its_minute_and_the_leeway_are_over(pair: Pair):
    token = pair.mint().token(CALLER, audience="query")
    verifier = pair.verifier()
    for later, good in ((0, True), (LIFE + LEEWAY - 1, True), (LIFE + LEEWAY, False), (LIFE + LEEWAY + 1, False)):
        pair.clock.now = NOW + later
        if good:
            assert verifier.caller(token) == CALLER
        else:
            with pytest.raises(TokenRefused):
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
        mint._kept.put((CALLER, str(number)), (NOW, "x"))
        verifier._kept.put(str(number), (NOW + 1, CALLER))
    assert verifier.caller(mint.token(CALLER, audience="query")) == CALLER
    assert len(mint._kept) == len(verifier._kept) == 4096


def test_many_callers_do_not_drive_out_one_that_calls_now(pair: Pair):
    mint = pair.mint()
    for number in range(4000):
        mint._kept.put((CALLER, str(number)), (NOW, "x"))
    first = mint.token(CALLER, audience="query")
    for number in range(4000):
        mint._kept.put((CALLER, str(number)), (NOW, "x"))
    assert mint.token(CALLER, audience="query") is first


async def test_a_route_answers_401_and_never_as_the_public(nursery: Nursery):
    foreign = nursery.mint.token(CALLER, audience="query")
    for token in (foreign, "x", "", raw({"alg": "none"}, claims(aud="toy"))):
        async with nursery.client() as client:
            answer = await client.post(f"/v1/marks/{uuid4()}", headers={HEADER: token})
        assert answer.status_code == 401, token
        assert answer.headers["content-type"] == PROBLEM_JSON
        assert answer.headers[REFUSED] in {"for_another", "malformed"}
        assert answer.json()["code"] == "internal_token_invalid"


async def test_a_service_that_is_called_without_a_token_lets_in_nobody_but_the_public(nursery: Nursery):
    async with nursery.client() as client:
        assert (await client.post(f"/v1/marks/{uuid4()}")).status_code == 200
        assert (await client.post("/v1/toys", json={})).status_code in {401, 403}
        assert (await client.get("/v1/subjects/own")).status_code in {401, 403}
