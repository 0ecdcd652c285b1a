"""The transport between processes: pooled HTTP/1.1 connections to one service.

aiohttp was measured at a third to a half of a direct call, where httpx took a twentieth.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import aiohttp
from starlette.types import Message, Receive, Scope, Send
from yarl import URL

from creditmesh.chassis.caller import PUBLIC, Caller
from creditmesh.chassis.errors import Unavailable
from creditmesh.chassis.http.token import HEADER
from creditmesh.chassis.shares import Busy, Shares, working_for
from creditmesh.gateway.visit import Visit

_OWN = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers aiohttp would add by itself; the service gets the caller's or none."""
_IN_ONE_PIECE = 64 * 1024
_WHOLE = 1024 * 1024
"""Bytes of an answer that is read whole, so that its connection is free while its caller reads."""
_WAITING = 1000
"""Requests that may wait for a connection, each with its body or the first 64 KiB of it."""


class OverHttp:
    """Sends requests to a service that is a process of its own.

    A POST is sent once; only aiohttp's second try of GET and DELETE on a pooled connection that the service had just
    closed is left on. Idle connections are dropped before the service's server would drop them (5 s at the least).
    Who calls is said in a token that `token` makes. Routes whose answers may be long in coming have connections of
    their own, and nobody waits for a free connection longer than for a new one. A body of up to 64 KiB has come whole
    before a connection is taken; who sends a longer one slowly holds no more than a caller's share of them.
    """

    def __init__(
        self,
        base: str,
        *,
        token: Callable[[Caller], str],
        connections: int = 100,
        waiting: int = 400,
        seconds_to_connect: float = 2.0,
    ) -> None:
        self._base = base.rstrip("/")
        self._token = token
        self._connections = {
            waits: Shares(most, waiting=_WAITING, seconds=seconds_to_connect, busy=_busy)
            for waits, most in ((False, connections), (True, waiting))
        }
        self._seconds_to_connect = seconds_to_connect
        self._kept: dict[bool, aiohttp.ClientSession] = {}

    async def __call__(self, visit: Visit) -> None:
        """Carry one request; a client that leaves takes its request with it."""
        client = _Client(visit.receive)
        first = await client.begin()
        if client.gone:
            return
        carrying = asyncio.create_task(self._carry(visit, client, first))
        watching = asyncio.create_task(client.watch(carrying))
        try:
            await carrying
        except (asyncio.CancelledError, Unavailable):
            if not client.gone:
                raise
        finally:
            watching.cancel()

    async def close(self) -> None:
        """Close the pooled connections."""
        for session in self._kept.values():
            await session.close()

    async def _carry(self, visit: Visit, client: "_Client", first: bytes) -> None:
        connections = self._connections[visit.found.waits]
        with working_for((visit.caller or PUBLIC).share):
            held = await connections.take()
        try:
            unsent = await self._send(visit, client, first)
        finally:
            connections.give(held)
        for message in unsent:
            await visit.answer(message)

    async def _send(self, visit: Visit, client: "_Client", first: bytes) -> Sequence[Message]:
        """Send the request; what is left to be sent of its answer."""
        scope = visit.onward()
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        if visit.caller is not None:
            headers.append((HEADER, self._token(visit.caller)))
        whole = not client.more and len(first) <= _IN_ONE_PIECE
        data = (first or None) if whole else client.pieces(first)
        try:
            async with self._session(waiting=visit.found.waits).request(
                scope["method"], self._url(scope), headers=headers, data=data, allow_redirects=False
            ) as response:
                return await _pass_on(response, visit.answer)
        except aiohttp.ConnectionTimeoutError as error:
            raise _busy() from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(
                "The service behind this path cannot be reached. The request may have arrived: send it again with "
                "the same Idempotency-Key.",
                "该路径对应的服务暂时无法访问。请求可能已送达，请使用相同的 Idempotency-Key 重新发送。",
                headers={"Retry-After": "1"},
            ) from error

    def _url(self, scope: Scope) -> URL:
        path = scope.get("raw_path") or scope["path"].encode()
        query = scope["query_string"]
        return URL(self._base + (path + b"?" + query if query else path).decode("latin-1"), encoded=True)

    def _session(self, *, waiting: bool) -> aiohttp.ClientSession:
        if waiting not in self._kept:
            self._kept[waiting] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=3.0),
                timeout=aiohttp.ClientTimeout(total=None, connect=self._seconds_to_connect),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=_OWN,
                auto_decompress=False,
            )
        return self._kept[waiting]


class _Client:
    """Who asks: its body in pieces, and whether it is still there."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._whole = asyncio.Event()
        self.more = True
        self.gone = False

    async def begin(self) -> bytes:
        """The body, or as much of a long one as is sent in one piece."""
        pieces = [await self.read()]
        size = len(pieces[0])
        while self.more and size <= _IN_ONE_PIECE:
            pieces.append(await self.read())
            size += len(pieces[-1])
        return b"".join(pieces)

    async def read(self) -> bytes:
        """The next piece; empty if the client has gone."""
        message = await self._receive()
        self.gone = message["type"] == "http.disconnect"
        self.more = message.get("more_body", False)
        if not self.more:
            self._whole.set()
        piece: bytes = message.get("body", b"")
        return piece

    async def pieces(self, first: bytes) -> AsyncIterator[bytes]:
        """The whole body. A client that leaves inside it must not look like one that has finished."""
        yield first
        while self.more:
            yield await self.read()
            if self.gone:
                raise ConnectionAbortedError("the client has left")

    async def watch(self, carrying: "asyncio.Task[None]") -> None:
        """Once the body is whole the next message is that the client has left: stop carrying."""
        await self._whole.wait()
        if not self.gone:
            await self.read()
        carrying.cancel()


def _busy() -> Busy:
    return Busy(
        "The service behind this path takes no more requests now; nothing was sent to it.",
        "该路径对应的服务当前繁忙，请求尚未送达，请稍后重试。",
        headers={"Retry-After": "1"},
    )


async def _pass_on(response: aiohttp.ClientResponse, send: Send) -> Sequence[Message]:
    """Send an answer as it comes; of a short one nothing yet, but all of it is returned."""
    headers = [(name.lower(), value) for name, value in response.raw_headers]
    start = {"type": "http.response.start", "status": response.status, "headers": headers}
    if response.content_length is not None and response.content_length <= _WHOLE:
        return [start, {"type": "http.response.body", "body": await response.read()}]
    await send(start)
    async for piece in response.content.iter_any():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
    return []
