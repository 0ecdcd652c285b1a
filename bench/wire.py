"""HTTP/1.1 as raw bytes on kept connections: the generator must be cheaper than what it measures."""

import asyncio
import time
from collections.abc import Callable
from typing import Self
from urllib.parse import urlsplit


class Wire:
    """One connection, one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, url: str) -> Self:
        """Connect to the host and port of a URL."""
        where = urlsplit(url)
        return cls(*await asyncio.open_connection(where.hostname, where.port, limit=2**20))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; the answer's status and body (which must have a length)."""
        self._writer.write(request)
        await self._writer.drain()
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        return int(head[9:12]), await self._reader.readexactly(length)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


def post(
    url: str, path: str, body: bytes, *, key: str | None = None, kind: str = "application/json", **more: str
) -> bytes:
    """The bytes of a POST, with a credential or none, and more headers (a hyphen is an underscore)."""
    headers = {"host": urlsplit(url).netloc, "content-length": str(len(body)), "content-type": kind}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


async def ask_for(seconds: float, url: str, request: Callable[[], bytes], *, connections: int) -> list[float]:
    """Ask on so many connections for that long; the seconds each answer took. Anything but 200 ends the bench."""
    until = time.perf_counter() + seconds
    taken = await asyncio.gather(*(_ask_until(until, url, request) for _ in range(connections)))
    return [latency for each in taken for latency in each]


async def _ask_until(until: float, url: str, request: Callable[[], bytes]) -> list[float]:
    wire = await Wire.to(url)
    latencies = []
    while (began := time.perf_counter()) < until:
        status, body = await wire.ask(request())
        assert status == 200, (status, body)
        latencies.append(time.perf_counter() - began)
    wire.close()
    return latencies
