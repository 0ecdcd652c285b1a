"""The subjects of one screening: one object, an array of them, or one a line; and the answer in the same shape."""

import json
from collections.abc import Sequence
from email.message import Message
from typing import Any, Literal, NamedTuple

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from creditmesh.chassis.bulk import in_slices
from creditmesh.chassis.errors import Malformed, TooLarge, UnsupportedMedia
from creditmesh.chassis.http.reading import strictly
from creditmesh.schemas.screenings import ScreenedIn

NDJSON = "application/x-ndjson"
MOST = 10_000
"""Subjects of one screening."""
_MOST_TOLD = 100
_KINDS = {"application/json": "json", NDJSON: "lines", "application/ndjson": "lines"}
_ONE, _MANY = TypeAdapter(ScreenedIn), TypeAdapter(list[ScreenedIn])


class Batch(NamedTuple):
    """What was sent, and in which shape."""

    shape: Literal["object", "array", "lines"]
    subjects: Sequence[ScreenedIn]


async def batch_of(request: Request) -> Batch:
    """The subjects of a request: UnsupportedMedia, Malformed, TooLarge, or each field at fault by its place."""
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMedia("Send the body without Content-Encoding.", "请求正文请勿使用 Content-Encoding。")
    shape = _shape(request.headers.get("content-type"))
    body = await request.body()
    read = _lines(body) if shape == "lines" else _json(body)
    if isinstance(read, dict):
        try:
            return Batch("object", [_ONE.validate_python(read)])
        except ValidationError as error:
            raise _invalid(_faults(error), read) from None
    if not isinstance(read, list) or not read:
        raise Malformed(
            "Send one subject, an array of them, or one a line.", "请发送一个主体、主体数组，或每行一个主体。"
        )
    if len(read) > MOST:
        raise TooLarge(f"At most {MOST} subjects at once; split them.", f"单次最多 {MOST} 个主体；请拆分。")
    return Batch("lines" if shape == "lines" else "array", await _valid(read))


def answer(batch: Batch, texts: Sequence[bytes]) -> Response:
    """The answers, in the shape in which the subjects were sent."""
    if batch.shape == "lines":
        return Response(b"\n".join((*texts, b"")), media_type=NDJSON)
    body = texts[0] if batch.shape == "object" else b"[%b]" % b",".join(texts)
    return Response(body, media_type="application/json")


def _shape(content_type: str | None) -> str:
    header = Message()
    header["content-type"] = content_type or ""
    charset = str(header.get_param("charset", "utf-8")).strip().lower()
    shape = _KINDS.get(header.get_content_type())
    if shape is None or charset not in {"utf-8", "utf8"}:
        raise UnsupportedMedia(
            f"Send application/json or {NDJSON}, in UTF-8.", f"请使用 application/json 或 {NDJSON}（UTF-8）。"
        )
    return shape


def _json(body: bytes) -> Any:
    try:
        return strictly(body)
    except json.JSONDecodeError as error:
        raise RequestValidationError([{"type": "json_invalid", "loc": ("body",)}]) from error


def _lines(body: bytes) -> list[Any]:
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > MOST:
        raise TooLarge(f"At most {MOST} subjects at once; split them.", f"单次最多 {MOST} 个主体；请拆分。")
    read = []
    for number, line in enumerate(lines, 1):
        try:
            read.append(strictly(line))
        except json.JSONDecodeError as error:
            raise Malformed(
                f"Line {number} is not valid JSON in UTF-8.", f"第 {number} 行不是有效的 UTF-8 JSON。"
            ) from error
    return read


async def _valid(read: Sequence[Any]) -> list[ScreenedIn]:
    """The subjects; RequestValidationError with the faults of the first slice that has any."""
    subjects: list[ScreenedIn] = []
    async for some in in_slices(read):
        try:
            subjects += _MANY.validate_python(some)
        except ValidationError as error:
            found = [
                {**each, "loc": (len(subjects) + int(each["loc"][0]), *each["loc"][1:])} for each in _faults(error)
            ]
            raise _invalid(found, read) from None
    return subjects


def _faults(error: ValidationError) -> Sequence[Any]:
    return error.errors(include_input=False)[:_MOST_TOLD]


def _invalid(found: Sequence[Any], read: object) -> RequestValidationError:
    return RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found], body=read)
