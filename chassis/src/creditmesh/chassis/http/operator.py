"""The second listener: metrics, readiness in detail, and the operator's routes of the services hosted here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import uuid_utils
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Message, Receive, Scope, Send

from creditmesh.chassis.http import problems
from creditmesh.chassis.http.documents import DocumentPages
from creditmesh.chassis.http.health import Readiness
from creditmesh.chassis.http.server.listener import App

_REQUEST_ID = b"x-request-id"
_OTHERS = {"health_live": "/health/live", "health_ready": "/health/ready", "metrics": "/metrics"}


def second_listener(
    readiness: Readiness,
    apps: Sequence[FastAPI],
    *,
    document: Callable[[], Mapping[str, Any]],
    today: Callable[[], date],
) -> App:
    """Health, metrics and its document for whoever reaches it; the services' operator routes for who has the secret.

    HEAD is answered wherever GET is, and every request has an id, in its answer and in what is logged for it.
    """
    own, pages = _health(readiness), DocumentPages(document, others=_OTHERS, today=today)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        scope, send = _named(scope, send)
        if scope["method"] == "GET" and pages.has(scope["path"]):
            page = await pages.answer(scope["path"], Headers(scope=scope).get("accept", ""))
            await page(scope, receive, send)
            return
        for app in apps:
            if any(route.matches(scope)[0] is Match.FULL for route in app.routes):
                await app(scope, receive, send)
                return
        await own(scope, receive, send)

    return dispatch


def _named(scope: Scope, send: Send) -> tuple[Scope, Send]:
    """The request under an id of ours, a HEAD as its GET; and an answer that tells the id."""
    named = (_REQUEST_ID, str(uuid_utils.uuid7()).encode())
    headless = scope["method"] == "HEAD"

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), named]}
        elif headless:
            message = {**message, "body": b""}
        await send(message)

    headers = [*(header for header in scope["headers"] if header[0] != _REQUEST_ID), named]
    return {**scope, "method": "GET" if headless else scope["method"], "headers": headers}, answer


def _health(readiness: Readiness) -> FastAPI:
    app = FastAPI(title="operator", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @app.get("/health/ready")
    async def ready() -> JSONResponse:
        state = await readiness()
        return JSONResponse(dict(state), status_code=200 if state["ready"] else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    problems.install(app)
    return app
