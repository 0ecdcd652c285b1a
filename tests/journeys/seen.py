"""What passes an application: URLs, headers and refusals, kept to be searched."""

from collections.abc import Awaitable, Callable

from starlette.types import Message, Receive, Scope, Send

from tests.support.canary import Place


class Seen:
    """Keeps the URLs, headers and refusals that pass an ASGI application."""

    def __init__(self, name: str, inner: Callable[..., Awaitable[None]], *, places: list[Place]) -> None:
        self._name = name
        self._inner = inner
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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

        await self._inner(scope, receive, watched)

    async def close(self) -> None:
        """The wrapped one's."""
        await self._inner.close()  # type: ignore[attr-defined]
