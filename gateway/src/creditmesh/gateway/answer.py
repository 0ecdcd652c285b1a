"""The answer on its way out: what every answer carries is put on, and nothing is sent twice.

A service's 401 over its internal token is not passed on: the caller's credential is good, and the door answers itself.
"""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Message, Send

from creditmesh.chassis.http.token import REFUSED
from creditmesh.gateway.headers import Header, answered

_REFUSED = REFUSED.encode()


class AnswerSender:
    """The `send` a service is given. Knows whether an answer has begun, so that a refusal never lands inside one."""

    __slots__ = ("_added", "_headless", "_send", "finished", "no_store", "started", "status", "token_refused")

    def __init__(self, send: Send, *, added: Sequence[Header], headless: bool) -> None:
        self._send = send
        self._added = added
        self._headless = headless
        self.no_store = False
        self.started = False
        self.finished = False
        self.status = 0
        self.token_refused: str | None = None
        """Why the service does not take the gateway's own token, where that is what it answered."""

    async def __call__(self, message: Message) -> None:
        """Pass on one message of the answer, unless it is of one that the door answers itself."""
        if message["type"] == "http.response.start" and message["status"] == HTTPStatus.UNAUTHORIZED:
            self.token_refused = _token_refused(message)
        if self.token_refused is None:
            await self._pass_on(message)

    async def say(self, response: Response) -> None:
        """Answer here; if an answer has begun already it stays unfinished, and the server closes the connection."""
        if self.started:
            return
        start = {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
        await self._pass_on(start)
        await self._pass_on({"type": "http.response.body", "body": response.body})

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers = answered(message.get("headers", ()), self._added, no_store=self.no_store)
            message = {"type": "http.response.start", "status": self.status, "headers": headers}
        elif message["type"] == "http.response.body":
            self.finished = not message.get("more_body", False)
            if self._headless:
                message = {**message, "body": b""}
        await self._send(message)


def _token_refused(start: Message) -> str | None:
    return next((value.decode("latin-1") for name, value in start.get("headers", ()) if name == _REFUSED), None)
