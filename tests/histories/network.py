"""The wire between the nodes of one process: who is down does not answer, and nobody waits."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from creditmesh.exchange.peer import LIMIT, Peer, PulledPage
from tests.support.node import TestNode


class Network:
    """Every node under its code as host, in place of the wire; who is down does not answer."""

    def __init__(self) -> None:
        self.nodes: dict[str, TestNode] = {}
        self.down: set[str] = set()

    def carried(self) -> Callable[[Any, httpx.Request], Awaitable[httpx.Response]]:
        """What a client's transport does instead."""

        async def handle(_: object, request: httpx.Request) -> httpx.Response:
            return await self._answer(request)

        return handle

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        code = request.url.host.partition(".")[0]
        if code not in self.nodes or code in self.down:
            raise httpx.ConnectError("down", request=request)
        try:
            return await httpx.ASGITransport(self.nodes[code].host.public_app).handle_async_request(request)
        except Exception as error:  # its process ended meanwhile
            raise httpx.ReadError("went down", request=request) from error


@dataclass(frozen=True, kw_only=True)
class Hasty(Peer):
    """A peer that is asked once, for so many entries, and not waited for."""

    limit: int = LIMIT

    async def pull(self, feed: str, *, after: int, limit: int = LIMIT, wait: int = 0) -> PulledPage | None:
        return await super().pull(feed, after=after, limit=min(limit, self.limit), wait=0)
