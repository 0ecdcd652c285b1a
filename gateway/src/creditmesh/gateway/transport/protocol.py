"""The seam between the door and a service."""

from typing import Protocol

from starlette.types import Receive, Scope, Send


class Transport(Protocol):
    """Carries one request to one service and its answer back; bodies pass in the pieces they come in, unparsed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry it. Unavailable if the service cannot be reached; nothing is ever tried twice that may have effects."""

    async def close(self) -> None:
        """Let go of what it holds."""
