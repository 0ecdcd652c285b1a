"""Sealed values: readable as what they are and where they belong, and nowhere else."""

import os
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from creditmesh.chassis.vault.cipher import Cipher, TamperedSeal
from creditmesh.schemas.sealed import Sealed

PERSON, OBJECT = UUID("6b1c1d5e-0000-4000-8000-000000000001"), UUID("6b1c1d5e-0000-4000-8000-000000000002")
KEY = os.urandom(32)
JSON = st.dictionaries(
    st.text(max_size=10), st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=40), max_size=6
)


@given(data=JSON)
def test_what_was_sealed_comes_back(data: dict[str, JsonValue]):
    cipher = Cipher(PERSON, KEY)
    sealed = cipher.seal(data, object=OBJECT, field="identity")
    assert cipher.unseal(sealed, object=OBJECT, field="identity") == data
    assert cipher.unseal_json(cipher.seal_json(data, object=OBJECT, field="x"), object=OBJECT, field="x") == data


def test_the_fast_path_has_the_shape_of_the_model():
    cipher = Cipher(PERSON, KEY)
    model = cipher.seal({"name": "甲"}, object=OBJECT, field="identity")
    plain = cipher.seal_json({"name": "甲"}, object=OBJECT, field="identity")
    assert {**model.model_dump(mode="json"), "text": ""} == {**plain, "text": ""}
    assert cipher.unseal(Sealed.model_validate_json(orjson.dumps(plain)), object=OBJECT, field="identity") == {
        "name": "甲"
    }
    again = Sealed.model_validate_json(model.model_dump_json())
    assert again == model
    assert cipher.unseal_json(model.model_dump(mode="json"), object=OBJECT, field="identity") == {"name": "甲"}


def test_the_number_is_not_in_what_is_stored():
    sealed = Cipher(PERSON, KEY).seal({"number": "990000199001010010"}, object=OBJECT, field="identity")
    assert b"990000" not in sealed.text
    assert "990000" not in sealed.model_dump_json()


def test_the_same_value_is_never_sealed_to_the_same_text():
    cipher = Cipher(PERSON, KEY)
    texts = {cipher.seal({"a": 1}, object=OBJECT, field="f").text for _ in range(1000)}
    assert len(texts) == 1000


MOVED = {
    "another object": {"object": uuid4()},
    "another field": {"field": "content"},
    "a field that begins alike": {"field": "identity2"},
    "another person's cipher with the same key": {"person": uuid4()},
    "another person's cipher": {"person": uuid4(), "key": os.urandom(32)},
    "the same person after another key": {"key": os.urandom(32)},
}


@pytest.mark.parametrize("name", MOVED)
def test_a_moved_value_is_unreadable(name: str):
    moved: dict[str, object] = {"object": OBJECT, "field": "identity", "person": PERSON, "key": KEY} | MOVED[name]
    sealed = Cipher(PERSON, KEY).seal({"name": "甲"}, object=OBJECT, field="identity")
    other = Cipher(moved["person"], moved["key"])  # type: ignore[arg-type]
    with pytest.raises(TamperedSeal):
        other.unseal(sealed, object=moved["object"], field=moved["field"])  # type: ignore[arg-type]


def test_an_altered_byte_anywhere_makes_it_unreadable():
    cipher = Cipher(PERSON, KEY)
    sealed = cipher.seal({"name": "甲"}, object=OBJECT, field="identity")
    for place in range(len(sealed.text)):
        altered = bytearray(sealed.text)
        altered[place] ^= 1
        with pytest.raises(TamperedSeal):
            cipher.unseal(sealed.model_copy(update={"text": bytes(altered)}), object=OBJECT, field="identity")


@pytest.mark.parametrize("length", [0, 5, 12, 20])
def test_a_text_cut_short_is_unreadable(length: int):
    cipher = Cipher(PERSON, KEY)
    sealed = cipher.seal({"name": "甲"}, object=OBJECT, field="identity")
    with pytest.raises(TamperedSeal):
        cipher.unseal(sealed.model_copy(update={"text": sealed.text[:length]}), object=OBJECT, field="identity")


def test_a_cipher_prints_no_key():
    assert KEY.hex() not in repr(Cipher(PERSON, KEY))
