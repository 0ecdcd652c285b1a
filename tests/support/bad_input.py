"""Bad input of every kind, made from what a good request looks like: for any route, also one that is new tomorrow."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import jsonschema

from creditmesh.schemas.problems import PROBLEM_JSON

SENT = "☃990000198504120013☃"
"""Stands in every value that is sent to be refused: no answer may have it."""
JSON = "application/json"
UUID_LIKE = "0199f000-0000-7000-8000-00000000000"
BODIES: Mapping[str, bytes] = {
    "nothing": b"",
    "blank": b" \r\n",
    "cut short": b'{"a": "' + SENT.encode(),
    "two values": b"{}{}",
    "trailing comma": b'{"a": 1,}',
    "single quotes": b"{'a': 1}",
    "no json": SENT.encode(),
    "null": b"null",
    "number": b"17",
    "text": json.dumps(SENT).encode(),
    "true": b"true",
    "array": b"[]",
    "array of null": b"[null]",
    "empty object": b"{}",
    "unknown field": json.dumps({SENT: SENT}).encode(),
    "nan": b'{"a": NaN}',
    "infinity": b'{"a": [-Infinity]}',
    "beyond a float": b'{"a": 1e999}',
    "a number of 5000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "nul": rb'{"a": "\u0000"}',
    "raw nul": b'{"a": "\x00"}',
    "lone surrogate": rb'{"a": "\ud800"}',
    "lone surrogate as a name": rb'{"\udfff": 1}',
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "utf-32": '{"a": 1}'.encode("utf-32"),
    "gb18030": '{"a": "处罚"}'.encode("gb18030"),
    "latin-1": '{"a": "é"}'.encode("latin-1"),
    "overlong utf-8": b'{"a": "\xc0\xaf"}',
    "byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "very deep array": b"[" * 100_000,
    "very deep object": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "ten megabytes in a line": b'{"a": "' + b"x" * (10 * 1024 * 1024) + b'"}',
    "ten megabytes of nothing": b" " * (10 * 1024 * 1024),
}
MEDIA = ("", "text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded", "x/y/z", "☃")
MISSHAPEN: tuple[Any, ...] = (
    None,
    17,
    -1,
    1.5,
    True,
    "",
    [],
    {},
    [None],
    [[]],
    {"a": SENT},
    [SENT],
    SENT,
    SENT * 2000,
    "a\nb",
    "９９",
    "2026-02-30",
    "9999-99-99",
    "x" * 40,
    UUID_LIKE + "g",
    "\0",
    "\ud800",
    float("nan"),
    float("inf"),
    "Robert'); drop table record;--",
)
IN_A_PATH = (
    "x",
    SENT,
    "a" * 300,
    "%00",
    "%0a",
    "%FF",
    "%ED%A0%80",
    "%EF%BF%BD",
    "..%2f..%2fetc",
    "%2e%2e",
    "'%20or%20'1'='1",
    "-1",
    "null",
    UUID_LIKE + "g",
    UUID_LIKE,
    "{" + UUID_LIKE + "0}",
    "%F0%9F%92%A9",
    "a" * 9000,
    "%25",
    ";",
    "*",
)
IN_A_QUERY = (
    "limit=0",
    "limit=-1",
    "limit=1e3",
    "limit=NaN",
    "limit=9999999999999999999999",
    "limit=",
    "limit=%00",
    "limit=１",
    "limit=1&limit=x",
    "cursor=%00",
    "cursor=%FF",
    "cursor=%ED%A0%80",
    "cursor=" + "A" * 300,
    "cursor=AAAA",
    "cursor=%2B%2F%3D",
    "cursor=bm90LW91cnM",
    "cursor=9999999999999999999999",
    "cursor=-1",
    "cursor=",
    "as_of=2026-02-30",
    "as_of=x",
    "as_of=",
    "as_of=0000-00-00",
    "as_of=2026-1-1",
    "as_of=1767225600",
    "kind=x",
    "kind=%00",
    "state=x",
    "header=x",
    "item=%00",
    "item=No Such",
    "item=",
    "q=" + "a" * 101,
    "q=%ED%A0%80",
    "lane=x",
    "dry_run=maybe",
    "%FF=%FF",
    "=",
    "&&&",
    ";",
    "a[]=1",
    "x=" + "y" * 9000,
    "limit",
)
HEADERS: tuple[tuple[str, bytes], ...] = (
    ("Authorization", b""),
    ("Authorization", b"Bearer"),
    ("Authorization", b"Bearer "),
    ("Authorization", b"Basic Og=="),
    ("Authorization", b"Bearer x"),
    ("Authorization", b"Bearer \xff\xfe"),
    ("Authorization", b"Bearer " + b"a" * 5000),
    ("Authorization", b"Bearer cm_city_AAAAAAAAAAAA_" + b"A" * 49),
    ("Authorization", b"Bearer cm_town_AAAAAAAAAAAA_x"),
)


def bodies_from(good: Any, schema: Mapping[str, Any] | None) -> Iterator[tuple[str, bytes]]:
    """What is nearly the good body, with the JSON Pointer of what is wrong; never what the schema allows."""
    for pointer, changed in _changed(good):
        if schema is None or not _allowed(changed, schema):
            yield pointer, json.dumps(changed).encode()
    if isinstance(good, dict):
        for changed in ({**good, "unknown_field": SENT}, [good]):
            if schema is None or not _allowed(changed, schema):
                yield "", json.dumps(changed).encode()
        for name in good:
            less = {other: value for other, value in good.items() if other != name}
            if schema is not None and not _allowed(less, schema):
                yield f"/{name}", json.dumps(less).encode()


def _changed(good: Any) -> Iterator[tuple[str, Any]]:
    for path in _paths(good, ()):
        for value in MISSHAPEN:
            changed = copy.deepcopy(good)
            place = changed
            for step in path[:-1]:
                place = place[step]
            if value is True and isinstance(place[path[-1]], int):
                continue  # read as 1
            place[path[-1]] = value
            yield "".join(f"/{step}" for step in path), changed


def _paths(value: Any, here: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, entry in entries:
        yield (*here, name)
        yield from _paths(entry, (*here, name))


def _allowed(body: Any, schema: Mapping[str, Any]) -> bool:
    text = json.dumps(body)
    if any(word in text for word in ("\\u0000", "\\ud800", "NaN", "Infinity")):
        return False
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker(["date", "uuid"]))
    return bool(validator.is_valid(body))


def is_refusal(answer: httpx.Response, *, numbered: bool = True) -> bool:
    """Whether it is a refusal; AssertionError if it is one and not as every refusal must be.

    `numbered`: the id of its request stands in a header too, which the door sends and the operator's listener does not.
    """
    assert answer.status_code < 500 or answer.status_code == 503, (answer.status_code, answer.text[:500])
    if answer.status_code < 400:
        return False
    assert answer.headers["content-type"] == PROBLEM_JSON
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"urn:creditmesh:problem:{problem['code']}"
    assert problem["title"].isascii()
    assert not problem["title_zh"].isascii()
    assert bool(problem["detail"]) == bool(problem["detail_zh"])
    assert problem["request_id"]
    assert not numbered or problem["request_id"] == answer.headers["x-request-id"]
    assert SENT not in answer.text
    assert "Traceback" not in answer.text
    for error in problem["errors"]:
        assert error["pointer"] == "" or error["pointer"].startswith("/")
        assert error["code"]
        assert error["detail"]
        assert not error["detail_zh"].isascii()
    return True
