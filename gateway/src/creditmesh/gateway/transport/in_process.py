"""The transport of a node in one process: the service's application is called as it is."""

from starlette.types import ASGIApp, Receive, Scope, Send


class InProcess:
    """Calls the service's ASGI application directly."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry one request."""
        await self._app(scope, receive, send)

    async def close(self) -> None:
        """Nothing is held."""
