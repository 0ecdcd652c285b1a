"""The answer on its way out: what every answer carries is put on, and nothing is sent twice."""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.types import Message, Send

from creditmesh.gateway.headers import Header, answered


class Answer:
    """The `send` a service is given. Knows whether an answer has begun, so that a refusal never lands inside one."""

    __slots__ = ("_added", "_headless", "_send", "finished", "no_store", "started", "status")

    def __init__(self, send: Send, *, added: Sequence[Header], headless: bool) -> None:
        self._send = send
        self._added = added
        self._headless = headless
        self.no_store = False
        self.started = False
        self.finished = False
        self.status = 0

    async def __call__(self, message: Message) -> None:
        """Pass on one message of the answer."""
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

    async def say(self, response: Response) -> None:
        """Answer here; if an answer has begun already it stays unfinished, and the server closes the connection."""
        if self.started:
            return
        await self({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
        await self({"type": "http.response.body", "body": response.body})
