"""The subjects of one screening: one object, an array of them, or one a line; and the answer in the same shape."""

import json
from collections.abc import Sequence
from email.message import Message
from typing import Any, Literal, NamedTuple

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

from creditmesh.chassis.errors import Malformed, TooLarge, UnsupportedMedia
from creditmesh.chassis.http.reading import strictly
from creditmesh.schemas.screenings import ScreenedIn, ScreeningOut

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
    shape = _shape(request.headers.get("content-type"))
    body = await request.body()
    read = _lines(body) if shape == "lines" else _json(body)
    if isinstance(read, dict):
        return Batch("object", [_valid(_ONE, read)])
    if not isinstance(read, list) or not read:
        raise Malformed(
            "Send one subject, an array of them, or one a line.", "请发送一个主体、主体数组，或每行一个主体。"
        )
    if len(read) > MOST:
        raise TooLarge(f"At most {MOST} subjects at once; split them.", f"单次最多 {MOST} 个主体；请拆分。")
    subjects: list[ScreenedIn] = _valid(_MANY, read)
    return Batch("lines" if shape == "lines" else "array", subjects)


def answer(batch: Batch, found: Sequence[ScreeningOut]) -> Response:
    """The answers, in the shape in which the subjects were sent."""
    texts = [each.model_dump_json() for each in found]
    if batch.shape == "lines":
        return Response("\n".join((*texts, "")), media_type=NDJSON)
    return Response(texts[0] if batch.shape == "object" else f"[{','.join(texts)}]", media_type="application/json")


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


def _valid(adapter: TypeAdapter[Any], read: Any) -> Any:
    try:
        return adapter.validate_python(read)
    except ValidationError as error:
        found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_input=False)[:_MOST_TOLD]]
        raise RequestValidationError(found, body=read) from None
