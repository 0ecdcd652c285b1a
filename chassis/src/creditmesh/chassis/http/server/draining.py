"""A caller who is still sending when it is answered reads the answer.

A server that answers and closes while a body is on its way makes the sender's system throw the answer away (the reset
overtakes it). So the last piece of an answer waits until the rest of the body has come, or until a bound; the caller
has the whole answer by then.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import Message, Receive, Scope, Send

MOST = 64 * 1024 * 1024
"""Bytes that are taken and thrown away after an answer: what the largest route would have taken."""
SECONDS = 10.0
SECONDS_TO_BEGIN = 1.0
"""How long a body that was not asked for is waited for."""
_ANNOUNCE = frozenset((b"content-length", b"transfer-encoding"))


class Draining:
    """An application whose answers end when the request has."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[Any]]) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; one without a body goes by as it is."""
        if any(name in _ANNOUNCE for name, _ in scope["headers"]):
            exchange = _Exchange(receive, send, asks_first=(b"expect", b"100-continue") in scope["headers"])
            receive, send = exchange.receive, exchange.send
        await self._app(scope, receive, send)


class _Exchange:
    """One request with a body, and its answer."""

    __slots__ = ("_asks_first", "_receive", "_send", "_unasked", "_whole")

    def __init__(self, receive: Receive, send: Send, *, asks_first: bool) -> None:
        self._receive = receive
        self._send = send
        self._asks_first = asks_first
        self._unasked = False
        """Whether it was answered before it was asked for its body; some send it all the same."""
        self._whole = False

    async def receive(self) -> Message:
        """The next piece of the body. Who waits to be asked for it (`Expect: 100-continue`) is asked by this."""
        self._asks_first = False
        message = await self._receive()
        self._whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Pass on one message of the answer; the last one when the body is whole, or will not be waited for."""
        if self._asks_first and message["type"] == "http.response.start":
            # It may never send the body now, so that the connection serves for no other request.
            self._unasked = True
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        elif not self._whole and message["type"] == "http.response.body" and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._drain()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _drain(self) -> None:
        left = MOST
        try:
            if self._unasked:
                async with asyncio.timeout(SECONDS_TO_BEGIN):
                    left -= len((await self.receive()).get("body", b""))
            async with asyncio.timeout(SECONDS):
                while not self._whole and left > 0:
                    left -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            return
