"""The form of credentials."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.gateway.credential import Credential


def test_a_fresh_credential_is_read_back_whole():
    fresh = Credential.fresh("city")
    assert Credential.read(fresh.reveal()) == fresh
    prefix, node, key, rest = fresh.reveal().split("_")
    assert (prefix, node, len(key), len(rest)) == ("cm", "city", 12, 49)


def test_two_credentials_share_nothing():
    first, second = Credential.fresh("city"), Credential.fresh("city")
    assert first.key != second.key
    assert first.reveal()[-49:] != second.reveal()[-49:]


def test_printing_one_shows_no_secret():
    fresh = Credential.fresh("city")
    secret = fresh.reveal()[-49:]
    assert fresh.key in repr(fresh)
    assert secret[:8] not in f"{fresh!r} {fresh}"


@given(st.data())
def test_any_one_character_changed_is_noticed_without_a_database(data: st.DataObject):
    text = Credential.fresh("city").reveal()
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda c: c != text[place]))
    assert Credential.read(text[:place] + other + text[place + 1 :]) is None


@pytest.mark.parametrize("text", ["", "cm_", "cm_city_x_y", "Bearer x", "cm_city_" + "0" * 12 + "_" + "0" * 49, "证"])
def test_what_has_not_the_form_is_no_credential(text: str):
    assert Credential.read(text) is None


@given(st.text(max_size=200))
def test_reading_never_fails(text: str):
    assert Credential.read(text) is None


def test_the_hash_is_bound_to_node_and_id():
    fresh = Credential.fresh("city")
    moved = Credential(node=fresh.node, key=Credential.fresh("city").key, _secret=fresh._secret)
    mac = lambda data: hashlib.sha256(data).digest()  # noqa: E731
    assert fresh.hashed(mac) != moved.hashed(mac)
    assert fresh.hashed(mac) == Credential.read(fresh.reveal()).hashed(mac)
