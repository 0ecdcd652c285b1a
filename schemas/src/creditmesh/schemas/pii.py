"""A personal value that shows itself to nobody by accident: printed it is `***`, serialised it is an error."""

from __future__ import annotations

from typing import Any, NoReturn

from pydantic import GetCoreSchemaHandler, SerializationInfo
from pydantic_core import CoreSchema, core_schema

REVEAL = {"reveal": True}
"""The serialisation context of the few places that may write personal values out (the client's request bodies)."""


class Pii:
    """A text that identifies a person. Only `reveal()` gives it back; equality and hashing are by value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself, for the vault and for answers to those who may know it."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pii) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a personal value is not pickled")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.no_info_after_validator_function(
            cls, core_schema.str_schema(max_length=512, pattern=r"^[^\x00]*$")
        )
        return core_schema.json_or_python_schema(
            json_schema=text,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), text]),
            serialization=core_schema.plain_serializer_function_ser_schema(
                _serialise, info_arg=True, return_schema=core_schema.str_schema()
            ),
        )


def _serialise(value: Pii, info: SerializationInfo) -> str:
    if isinstance(info.context, dict) and info.context.get("reveal"):
        return value.reveal()
    raise ValueError("a personal value is not serialised here")
