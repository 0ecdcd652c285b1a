"""One JSON object, or an array of them, cut into the texts of its elements without keeping what they parse to."""

import json
import re
from collections.abc import Iterator

from creditmesh.chassis.errors import Malformed
from creditmesh.schemas.files import LINE_BYTES, MARK

_SPACE = re.compile(rb"[ \t\n\r]*")
_HEAD = _PIECE = 4096
_DECODER = json.JSONDecoder()


def is_object(body: bytes) -> bool:
    """Whether the body begins like an object."""
    return body.removeprefix(MARK)[:_HEAD].lstrip().startswith(b"{")


def read(body: bytes) -> Iterator[bytes]:
    """The texts of the elements; Malformed, naming the row, where the array itself cannot be read."""
    if is_object(body):
        yield body.removeprefix(MARK).strip()
        return
    place = _after_space(body, len(MARK) if body.startswith(MARK) else 0)
    if body[place : place + 1] != b"[":
        raise Malformed(
            "Send one JSON object, an array of objects, or NDJSON.", "请发送一个 JSON 对象、对象数组或 NDJSON。"
        )
    yield from _elements(body, place + 1)


def _elements(body: bytes, place: int) -> Iterator[bytes]:
    number = 0
    place = _after_space(body, place)
    closed = body[place : place + 1] == b"]"
    while not closed:
        number += 1
        element = _element(body, place, number)
        yield element
        place = _after_space(body, place + len(element))
        mark, place = body[place : place + 1], _after_space(body, place + 1)
        if mark not in {b",", b"]"}:
            raise _broken(number)
        closed = mark == b"]"
    if _after_space(body, place + (number == 0)) != len(body):
        raise _broken(number)


def _element(body: bytes, place: int, number: int) -> bytes:
    # Only a parser finds the end; it is given twice as much until it does, so that nothing long is parsed whole.
    size = _PIECE
    while size <= LINE_BYTES:
        text = body[place : place + size].decode(errors="surrogateescape")
        is_rest = place + size >= len(body)
        try:
            _, end = _DECODER.raw_decode(text)
        except ValueError:
            if is_rest:
                break
        except RecursionError:
            break
        else:
            if is_rest or end < len(text):  # else a number may go on
                return text[:end].encode(errors="surrogateescape")
        size *= 2
    raise _broken(number)


def _after_space(body: bytes, place: int) -> int:
    found = _SPACE.match(body, place, place + LINE_BYTES)
    return found.end() if found else place


def _broken(number: int) -> Malformed:
    return Malformed(
        f"The JSON array is broken at element {number}, or it has more than {LINE_BYTES} bytes there; correct it.",
        f"JSON 数组在第 {number} 个元素处有语法错误，或该处长度超过 {LINE_BYTES} 字节；请更正。",
    )
