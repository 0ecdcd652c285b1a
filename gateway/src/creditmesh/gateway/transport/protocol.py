"""The seam between the door and a service."""

from typing import Protocol

from creditmesh.gateway.visit import Visit


class ServiceTransport(Protocol):
    """Carries one request to one service and its answer back; bodies pass in the pieces they come in, unparsed."""

    async def __call__(self, visit: Visit) -> None:
        """Carry it, for the visit's caller, to the visit's route, and answer into the visit.

        Unavailable if the service cannot be reached; nothing is ever tried twice that may have effects.
        """

    async def close(self) -> None:
        """Let go of what it holds."""
