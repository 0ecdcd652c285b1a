"""The door's own few pages: health, the node's description, and something to read it with."""

from collections.abc import Mapping
from importlib.resources import files

import orjson
from starlette.responses import Response

from creditmesh.chassis.clock import Clock
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.http.health import Readiness
from creditmesh.chassis.http.problems import MethodNotAllowed

_NO_FOREIGN_HOSTS = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"


class Pages:
    """Answers what needs neither a credential nor a service."""

    def __init__(
        self,
        *,
        described: Mapping[str, object],
        ready: Readiness,
        clock: Clock,
        node: Facts,
        documents: Mapping[str, bytes],
    ) -> None:
        self._described = orjson.dumps(described)
        self._page = files("creditmesh.gateway").joinpath("docs.html").read_bytes()
        self._ready = ready
        self._clock = clock
        self._node = node
        self._documents = documents
        self._own = {
            "/health/live": self._live,
            "/health/ready": self._readiness,
            "/openapi.json": self._openapi,
            "/docs": self._docs,
        }

    def has(self, path: str) -> bool:
        """Whether the path is one of these."""
        return path in self._own or path in self._documents

    async def answer(self, method: str, path: str) -> Response:
        """The page; MethodNotAllowed for anything but GET and HEAD."""
        if method not in {"GET", "HEAD"}:
            allowed = "GET, HEAD"
            raise MethodNotAllowed(
                f"This path takes: {allowed}.", f"此路径支持的方法: {allowed}。", headers={"Allow": allowed}
            )
        if path in self._documents:
            return _json(self._documents[path])
        return await self._own[path]()

    async def _live(self) -> Response:
        return _json(b'{"status":"live"}')

    async def _readiness(self) -> Response:
        """Yes or no; the reasons are for the second listener."""
        ready = bool((await self._ready())["ready"])
        said: dict[str, object] = {"ready": ready}
        if self._node.sandbox:
            said["legal_date"] = self._clock.legal_date().isoformat()
        return _json(orjson.dumps(said), status=200 if ready else 503, headers={"Cache-Control": "no-store"})

    async def _openapi(self) -> Response:
        return _json(self._described)

    async def _docs(self) -> Response:
        return Response(self._page, media_type="text/html", headers={"Content-Security-Policy": _NO_FOREIGN_HOSTS})


def _json(body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, status_code=status, media_type="application/json", headers=headers)
