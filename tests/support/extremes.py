"""Values at the edge of what a body can say, for every field that a route's schema names, given or not.

Of an object whose schema names no field, as a row's does, the members of the good body are the fields.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

TEXTS = (
    "",
    "\u3164",
    "\u202ex",
    "\U0010ffff",
    "\ud800",
    "a\0b",
    "x" * 5000,
    "样" * 65,
    "9" * 64,
    "' or 1=1 --",
    "%s{}\\",
)
DAYS = (
    "0001-01-01", "0000-00-00", "1582-10-10", "1899-12-31", "1900-01-01", "9899-12-31", "9900-01-01", "9999-01-01",
    "9999-12-30", "9999-12-31", "10000-01-01", -(2**63), 2**63, 10**400, 1e300,
)  # fmt: skip
INSTANTS = (
    *DAYS, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "9999-12-31T23:59:60Z", "2026-03-02T01:15:31",
    "1900-01-01T00:00:00+23:59", "9899-12-31T23:59:59.999999-23:59", "2026-03-02T24:00:00Z",
)  # fmt: skip
NUMBERS = (-(2**63) - 1, -(2**31), -1, 0, 2**31 - 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 10**400, 1e308, 0.5)
OTHERS = (None, True, [], {}, [[]], "x")


def extremes(good: Any, schema: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """The good body with one field at an extreme, and the place of that field; of each kind of body that is taken."""
    for path, kind in (*_fields(schema, document, ()), *_unnamed(good, schema)):
        for value in _of(kind):
            changed = copy.deepcopy(good)
            if _set(changed, path, value):
                yield "/".join(map(str, path)), json.dumps(changed).encode()


def _fields(
    schema: Mapping[str, Any], document: Mapping[str, Any], here: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    if "$ref" in schema:
        place: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        if len(here) < 8:
            yield from _fields(place, document, here)
        return
    for name in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(name, ()):
            yield from _fields(each, document, here)
    if here and "type" in schema:
        yield here, schema
    for name, each in schema.get("properties", {}).items():
        yield from _fields(each, document, (*here, name))
    if "items" in schema:
        yield from _fields(schema["items"], document, (*here, 0))


def _unnamed(good: Any, schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """The members of a good body that may have any: each as a day, as a number and as a text."""
    if schema.get("additionalProperties") is True and "properties" not in schema:
        for name in good:
            for kind in ({"type": "string", "format": "date"}, {"type": "number"}, {"type": "string"}):
                yield (name,), kind


def _of(kind: Mapping[str, Any]) -> tuple[Any, ...]:
    known = {"date": DAYS, "date-time": INSTANTS}.get(kind.get("format", ""))
    if known is not None:
        return (*known, *OTHERS)
    if kind["type"] in {"integer", "number"}:
        return (*NUMBERS, *OTHERS)
    longest = kind.get("maxLength", 0)
    return (*TEXTS, "样" * longest, "x" * longest, "x" * (longest + 1), *OTHERS)


def _set(body: Any, path: tuple[str | int, ...], value: Any) -> bool:
    """Whether there is such a place in this body, or could be."""
    for step, following in pairwise(path):
        if isinstance(step, int):
            if not isinstance(body, list):
                return False
            if not body:
                body.append({} if isinstance(following, str) else [])
        elif not isinstance(body, dict):
            return False
        elif body.get(step) is None:
            body[step] = [] if isinstance(following, int) else {}
        body = body[step]
    last = path[-1]
    if isinstance(last, int):
        if not isinstance(body, list):
            return False
        body[:1] = [value]
    elif isinstance(body, dict):
        body[last] = value
    else:
        return False
    return True
