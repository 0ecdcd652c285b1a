"""The second listener: metrics, readiness in detail, and the operator's routes of the services hosted here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from creditmesh.chassis.http import problems
from creditmesh.chassis.http.server import App

Readiness = Callable[[], Awaitable[Mapping[str, Any]]]
"""Tells `ready` and, beside it, the state of what the process needs."""


def second_listener(readiness: Readiness, apps: Sequence[FastAPI]) -> App:
    """Health and metrics for whoever reaches it; the services' operator routes for who has the secret."""
    own = _health(readiness)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        for app in apps:
            if any(route.matches(scope)[0] is Match.FULL for route in app.routes):
                await app(scope, receive, send)
                return
        await own(scope, receive, send)

    return dispatch


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
