"""Every error as problem+json in both languages; a value that was sent is never echoed, a trace never shown."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from creditmesh.chassis.database.errors import DatabaseError, may_go_well
from creditmesh.chassis.errors import (
    Invalid,
    Malformed,
    NotFound,
    Problem,
    Unavailable,
    UnsupportedMedia,
    outcome_unknown,
)
from creditmesh.chassis.http.reading import UnacceptableJson
from creditmesh.schemas.findings import of_one_fault, place_of, texts_of
from creditmesh.schemas.problems import MOST_FINDINGS, PROBLEM_JSON, FieldError

log = structlog.get_logger(__name__)


class MethodNotAllowed(Problem):
    """405: the path is known, the method is not."""

    code = "method_not_allowed"
    title = "This path does not take that method"
    title_zh = "该路径不支持此方法"
    status = 405


class InternalError(Problem):
    """500: ours, never the caller's."""

    code = "fault"
    title = "The node made a mistake; the operator finds it under the request id"
    title_zh = "节点内部错误，运维人员可按请求编号查询"
    remedy = "Send it again later; if it stays so, tell the node's operator the `request_id`."
    remedy_zh = "请稍后重试；问题仍在的，请将 `request_id` 告知节点运维人员。"
    status = 500


def render(problem: Problem, request_id: str | None) -> Response:
    """A problem as its response."""
    headers = {"Cache-Control": "no-store", **problem.headers}
    body = problem.document(request_id).model_dump_json()
    return Response(body, status_code=problem.status, media_type=PROBLEM_JSON, headers=headers)


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_DIGITS = re.compile(r"\d{6}")
_NO_JSON = Malformed(
    "The body is not valid JSON in UTF-8: check brackets, quotes and the encoding.",
    "正文不是有效的 UTF-8 JSON：请检查括号、引号与编码。",
)
_FRAMEWORKS: Mapping[int, tuple[type[Problem], str, str]] = {
    404: (NotFound, "There is no such path here.", "此处没有该路径。"),
    405: (MethodNotAllowed, "The header Allow says what it takes.", "可用方法见响应头 Allow。"),
}
_READ_AGAIN = ("The request cannot be read; check its body and its headers.", "请求无法读取，请检查正文与请求头。")


def field_errors(errors: Sequence[Mapping[str, Any]], body: object = None) -> tuple[FieldError, ...]:
    """Pydantic's first findings as field errors: place in the body (as far as it was read), rule, remedy.

    Never the input.
    """
    found: list[FieldError] = []
    for error in of_one_fault(errors):
        if len(found) == MOST_FINDINGS:
            break
        detail, detail_zh = texts_of(error)
        pointer = _pointer(place_of(error), body)
        found.append(FieldError(pointer=pointer, code=error["type"], detail=detail, detail_zh=detail_zh))
    return tuple(found)


_READING = ("GET", "HEAD")


def _pointer(place: Sequence[str | int], body: object) -> str:
    """The place as a JSON Pointer, as far as its names look like names: a sender's own key may be a person's number."""
    steps = _in_body(place[1:], body) if place[:1] == ("body",) else place
    return "".join(f"/{step}" for step in takewhile(_is_name, steps))


def _in_body(place: Sequence[str | int], body: object) -> Iterator[str | int]:
    """The steps through the body. Pydantic also names the member of a union that it tried: that is none."""
    value, last = body, len(place) - 1
    for number, step in enumerate(place):
        if isinstance(value, dict):
            if step in value or number == last:
                yield step
                value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            yield step
            value = value[step] if step < len(value) else None


def _is_name(step: str | int) -> bool:
    return isinstance(step, int) or bool(_NAME.fullmatch(step) and not _DIGITS.search(step))


def request_id_of(request: Request) -> str | None:
    """The id the gateway gave this request."""
    return request.headers.get("x-request-id")


def answer_to(error: Exception, request: Request, *, path: str) -> Response:
    """What is answered to whatever a route raised."""
    if isinstance(error, HTTPException) and isinstance(error.__cause__, Problem):
        error = error.__cause__  # the framework's word for what reading the body raised
    if isinstance(error, RequestValidationError):
        error = _of_findings(error)
    elif isinstance(error, HTTPException):
        error = _of_framework(error)
    problem = error if isinstance(error, Problem) else of_error(error, path=path, reads=request.method in _READING)
    return render(problem, request_id_of(request))


def _of_findings(error: RequestValidationError) -> Problem:
    findings, body = error.errors(), error.body
    if isinstance(error.__cause__, UnacceptableJson):
        findings = [{"type": rule, "loc": ("body", *place)} for place, rule in error.__cause__.found]
        body = error.__cause__.read
    for found in findings:
        if found["type"] == "json_invalid":
            return _NO_JSON
        if found["type"] == "missing" and tuple(found["loc"]) == ("body",):
            return Malformed("A body is needed: JSON, in UTF-8.", "缺少请求正文：须为 UTF-8 编码的 JSON。")
    if isinstance(body, bytes) and body:
        return UnsupportedMedia("Send `Content-Type: application/json`.", "请使用 `Content-Type: application/json`。")
    return Invalid(
        f"See errors for each field; no more than {MOST_FINDINGS} are named.",
        f"各字段问题见 errors（最多列出 {MOST_FINDINGS} 项）。",
        errors=field_errors(findings, body),
    )


def _of_framework(error: HTTPException) -> Problem:
    kind, detail, detail_zh = _FRAMEWORKS.get(error.status_code, (Malformed, *_READ_AGAIN))
    return kind(detail, detail_zh, headers=error.headers)


def of_error(error: Exception, *, path: str, reads: bool = False) -> Problem:
    """What the caller is told of an error that is not a refusal: 503 if a dependency is away, else a fault of ours.

    `reads`: what was asked stores nothing that its caller would have to know of.
    """
    if isinstance(error, ClientDisconnect):  # or the door ended a body beyond its cap; nobody reads this answer
        return Malformed("The body ended before it was whole.", "请求正文未完整送达。")
    state = error.sqlstate if isinstance(error, DatabaseError) else None
    if may_go_well(error):
        log.warning("a dependency is not reachable", sqlstate=state, path=path, exc_info=error)
        uncertain = isinstance(error, DatabaseError) and error.uncertain and not reads
        return outcome_unknown() if uncertain else _later()
    log.error("unexpected error", sqlstate=state, path=path, exc_info=error)
    return InternalError(
        "Send it once more; if it stays so, give the node's operator the request id.",
        "请重新发送一次；如仍如此，请将请求编号告知节点运维人员。",
    )


def _later() -> Problem:
    return Unavailable(
        "The node's database cannot be reached; nothing was stored.",
        "节点数据库暂时无法访问，未保存任何内容。",
        headers={"Retry-After": "1"},
    )


def install(app: FastAPI) -> None:
    """Give an application the one way errors are answered: what it says itself of a path or a method, too."""

    async def handle(request: Request, error: Exception) -> Response:
        return answer_to(error, request, path="-")

    app.add_exception_handler(Problem, handle)
    app.add_exception_handler(HTTPException, handle)
