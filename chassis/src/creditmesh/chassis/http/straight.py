"""Calling a plain route without what the framework prepares for every other kind.

For each request FastAPI makes stacks for dependencies with a clean-up, a second response to be merged, cookies, a MIME
parser and telemetry: more than the whole door costs (`docs/reference/performance.md`). A route that takes its
context, the request, parameters of its path and query and one JSON body needs none of it. Its values are read by the
framework's own functions; whatever is not as it should be goes the framework's way, which says what is wrong with it.
"""

from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from inspect import iscoroutinefunction
from typing import Any

from fastapi import Request, Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.utils import request_params_to_args
from fastapi.params import Form
from fastapi.routing import APIRoute, serialize_response
from starlette.types import ASGIApp, Receive, Scope, Send

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Dependency = Callable[[Request], Coroutine[Any, Any, Any]]
_STACKS = ("fastapi_middleware_astack", "fastapi_inner_astack", "fastapi_function_astack")
_JSON = "application/json"
_NO_BODY = 204


def application(handle: Handler) -> ASGIApp:
    """A handler that answers every error itself as what a route serves: nobody looks at it a second time."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handle(Request(scope, receive, send))
        await response(scope, receive, send)

    return answer


def within_stacks(handle: Handler) -> Handler:
    """The framework's handler with what it looks for in the scope. No dependency of ours has a clean-up."""

    async def handled(request: Request) -> Response:
        async with AsyncExitStack() as stack:
            request.scope.update(dict.fromkeys(_STACKS, stack))
            return await handle(request)

    return handled


def straight(route: APIRoute, context_of: Dependency, *, otherwise: Handler) -> Handler:
    """A handler for a plain route, which depends on nothing but its context; for every other route `otherwise`."""
    wanted, call = route.dependant, route.endpoint
    if any(each.call is not context_of for each in wanted.dependencies) or not _is_plain(route):
        return otherwise
    of_context = [each.name for each in wanted.dependencies if each.name is not None]
    body = wanted.body_params[0] if wanted.body_params else None

    async def handle(request: Request) -> Response:
        values: dict[str, Any] = dict.fromkeys(of_context, await context_of(request))
        wrong: list[Any] = []
        if wanted.path_params:
            found, wrong = request_params_to_args(wanted.path_params, request.path_params)
            values |= found
        if wanted.query_params and not wrong:
            found, wrong = request_params_to_args(wanted.query_params, request.query_params)
            values |= found
        if body is not None and not wrong:
            read = await _read(request)
            values[body.name], wrong = body.validate(read) if isinstance(read, dict) else (None, [read])
        if wrong:
            return await otherwise(request)
        if wanted.request_param_name is not None:
            values[wanted.request_param_name] = request
        answer = await call(**values)
        return answer if isinstance(answer, Response) else await _response(route, answer)

    return handle


def _is_plain(route: APIRoute) -> bool:
    wanted, bodies = route.dependant, route.dependant.body_params
    return (
        not (wanted.header_params or wanted.cookie_params)
        and not (wanted.response_param_name or wanted.background_tasks_param_name or wanted.http_connection_param_name)
        and len(bodies) <= 1
        and not any(isinstance(each.field_info, Form) or getattr(each.field_info, "embed", None) for each in bodies)
        and iscoroutinefunction(route.endpoint)
        and (_answers_itself(route) or _is_serialised(route))
    )


def _answers_itself(route: APIRoute) -> bool:
    returned = route.endpoint.__annotations__.get("return")
    return isinstance(returned, type) and issubclass(returned, Response)


def _is_serialised(route: APIRoute) -> bool:
    usual = isinstance(route.response_class, DefaultPlaceholder) and route.status_code != _NO_BODY
    return usual and route.response_field is not None


async def _read(request: Request) -> Any:
    """The body's JSON; None where there is none, or the framework has to say why it cannot be read."""
    if not await request.body() or request.headers.get("content-type") != _JSON:
        return None
    try:
        return await request.json()
    except ValueError:
        return None


async def _response(route: APIRoute, answer: object) -> Response:
    text = await serialize_response(
        field=route.response_field,
        response_content=answer,
        include=route.response_model_include,
        exclude=route.response_model_exclude,
        by_alias=route.response_model_by_alias,
        exclude_unset=route.response_model_exclude_unset,
        exclude_defaults=route.response_model_exclude_defaults,
        exclude_none=route.response_model_exclude_none,
        dump_json=True,
    )
    return Response(text, status_code=route.status_code or 200, media_type=_JSON)
