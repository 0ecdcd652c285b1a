"""The application of one service: its routes, each in a transaction, and its problems."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute

from creditmesh.chassis.context import Context, Equipment
from creditmesh.chassis.http import problems
from creditmesh.chassis.http.caller import PUBLIC
from creditmesh.chassis.http.router import access_of
from creditmesh.chassis.http.token import HEADER, Verifier
from creditmesh.chassis.service import Service


class RequestContexts:
    """Opens the context of a request: who calls is what the internal token says."""

    def __init__(self, equipment: Equipment, verifier: Verifier) -> None:
        self._equipment = equipment
        self._verifier = verifier

    @asynccontextmanager
    async def request(self, request: Request) -> AsyncIterator[Context]:
        """The context of this request; what it has not committed when it is left is rolled back."""
        token = request.headers.get(HEADER)
        context = Context(
            self._equipment,
            caller=PUBLIC if token is None else self._verifier.caller(token),
            request_id=problems.request_id_of(request),
            traceparent=request.headers.get("traceparent"),
        )
        try:
            yield context
        finally:
            await context.rollback()


def routes_of(service: Service, *, internal: bool) -> list[APIRoute]:
    """The service's routes: those open to the gateway, or those for the operator's listener."""
    if service.router is None:
        return []
    routes = [route for route in service.router.routes if isinstance(route, APIRoute)]
    return [route for route in routes if access_of(route).internal is internal]


def service_app(equipment: Equipment, verifier: Verifier, *, internal: bool = False) -> FastAPI:
    """The application of a service, or the one of its operator's routes for the second listener."""
    service = equipment.service
    app = FastAPI(title=service.name, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.contexts = RequestContexts(equipment, verifier)
    router = APIRouter()
    router.routes.extend(routes_of(service, internal=internal))
    app.router.routes.extend(router.routes)
    problems.install(app)
    return app
