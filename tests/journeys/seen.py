"""What passes an application: URLs, headers and refusals, kept to be searched."""

from collections.abc import Awaitable, Callable

from starlette.types import Message, Receive, Scope, Send

from creditmesh.gateway.visit import Visit
from tests.support.canary import Place


class Seen:
    """Keeps the URLs, headers and refusals that pass an ASGI application."""

    def __init__(self, name: str, inner: Callable[..., Awaitable[None]], *, places: list[Place]) -> None:
        self._name = name
        self._inner = inner
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._inner(scope, receive, self.watching(scope, send))

    def watching(self, scope: Scope, send: Send) -> Send:
        """Keep what the request says, and what will be sent."""
        self._places.append((f"URL at {self._name}", scope["path"].encode() + b"?" + scope["query_string"]))
        for header, value in scope["headers"]:
            if self._name != "the door" or header != b"authorization":
                self._places.append((f"request header {header.decode()} at {self._name}", value))
        refused = False

        async def watched(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                refused = message["status"] >= 400
                for header, value in message["headers"]:
                    self._places.append((f"answer's header {header.decode()} at {self._name}", value))
            elif refused:
                self._places.append((f"refusal at {self._name}", message.get("body", b"")))
            await send(message)

        return watched

    async def close(self) -> None:
        """The wrapped one's."""
        await self._inner.close()  # type: ignore[attr-defined]


class SeenTransport(Seen):
    """The same of what the door hands to a service."""

    async def __call__(self, visit: Visit) -> None:  # type: ignore[override]
        visit.answer._send = self.watching(visit.onward(), visit.answer._send)
        await self._inner(visit)
