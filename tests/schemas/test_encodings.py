"""Bytes as base64 and values of JSON, as models read and write them."""

import importlib
import os
import pkgutil
from base64 import b64encode
from uuid import uuid4

import orjson
import pytest
from pydantic import BaseModel, ValidationError

import creditmesh.schemas
from creditmesh.schemas.encodings import FROM_BASE64, Json
from creditmesh.schemas.sealed import Sealed


def sealed(text: str) -> bytes:
    return orjson.dumps({"about": str(uuid4()), "field": "subject", "key": "k", "alg": "a", "text": text})


@pytest.mark.parametrize("raw", [b"", b"a", bytes(range(256)), b"\xfb\xef\xff" * 30, os.urandom(301)])
def test_bytes_stand_in_json_as_base64_with_the_standard_alphabet(raw: bytes):
    text = b64encode(raw).decode()
    read = Sealed.model_validate_json(sealed(text))
    assert read.text == raw
    assert orjson.loads(read.model_dump_json())["text"] == text
    assert read.model_dump(mode="json")["text"] == text
    assert read.model_dump()["text"] == raw


@pytest.mark.parametrize("text", ["!", "a", "YW JjZA==", "YW\nJj", "YWJj=", "文"])
def test_what_is_no_base64_is_refused(text: str):
    with pytest.raises(ValidationError):
        Sealed.model_validate_json(sealed(text))


def test_a_text_given_by_python_is_not_taken_for_the_bytes():
    with pytest.raises(ValidationError):
        Sealed.model_validate({"about": uuid4(), "field": "f", "key": "k", "alg": "a", "text": "YWJj"})


def models(of: type[BaseModel] = BaseModel) -> list[type[BaseModel]]:
    return [each for sub in of.__subclasses__() for each in (sub, *models(sub))]


def test_every_model_with_bytes_reads_them_from_base64():
    for module in pkgutil.walk_packages(creditmesh.schemas.__path__, "creditmesh.schemas."):
        importlib.import_module(module.name)
    ours = [each for each in models() if each.__module__.startswith("creditmesh.schemas.")]
    held = [each for each in ours if any("bytes" in str(f.annotation) for f in each.model_fields.values())]
    assert Sealed in held
    for each in held:
        assert each.model_config.get("val_json_bytes") == FROM_BASE64["val_json_bytes"], each


def test_a_value_of_json_comes_as_it_is():
    class Told(BaseModel):
        fields: dict[str, Json]

    told = b'{"fields": {"a": "x", "b": [1, {"c": null}], "d": 1.5}}'
    assert Told.model_validate_json(told).fields == {"a": "x", "b": [1, {"c": None}], "d": 1.5}
    assert orjson.loads(Told.model_validate_json(told).model_dump_json()) == orjson.loads(told)
