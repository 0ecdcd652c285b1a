"""Listening: uvicorn without its own signal handling, because one process may have several listeners.

The parser is httptools under the bounds of `protocol`; there are no websockets. Who a caller is by its address is
believed of `X-Forwarded-For` only where a trusted proxy has written it.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import uvicorn

from creditmesh.chassis.errors import MeshError
from creditmesh.chassis.http.server.draining import Draining
from creditmesh.chassis.http.server.protocol import BoundedProtocol, ListenerConfig

App = Callable[..., Awaitable[Any]]


class CannotListen(MeshError):
    """The address is taken, or not this machine's."""


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpListener:
    """One application on one address, from `start` to `drain`."""

    def __init__(
        self,
        app: App,
        *,
        host: str,
        port: int,
        drain_seconds: float,
        keep_alive: float = 75.0,
        connections: int = 1000,
        trusted_proxies: Sequence[str] = (),
    ) -> None:
        self._socket = _bound(host, port)
        config = ListenerConfig(
            Draining(app),
            http=BoundedProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=list(trusted_proxies),
            timeout_keep_alive=keep_alive,  # type: ignore[arg-type] # the loop's own `call_later` takes a fraction
            timeout_graceful_shutdown=max(1, round(drain_seconds)),
        )
        config.connections = connections
        self._server = _Quiet(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{host}:{port}"

    async def start(self) -> None:
        """Listen; returns when requests are taken."""
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]), name=f"listen {self.url}")
        while not self._server.started:
            if self._task.done():
                await self._task
                raise RuntimeError(f"the listener at {self.url} did not start")
            await asyncio.sleep(0.005)

    async def drain(self) -> None:
        """Take no new connection, let requests under way end (bounded), close."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task


UNSENT = 128 * 1024
"""Bytes of an answer that the kernel takes beyond what its caller has room for."""


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, or asyncio leaves Nagle on: 40 ms
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # What a caller has not read waits here and not in the kernel, so that it shows whether they read (`READ_SECONDS`).
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise CannotListen(
            f"cannot listen on {host}:{port} ({error.strerror}): choose another host or port / "
            f"无法监听 {host}:{port}，请更换地址或端口"
        ) from error
    bound.listen(1024)
    return bound
