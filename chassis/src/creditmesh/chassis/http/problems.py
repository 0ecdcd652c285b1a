"""Every error as problem+json in both languages; a value that was sent is never echoed, a trace never shown."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from creditmesh.chassis.bus import faults
from creditmesh.chassis.errors import Invalid, Malformed, NotFound, Problem, Unavailable
from creditmesh.schemas.problems import PROBLEM_JSON, FieldError

log = structlog.get_logger(__name__)


class MethodNotAllowed(Problem):
    """405: the path is known, the method is not."""

    code = "method_not_allowed"
    title = "This path does not take that method"
    title_zh = "该路径不支持此方法"
    status = 405


class Fault(Problem):
    """500: ours, never the caller's."""

    code = "fault"
    title = "The node made a mistake; the operator finds it under the request id"
    title_zh = "节点内部错误，运维方可按请求编号查询"
    status = 500


def render(problem: Problem, request_id: str | None) -> Response:
    """A problem as its response."""
    headers = {"Cache-Control": "no-store", **problem.headers}
    body = problem.document(request_id).model_dump_json()
    return Response(body, status_code=problem.status, media_type=PROBLEM_JSON, headers=headers)


_RULES: Mapping[str, tuple[str, str]] = {
    "missing": ("This is required.", "此项必填。"),
    "extra_forbidden": ("This field is not known here; remove it.", "未知字段，请删除。"),
    "json_invalid": ("The body is not valid JSON.", "正文不是有效的 JSON。"),
    "literal_error": ("Not one of the values allowed here.", "取值不在允许范围内。"),
    "string_pattern_mismatch": ("The text does not have the required form.", "文本格式不符合要求。"),
    "string_too_long": ("The text is too long.", "文本过长。"),
    "uuid_parsing": ("An id of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx is needed.", "须为 UUID 格式的标识。"),
    "date_from_datetime_parsing": ("A day as YYYY-MM-DD is needed.", "须为 YYYY-MM-DD 格式的日期。"),
    "date_parsing": ("A day as YYYY-MM-DD is needed.", "须为 YYYY-MM-DD 格式的日期。"),
}
_OTHER = ("This value does not have the required type or form.", "取值的类型或格式不符合要求。")


def field_errors(errors: Sequence[Mapping[str, Any]]) -> tuple[FieldError, ...]:
    """Pydantic's findings as field errors: place, rule, remedy; never the input."""
    found = []
    for error in errors:
        detail, detail_zh = _RULES.get(error["type"], _OTHER)
        pointer = "".join(f"/{part}".replace("~", "~0") for part in error["loc"] if part != "body")
        found.append(FieldError(pointer=pointer, code=error["type"], detail=detail, detail_zh=detail_zh))
    return tuple(found)


def request_id_of(request: Request) -> str | None:
    """The id the gateway gave this request."""
    return request.headers.get("x-request-id")


async def _problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)  # noqa: S101 - registered for this class only
    return render(problem, request_id_of(request))


async def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    errors = field_errors(error.errors())
    if any(found["type"] == "json_invalid" for found in error.errors()):
        return render(Malformed("The body is not valid JSON.", "正文不是有效的 JSON。"), request_id_of(request))
    return render(Invalid("See errors for each field.", "各字段问题见 errors。", errors=errors), request_id_of(request))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    known: Mapping[int, type[Problem]] = {404: NotFound, 405: MethodNotAllowed}
    return render(known.get(error.status_code, Malformed)(), request_id_of(request))


def of_error(error: Exception, *, path: str) -> Problem:
    """What the caller is told of an error that is not a refusal: 503 if a dependency is away, else a fault of ours."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if faults.fault_of(error, attempt=0) is not faults.Fault.PERMANENT:
        log.warning("a dependency is not reachable", sqlstate=state, path=path, exc_info=error)
        return _later()
    log.error("unexpected error", sqlstate=state, path=path, exc_info=error)
    return Fault()


def _later() -> Problem:
    return Unavailable(
        "The node's database cannot be reached; nothing was stored.",
        "节点数据库暂时无法访问，未保存任何内容。",
        headers={"Retry-After": "1"},
    )


def install(app: FastAPI) -> None:
    """Give an application the one way errors are answered."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http)
