"""A network between a client and the test's PostgreSQL, which may go silent."""

import asyncio
from dataclasses import replace
from typing import Self

from creditmesh.chassis.database.address import DatabaseAddress


class Proxy:
    """Passes bytes on loopback. What was connected when it went silent stays silent for ever, and is not closed."""

    def __init__(self, port: int) -> None:
        self._there = port
        self._silent = False
        self._silenced: set[asyncio.StreamWriter] = set()
        self._clients: list[asyncio.StreamWriter] = []
        self._servers: list[asyncio.StreamWriter] = []
        self._pipes: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)
        for writer in (*self._clients, *self._servers):
            writer.transport.abort()

    def through(self, address: DatabaseAddress) -> DatabaseAddress:
        """The same database by way of this network."""
        port = self._server.sockets[0].getsockname()[1]
        return replace(address, dsn=f"postgresql://127.0.0.1:{port}")

    def go_silent(self) -> None:
        """From now on nothing passes, nothing is refused and nothing is closed."""
        self._silent = True
        self._silenced.update(self._clients, self._servers)

    def lose_answers(self) -> None:
        """From now on what the server says to whom is connected does not pass; what it is told does."""
        self._silenced.update(self._clients)

    def answer(self) -> None:
        """New connections pass again."""
        self._silent = False

    def say(self, message: bytes) -> None:
        """Send these bytes to who connected last, as if the server had."""
        self._clients[-1].write(message)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.append(writer)
        source, sink = await asyncio.open_connection("127.0.0.1", self._there)
        self._servers.append(sink)
        if self._silent:
            self._silenced.update((writer, sink))
        self._pipes += [
            asyncio.create_task(self._piped(reader, sink)),
            asyncio.create_task(self._piped(source, writer)),
        ]

    async def _piped(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while some := await reader.read(65536):
            if writer not in self._silenced:
                writer.write(some)
        if writer not in self._silenced:
            writer.close()
