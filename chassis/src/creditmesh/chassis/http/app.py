"""The application of one service: its routes, each in a transaction, and its problems."""

import hmac
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from creditmesh.chassis.caller import OPERATOR, PUBLIC, Caller
from creditmesh.chassis.context import Context
from creditmesh.chassis.declared import Declared
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.errors import Unauthenticated
from creditmesh.chassis.http import problems
from creditmesh.chassis.http.naming import named
from creditmesh.chassis.http.router import Contexts, access_of
from creditmesh.chassis.http.token import HEADER, Verifier

_CALLER = "creditmesh.caller"
"""Who calls, in the scope of a request that came from this process: no scope that a server makes has it."""


class RequestContexts:
    """Opens the context of a request: who calls is what the internal token says, or the door of this process."""

    def __init__(self, equipment: Equipment, verifier: Verifier) -> None:
        self._equipment = equipment
        self._verifier = verifier

    @asynccontextmanager
    async def request(self, request: Request) -> AsyncIterator[Context]:
        """The context of this request; what it has not committed when it is left is rolled back."""
        context = Context(
            self._equipment,
            caller=request.scope.get(_CALLER) or self._by_token(request),
            request_id=problems.request_id_of(request),
            traceparent=request.headers.get("traceparent"),
        )
        try:
            yield context
        finally:
            await context.close()

    def named(self, request: Request) -> AbstractContextManager[None]:
        """The names of the request on what is logged inside; the door of this process has put them there already."""
        return nullcontext() if _CALLER in request.scope else _named(request)

    def _by_token(self, request: Request) -> Caller:
        token = request.headers.get(HEADER)
        return PUBLIC if token is None else self._verifier.caller(token)


class OperatorContexts:
    """Opens the context of a request on the second listener: the bearer must be the operator's secret."""

    def __init__(self, equipment: Equipment, secret: str) -> None:
        self._equipment = equipment
        self._expected = f"Bearer {secret}".encode()

    @asynccontextmanager
    async def request(self, request: Request) -> AsyncIterator[Context]:
        """The operator's context, rolled back if it was not committed; Unauthenticated without the secret."""
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, self._expected):
            raise Unauthenticated(
                "The operator's secret is in the file `operator` of the node's secrets.",
                "运维密钥见节点 secrets 目录中的 operator 文件。",
            )
        context = Context(self._equipment, caller=OPERATOR, request_id=problems.request_id_of(request))
        try:
            yield context
        finally:
            await context.close()

    def named(self, request: Request) -> AbstractContextManager[None]:
        """The names of the request on what is logged inside."""
        return _named(request)


def _named(request: Request) -> AbstractContextManager[None]:
    return named(problems.request_id_of(request), request.headers.get("traceparent"))


def routes_of(service: Declared, *, internal: bool) -> list[APIRoute]:
    """The service's routes: those open to the gateway, or those for the operator's listener."""
    if service.router is None:
        return []
    routes = [route for route in service.router.routes if isinstance(route, APIRoute)]
    return [route for route in routes if access_of(route).internal is internal]


def service_app(equipment: Equipment, verifier: Verifier) -> FastAPI:
    """The application of a service, for callers the gateway vouches for."""
    return _app(equipment.service, RequestContexts(equipment, verifier), internal=False)


async def call(
    app: FastAPI, route: APIRoute, caller: Caller | None, *, scope: Scope, receive: Receive, send: Send
) -> None:
    """Call a route of an application of this process for a caller: no routing, and no token between the two."""
    fixed = {"endpoint": route.endpoint, "path_params": {}, "route": route}
    matched = route.matches(scope)[1] if route.param_convertors else fixed
    await route.app({**scope, **matched, "app": app, _CALLER: caller or PUBLIC}, receive, send)


def operator_app(equipment: Equipment, secret: str) -> FastAPI:
    """A service's operator routes, for the second listener."""
    return _app(equipment.service, OperatorContexts(equipment, secret), internal=True)


def _app(service: Declared, contexts: Contexts, *, internal: bool) -> FastAPI:
    app = FastAPI(title=service.name, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.contexts = contexts
    app.router.routes.extend(routes_of(service, internal=internal))
    problems.install(app)
    return app
