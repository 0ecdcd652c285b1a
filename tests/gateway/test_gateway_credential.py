"""The form of credentials."""

import hmac
import secrets
import zlib
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.gateway.credential import Credential

MAC = partial(hmac.digest, b"the node's key", digest="sha256")


def test_a_fresh_credential_is_read_back_whole():
    fresh = Credential.fresh("city")
    assert Credential.read(fresh.reveal(MAC), MAC) == fresh
    prefix, node, key, rest = fresh.reveal(MAC).split("_")
    assert (prefix, node, len(key), len(rest)) == ("cm", "city", 12, 49)


def test_two_credentials_share_nothing():
    first, second = Credential.fresh("city"), Credential.fresh("city")
    assert first.key != second.key
    assert first.reveal(MAC)[-49:] != second.reveal(MAC)[-49:]


def test_nobody_who_lacks_the_nodes_key_can_make_the_check():
    other = partial(hmac.digest, b"another key", digest="sha256")
    body = Credential.fresh("city").reveal(MAC)[:-6]
    assert Credential.read(Credential.fresh("city").reveal(other), MAC) is None
    for check in (
        base62(zlib.crc32(body.encode())),
        *("".join(secrets.choice(DIGITS) for _ in range(6)) for _ in range(50)),
    ):
        assert Credential.read(body + check, MAC) is None


def test_the_check_of_a_credential_is_its_own():
    first, second = (Credential.fresh("city").reveal(MAC) for _ in range(2))
    assert Credential.read(first[:-6] + second[-6:], MAC) is None


DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62(number: int) -> str:
    """A check that anybody can compute."""
    digits = []
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))


def test_printing_one_shows_no_secret():
    fresh = Credential.fresh("city")
    secret = fresh.reveal(MAC)[-49:]
    assert fresh.key in repr(fresh)
    assert secret[:8] not in f"{fresh!r} {fresh}"


@given(st.data())
def test_any_one_character_changed_is_noticed_without_a_database(data: st.DataObject):
    text = Credential.fresh("city").reveal(MAC)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda c: c != text[place]))
    assert Credential.read(text[:place] + other + text[place + 1 :], MAC) is None


@pytest.mark.parametrize("text", ["", "cm_", "cm_city_x_y", "Bearer x", "cm_city_" + "0" * 12 + "_" + "0" * 49, "证"])
def test_what_has_not_the_form_is_no_credential(text: str):
    assert Credential.read(text, MAC) is None


@given(st.text(max_size=200))
def test_reading_never_fails(text: str):
    assert Credential.read(text, MAC) is None


def test_the_hash_is_bound_to_node_and_id():
    fresh = Credential.fresh("city")
    moved = Credential(node=fresh.node, key=Credential.fresh("city").key, _secret=fresh._secret)
    assert fresh.hashed(MAC) != moved.hashed(MAC)
    assert fresh.hashed(MAC) == Credential.read(fresh.reveal(MAC), MAC).hashed(MAC)
