"""Listening: uvicorn without its own signal handling, because one process may have several listeners."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import uvicorn

App = Callable[..., Awaitable[Any]]


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """One application on one address, from `start` to `drain`."""

    def __init__(self, app: App, *, host: str, port: int, drain_seconds: float) -> None:
        self._socket = _bound(host, port)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=max(1, round(drain_seconds)),
            h11_max_incomplete_event_size=64 * 1024,
        )
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


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, or asyncio leaves Nagle on: 40 ms
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise SystemExit(f"cannot listen on {host}:{port}: {error.strerror}; choose another port") from error
    bound.listen(1024)
    return bound
