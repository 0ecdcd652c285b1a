"""Reading JSON bodies strictly: UTF-8, no NaN, no halves of surrogate pairs, no NUL, nothing endless, no name twice.

What is at fault is looked for by hand, so the search is bounded: it ends at as many findings as an answer has, and a
body that is larger than most is refused without a place. Arrays and objects are bounded because a validator has a
finding for each of their entries.
"""

import json
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from json import JSONDecodeError
from typing import Any, Literal

import orjson
from fastapi import Request

from creditmesh.schemas.bounds import MOST_ENTRIES
from creditmesh.schemas.problems import MOST_FINDINGS

Rule = Literal["nul", "surrogate", "not_a_number", "too_many_entries", "duplicate_field"]
Place = tuple[str | int, ...]
_SEARCHED = 64 * 1024
"""Bytes of a body in which the place of a fault is looked for."""
_NUL, _SURROGATE = re.compile("\0"), re.compile("[\ud800-\udfff]")
_NOT_A_NUMBER = object()


class UnacceptableJson(JSONDecodeError):
    """The body can be read, and has what no database holds (NUL, half of a surrogate pair, NaN), or too much."""

    def __init__(self, found: list[tuple[Place, Rule]], read: object) -> None:
        super().__init__("refused", "", 0)
        self.found = found
        self.read = read


class StrictRequest(Request):
    """A request that reads its JSON with orjson, which takes nothing for JSON that is none."""

    _refused: JSONDecodeError | None = None

    async def json(self) -> Any:
        """The body; JSONDecodeError if it is not JSON, Refused with the first places if it is all but.

        It is read once, whoever asks again and whatever came of it.
        """
        if self._refused is not None:
            raise self._refused
        if not hasattr(self, "_json"):
            try:
                self._json = _bounded(await self.body())
            except JSONDecodeError as refused:
                self._refused = refused
                raise
        return self._json


def _bounded(body: bytes) -> Any:
    read = strictly(body)
    if body.count(b",") >= MOST_ENTRIES and (found := _first(read)):
        raise UnacceptableJson(found, read)
    return read


def strictly(body: bytes) -> Any:
    """What a JSON text says, of any length; JSONDecodeError if it is not JSON, Refused if it is all but.

    A byte order mark before it says nothing: some systems cannot write without one.
    """
    body = body.removeprefix(BOM_UTF8)
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        _tell_where(body)
        raise
    plain = body.replace(rb"\\", b"") if rb"\u00" in body else b""  # without backslashes that are themselves escaped
    if rb"\u0000" in plain:
        raise UnacceptableJson(_first(read) if len(body) <= _SEARCHED else [((), "nul")], read)
    colons = body.count(b":") + plain.count(rb"\u003a") + plain.count(rb"\u003A")
    if colons != _colons_of(read):
        raise UnacceptableJson(_repeated(body) if len(body) <= _SEARCHED else [((), "duplicate_field")], read)
    return read


def _colons_of(read: object) -> int:
    """The colons of what was read, where a name that stands twice has left one.

    Writing it again in C and counting costs a tenth of a parser that shows every name.
    """
    try:
        return orjson.dumps(read).count(b":")
    except TypeError:
        raise JSONDecodeError("nested too deep", "", 0) from None


def _tell_where(body: bytes) -> None:
    if len(body) > _SEARCHED:
        return
    try:
        read = json.loads(body.decode(), parse_constant=lambda _: _NOT_A_NUMBER)
    except (ValueError, RecursionError):
        return
    if found := _first(read):
        raise UnacceptableJson(found, read) from None


class _Repeating(dict[str, object]):
    """An object in which a name stands twice: parsers differ in which of the two counts."""

    repeated: str


def _repeated(body: bytes) -> list[tuple[Place, Rule]]:
    def made(pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        repeating = _Repeating(members)
        repeating.repeated = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        return repeating

    try:
        return _first(json.loads(body, object_pairs_hook=made))
    except RecursionError:  # below a name of which only the last value is kept
        return [((), "duplicate_field")]


def _first(read: object) -> list[tuple[Place, Rule]]:
    return list(islice(_faults(read), MOST_FINDINGS))


class _Step:
    """One step of a place, which is written out for a finding alone."""

    __slots__ = ("above", "name")

    def __init__(self, name: str | int, above: "_Step | None") -> None:
        self.name = name
        self.above = above


def _written(step: _Step | None) -> Place:
    names: list[str | int] = []
    while step is not None:
        names.append(step.name)
        step = step.above
    return tuple(reversed(names))


def _faults(read: object) -> Iterator[tuple[Place, Rule]]:
    """Every fault in the order of the text, without recursion: a body may be nested as deep as it likes."""
    waiting: list[Iterator[tuple[_Step | None, object]]] = [iter([(None, read)])]
    while waiting:
        for here, value in waiting[-1]:
            if isinstance(value, str):
                yield from _faults_of_text(value, here)
            elif isinstance(value, dict | list):
                if isinstance(value, _Repeating):
                    yield _written(_Step(value.repeated, here)), "duplicate_field"
                if len(value) > MOST_ENTRIES:
                    yield _written(here), "too_many_entries"
                waiting.append(_members(value, here) if isinstance(value, dict) else _entries(value, here))
                break
            elif value is _NOT_A_NUMBER:
                yield _written(here), "not_a_number"
        else:
            waiting.pop()


def _entries(value: list[object], here: _Step | None) -> Iterator[tuple[_Step | None, object]]:
    for place, entry in enumerate(value):
        yield _Step(place, here), entry


def _members(value: dict[str, object], here: _Step | None) -> Iterator[tuple[_Step | None, object]]:
    """Each name as a text where its object is, and then its value."""
    for name, entry in value.items():
        yield here, name
        yield _Step(name, here), entry


def _faults_of_text(text: str, here: _Step | None) -> Iterator[tuple[Place, Rule]]:
    if _NUL.search(text):
        yield _written(here), "nul"
    if _SURROGATE.search(text):
        yield _written(here), "surrogate"
