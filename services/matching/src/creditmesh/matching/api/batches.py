"""The subjects of one screening: one object, an array of them, or one a line; and the answer in the same shape."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import FailFast, TypeAdapter, ValidationError

from creditmesh.chassis.bulk import in_slices
from creditmesh.chassis.errors import Malformed, TooLarge, UnsupportedMedia
from creditmesh.chassis.http.reading import strictly
from creditmesh.chassis.media import media_type
from creditmesh.schemas.problems import MOST_FINDINGS
from creditmesh.schemas.screenings import ScreenedIn

NDJSON = "application/x-ndjson"
MOST = 10_000
"""Subjects of one screening."""
_FIELDS = 32
"""Names that a subject, or an object in it, may have before it is looked at by name."""
_MOST_MARKS = 16
"""Braces, brackets and commas for each of `MOST` subjects, which need six; a body with more is not parsed."""
_KINDS = {"application/json": "json", NDJSON: "lines", "application/ndjson": "lines"}
_ONE = TypeAdapter(ScreenedIn)
_MANY: TypeAdapter[list[ScreenedIn]] = TypeAdapter(Annotated[list[ScreenedIn], FailFast()])


class ScreeningBatch(NamedTuple):
    """What was sent, and in which shape."""

    shape: Literal["object", "array", "lines"]
    subjects: Sequence[ScreenedIn]


async def batch_of(request: Request) -> ScreeningBatch:
    """The subjects of a request: UnsupportedMedia, Malformed, TooLarge, or each field at fault by its place."""
    shape = _shape(request.headers.get("content-type"))
    body = await request.body()
    if body.count(b"{") + body.count(b"[") + body.count(b",") > _MOST_MARKS * MOST:
        raise _too_many()
    read = await _lines(body) if shape == "lines" else _json(body)
    if isinstance(read, dict):
        return ScreeningBatch("object", await _valid(read))
    if not isinstance(read, list) or not read:
        raise Malformed(
            "Send one subject, an array of them, or one a line.", "请发送一个主体、主体数组，或每行一个主体。"
        )
    if len(read) > MOST:
        raise _too_many()
    return ScreeningBatch("lines" if shape == "lines" else "array", await _valid(read))


def answer(batch: ScreeningBatch, texts: Sequence[bytes]) -> Response:
    """The answers, in the shape in which the subjects were sent."""
    if batch.shape == "lines":
        return Response(b"\n".join((*texts, b"")), media_type=NDJSON)
    body = texts[0] if batch.shape == "object" else b"[%b]" % b",".join(texts)
    return Response(body, media_type="application/json")


def _shape(content_type: str | None) -> str:
    kind, charset = media_type(content_type)
    shape = _KINDS.get(kind)
    if shape is None or charset not in {"", "utf-8", "utf8"}:
        raise UnsupportedMedia(
            f"Send application/json or {NDJSON}, in UTF-8.", f"请使用 application/json 或 {NDJSON}（UTF-8）。"
        )
    return shape


def _json(body: bytes) -> Any:
    try:
        return strictly(body)
    except json.JSONDecodeError as error:
        raise RequestValidationError([{"type": "json_invalid", "loc": ("body",)}]) from error


async def _lines(body: bytes) -> list[Any]:
    if body.count(b"\n") + body.count(b"\r") > 4 * MOST:  # before there is an object for each
        raise _too_many()
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > MOST:
        raise _too_many()
    read: list[Any] = []
    async for some in in_slices(lines):
        for line in some:
            try:
                read.append(strictly(line))
            except json.JSONDecodeError as error:
                number = len(read) + 1
                raise Malformed(
                    f"Line {number} is not valid JSON in UTF-8.", f"第 {number} 行不是有效的 UTF-8 JSON。"
                ) from error
    return read


async def _valid(read: Any) -> list[ScreenedIn]:
    """The subjects; RequestValidationError with the first findings, slice by slice until there are enough."""
    sent = [read] if isinstance(read, dict) else read
    subjects: list[ScreenedIn] = []
    found: list[dict[str, Any]] = []
    seen = 0
    async for some in in_slices(sent):
        models = _models(some)
        if models is None:
            findings = (
                each
                for number, subject in enumerate(some, seen)
                for each in _findings(subject, (number,) if sent is read else ())
            )
            found += islice(findings, MOST_FINDINGS - len(found))
        else:
            subjects += models
        if len(found) == MOST_FINDINGS:
            break
        seen += len(some)
    if found:
        raise RequestValidationError(found, body=read)
    return subjects


def _models(subjects: Sequence[Any]) -> list[ScreenedIn] | None:
    """The subjects as their models; None if any of them is none."""
    if any(map(_is_crowded, subjects)):
        return None
    try:
        return _MANY.validate_python(subjects)
    except ValidationError:
        return None


def _is_crowded(subject: Any) -> bool:
    """Whether it has more names than a validator should have findings for."""
    if not isinstance(subject, dict):
        return False
    document = subject.get("document")
    return len(subject) > _FIELDS or (isinstance(document, dict) and len(document) > _FIELDS)


def _findings(subject: Any, place: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    if _is_crowded(subject):
        yield {"type": "too_many_entries", "loc": ("body", *place)}
        return
    try:
        _ONE.validate_python(subject)
    except ValidationError as error:
        for each in error.errors(include_input=False):
            yield {**each, "loc": ("body", *place, *each["loc"])}


def _too_many() -> TooLarge:
    return TooLarge(f"At most {MOST} subjects at once; split them.", f"单次最多 {MOST} 个主体；请拆分。")
