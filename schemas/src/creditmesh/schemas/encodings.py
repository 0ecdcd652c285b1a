"""Bytes and values of JSON as fields of models, read by pydantic's core and by no function of Python.

pydantic's `Base64Bytes` and `JsonValue` call back into Python for every field and every value: of a record's event they
were the half.
"""

from base64 import b64encode
from typing import Annotated

from pydantic import ConfigDict, GetPydanticSchema, JsonValue, PlainSerializer, Strict, WithJsonSchema
from pydantic_core import core_schema

FROM_BASE64 = ConfigDict(val_json_bytes="base64")
"""What the configuration of every model with a `Base64` field has (a test says so): JSON alone is base64."""

Base64 = Annotated[
    bytes,
    Strict(),  # a text that Python gives is refused: it would be taken for the bytes themselves
    PlainSerializer(lambda raw: b64encode(raw).decode("ascii"), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "base64"}),
]
"""Bytes that stand in JSON as base64, with the standard alphabet."""

Json = Annotated[JsonValue, GetPydanticSchema(lambda _source, _handler: core_schema.any_schema())]
"""A value of JSON in a model that is read from JSON text, where nothing else can stand."""
