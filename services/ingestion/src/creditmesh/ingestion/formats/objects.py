"""One JSON object, or an array of them, cut into the texts of its elements without keeping what they parse to."""

import json
import re
from collections.abc import Iterator

from creditmesh.chassis.errors import Malformed
from creditmesh.schemas.files import MARK

_SPACE = re.compile(r"[ \t\n\r]*")
_HEAD = 4096


def is_object(body: bytes) -> bool:
    """Whether the body begins like an object."""
    return body.removeprefix(MARK)[:_HEAD].lstrip().startswith(b"{")


def read(body: bytes) -> Iterator[bytes]:
    """The texts of the elements; Malformed, naming the row, where the array itself cannot be read."""
    if is_object(body):
        yield body.removeprefix(MARK).strip()
        return
    text = body.removeprefix(MARK).decode(errors="surrogateescape")
    place = _after_space(text, 0)
    if text[place : place + 1] != "[":
        raise Malformed(
            "Send one JSON object, an array of objects, or NDJSON.", "请发送一个 JSON 对象、对象数组或 NDJSON。"
        )
    yield from _elements(text, place + 1)


def _elements(text: str, place: int) -> Iterator[bytes]:
    decoder, number = json.JSONDecoder(), 0
    place = _after_space(text, place)
    closed = text[place : place + 1] == "]"
    while not closed:
        number += 1
        try:
            _, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            raise _broken(number) from error
        yield text[place:end].encode(errors="surrogateescape")
        place = _after_space(text, end)
        mark, place = text[place : place + 1], _after_space(text, place + 1)
        if mark not in {",", "]"}:
            raise _broken(number)
        closed = mark == "]"
    if _after_space(text, place + (number == 0)) != len(text):
        raise _broken(number)


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _broken(number: int) -> Malformed:
    return Malformed(
        f"The JSON array is broken at element {number}; correct its syntax.",
        f"JSON 数组在第 {number} 个元素处有语法错误；请更正。",
    )
