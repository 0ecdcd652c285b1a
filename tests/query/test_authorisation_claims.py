"""The signed text of an authorisation: only what this node signed is read, and only what it says holds."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey

from creditmesh.query.authorisation import holds, state
from creditmesh.schemas.authorisation_text import Claims, NotSignedHere, claimed, read, sign

KEY = Ed25519PrivateKey.generate()
TODAY = date(2026, 5, 4)
CLAIMS = Claims(
    iss="city/query", jti=uuid4(), iat=1, sub="handle", grantee="bureau-a", purpose="loan",
    items=("penalty", "licence"), valid_from=TODAY, valid_until=TODAY + timedelta(days=10), max_uses=5,
)  # fmt: skip


def verify(key_id, data, signature):
    try:
        KEY.public_key().verify(signature, data)
    except InvalidSignature:
        return False
    return key_id == "node-1"


def signed(claims=CLAIMS):
    return sign(claims, key_id="node-1", signature=KEY.sign)


def test_what_was_signed_is_read_back():
    assert read(signed(), issuer="city/query", verify=verify) == CLAIMS


def test_anybody_can_verify_it_with_a_jose_library():
    key = OKPKey.import_key({
        "kty": "OKP", "crv": "Ed25519",
        "x": urlsafe_b64encode(KEY.public_key().public_bytes_raw()).rstrip(b"=").decode(),
    })  # fmt: skip
    found = jws.deserialize_compact(signed(), key, algorithms=["Ed25519"])
    assert found.headers()["typ"] == "creditmesh-authorisation+jws"
    assert Claims.model_validate_json(found.payload) == CLAIMS


@given(place=st.integers(0, 10_000), bit=st.integers(0, 5))
def test_a_changed_character_makes_it_unreadable(place, bit):
    text = signed()
    place %= len(text)
    other = chr(ord(text[place]) ^ (1 << bit))
    with pytest.raises(NotSignedHere):
        read(text[:place] + other + text[place + 1 :], issuer="city/query", verify=verify)


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"none","kid":"node-1","typ":"creditmesh-authorisation+jws"}',
        b'{"alg":"HS256","kid":"node-1","typ":"creditmesh-authorisation+jws"}',
        b'{"alg":"Ed25519","kid":"node-1","typ":"creditmesh+jwt"}',
        b'{"alg":"Ed25519","kid":"node-2","typ":"creditmesh-authorisation+jws"}',
        b'{"alg":"Ed25519","kid":"node-1","typ":"creditmesh-authorisation+jws","jwk":{}}',
        b'{"alg":"Ed25519","kid":' + b"1" * 5_000 + b',"typ":"creditmesh-authorisation+jws"}',
        b'{"alg":"Ed25519","kid":"node-1\\n","typ":"creditmesh-authorisation+jws"}',
        b'["Ed25519"]',
        b"\xff",
    ],
)
def test_the_header_chooses_nothing(header):
    head = urlsafe_b64encode(header).rstrip(b"=").decode()
    data = f"{head}.{signed().split('.')[1]}"
    token = f"{data}.{urlsafe_b64encode(KEY.sign(data.encode())).rstrip(b'=').decode()}"
    with pytest.raises(NotSignedHere):
        read(token, issuer="city/query", verify=verify)


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c.d", "…", "....", "e30.e30."])
def test_nonsense_is_unreadable(token):
    with pytest.raises(NotSignedHere):
        read(token, issuer="city/query", verify=verify)


def test_another_nodes_authorisation_is_unreadable():
    with pytest.raises(NotSignedHere):
        read(signed(), issuer="province/query", verify=verify)


@pytest.mark.parametrize(
    "claim", ["ver", "jti", "iat", "sub", "grantee", "purpose", "items", "from", "until", "max_uses"]
)
def test_every_claim_is_signed(claim):
    payload = urlsafe_b64decode(signed().split(".")[1] + "==").decode()
    assert f'"{claim}":' in payload


def test_it_holds_for_its_bureau_its_purpose_and_its_days_only():
    assert holds(CLAIMS, bureau="bureau-a", purpose="loan", on=TODAY)
    assert not holds(CLAIMS, bureau="bureau-b", purpose="loan", on=TODAY)
    assert not holds(CLAIMS, bureau=None, purpose="loan", on=TODAY)
    assert not holds(CLAIMS, bureau="bureau-a", purpose="hiring", on=TODAY)
    assert not holds(CLAIMS, bureau="bureau-a", purpose="loan", on=TODAY - timedelta(days=1))
    assert holds(CLAIMS, bureau="bureau-a", purpose="loan", on=TODAY + timedelta(days=9))
    assert not holds(CLAIMS, bureau="bureau-a", purpose="loan", on=TODAY + timedelta(days=10))


def test_its_state_says_what_became_of_it():
    now = datetime.now(UTC)
    assert state(CLAIMS, uses=4, revoked_at=None, on=TODAY) == "active"
    assert state(CLAIMS, uses=5, revoked_at=None, on=TODAY) == "used_up"
    assert state(CLAIMS, uses=0, revoked_at=now, on=TODAY) == "revoked"
    assert state(CLAIMS, uses=0, revoked_at=None, on=TODAY + timedelta(days=10)) == "expired"
    assert state(CLAIMS, uses=0, revoked_at=None, on=TODAY - timedelta(days=1)) == "not_yet"


@pytest.mark.parametrize(
    "said",
    [
        {"iss": "city"},
        {"iss": "city/exchange"},
        {"iss": "\n\x1b[1;32mcity/query"},
        {"iss": "city/query\n"},
        {"sub": "\x1b[8m"},
        {"sub": ""},
        {"sub": "h" * 65},
    ],
)
def test_what_would_be_said_of_a_text_before_anybody_knows_who_signed_it_is_a_code_and_a_handle(said):
    with pytest.raises(NotSignedHere):
        claimed(signed(CLAIMS.model_copy(update=said)))
