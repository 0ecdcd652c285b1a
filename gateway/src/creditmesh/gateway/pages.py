"""The door's own few pages: where to begin, health, the node's documents, and something to read them with."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.responses import Response

from creditmesh.chassis.clock import Clock
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.http.documents import DocumentPages
from creditmesh.chassis.http.health import Readiness
from creditmesh.chassis.http.problems import MethodNotAllowed


class Pages:
    """Answers what needs neither a credential nor a service."""

    def __init__(
        self,
        *,
        described: Callable[[], Mapping[str, Any]],
        ready: Readiness,
        clock: Clock,
        node: Facts,
        documents: Mapping[str, bytes],
    ) -> None:
        self._ready = ready
        self._clock = clock
        self._node = node
        self._documents = documents
        self._own = {
            "/health/live": self._live,
            "/health/ready": self._readiness,
        }
        others = {_named(path): path for path in (*documents, *self._own)}
        self._pages = DocumentPages(described, others=others, today=clock.legal_date)

    def has(self, path: str) -> bool:
        """Whether the path is one of these."""
        return path in self._own or path in self._documents or self._pages.has(path)

    async def answer(self, method: str, path: str, *, accept: str) -> Response:
        """The page, as far as `accept` matters; MethodNotAllowed for anything but GET and HEAD."""
        if method not in {"GET", "HEAD"}:
            allowed = "GET, HEAD"
            raise MethodNotAllowed(
                f"This path takes: {allowed}.", f"此路径支持的方法: {allowed}。", headers={"Allow": allowed}
            )
        if path in self._documents:
            return _json(self._documents[path])
        if path in self._own:
            return await self._own[path]()
        return await self._pages.answer(path, accept)

    async def _live(self) -> Response:
        return _json(b'{"status":"live"}')

    async def _readiness(self) -> Response:
        """Yes or no; the reasons are for the second listener."""
        ready = bool((await self._ready())["ready"])
        said: dict[str, object] = {"ready": ready}
        if self._node.sandbox:
            said["legal_date"] = self._clock.legal_date().isoformat()
        return _json(orjson.dumps(said), status=200 if ready else 503, headers={"Cache-Control": "no-store"})


def _named(path: str) -> str:
    """What the start page calls it: `/health/live` is `health_live`."""
    return path.strip("/").removesuffix(".json").replace("/", "_")


def _json(body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status_code=status, media_type="application/json", headers=headers)
