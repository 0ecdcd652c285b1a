"""The transport of a node in one process: the route that the door has found is called as it is."""

from fastapi import FastAPI

from creditmesh.chassis.http.app import call
from creditmesh.gateway.visit import Visit


class InProcess:
    """Calls a route of the service's application directly, and tells it who calls without a token."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, visit: Visit) -> None:
        """Carry one request."""
        route = visit.found.declared
        await call(self._app, route, visit.caller, scope=visit.onward(), receive=visit.receive, send=visit.answer)

    async def close(self) -> None:
        """Nothing is held."""
