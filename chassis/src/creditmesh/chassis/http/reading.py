"""Reading JSON bodies strictly: UTF-8, no NaN, no halves of surrogate pairs, and no NUL in any text."""

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

import orjson
from fastapi import Request

Rule = Literal["nul", "surrogate", "not_a_number"]
Place = tuple[str | int, ...]
_NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NUL, _SURROGATE = re.compile("\0"), re.compile("[\ud800-\udfff]")
_NOT_A_NUMBER = object()


class Unstorable(json.JSONDecodeError):
    """The body can be read, and has what no database holds: NUL or half of a surrogate pair in a text, or NaN."""

    def __init__(self, found: list[tuple[Place, Rule]], read: object) -> None:
        super().__init__("unstorable", "", 0)
        self.found = found
        self.read = read


class StrictRequest(Request):
    """A request that reads its JSON with orjson, which takes nothing for JSON that is none."""

    async def json(self) -> Any:
        """The body; JSONDecodeError if it is not JSON, Unstorable with the places if it is all but."""
        return strictly(await self.body())


def strictly(body: bytes) -> Any:
    """What a JSON text says; JSONDecodeError if it is not JSON, Unstorable with the places if it is all but."""
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        _tell_where(body)
        raise
    if rb"\u0000" in body and _NUL_ESCAPE.search(body):
        raise Unstorable(list(_faults(read, ())), read)
    return read


def _tell_where(body: bytes) -> None:
    try:
        read = json.loads(body.decode(), parse_constant=lambda _: _NOT_A_NUMBER)
        found = list(_faults(read, ()))
    except (ValueError, RecursionError):
        return
    if found:
        raise Unstorable(found, read) from None


def _faults(value: object, here: Place) -> Iterator[tuple[Place, Rule]]:
    if isinstance(value, str):
        yield from _faults_of_text(value, here)
    elif isinstance(value, list):
        for place, entry in enumerate(value):
            yield from _faults(entry, (*here, place))
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _faults_of_text(name, here)
            yield from _faults(entry, (*here, name))
    elif value is _NOT_A_NUMBER:
        yield here, "not_a_number"


def _faults_of_text(text: str, here: Place) -> Iterator[tuple[Place, Rule]]:
    if _NUL.search(text):
        yield here, "nul"
    if _SURROGATE.search(text):
        yield here, "surrogate"
