"""Single requests at a steady pace: each is sent when it is due, whatever the others do.

Where the machine does not keep up, a request that is late by seconds is not sent, and one that the node refuses because
it is busy does not count: tables say how many were answered.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import orjson

from bench.rows import ITEM, penalty
from bench.standing import Standing
from bench.wire import Wire, post

CONNECTIONS, TOO_LATE, BUSY = 16, 2.0, 503
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sent:
    """A record that was sent and acknowledged; times are of `time.perf_counter`."""

    record: UUID
    due: float
    acknowledged: float


async def records(standing: Standing, rate: int, *, seconds: int, first: int) -> list[Sent]:
    """Send single records from that order on, so many a second: those that were sent."""
    requests = [_request(standing, first + number) for number in range(rate * seconds)]

    async def one(wire: Wire, due: float, request: bytes) -> Sent | None:
        status, body = await wire.ask(request)
        if status == BUSY:
            return None
        assert status == 201, (status, body)
        return Sent(UUID(orjson.loads(body)["record"]), due, time.perf_counter())

    return await steadily(standing.url, rate, requests, one)


async def steadily(
    url: str, rate: float, requests: Sequence[bytes], one: Callable[[Wire, float, bytes], Awaitable[T | None]]
) -> list[T]:
    """Do `one` with each request when it is due, on a connection that is free; leaves out those far too late."""
    free: asyncio.Queue[Wire] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await Wire.to(url))
    begin = time.perf_counter()

    async def due(when: float, request: bytes) -> T | None:
        await asyncio.sleep(max(0.0, when - time.perf_counter()))
        wire = await free.get()
        try:
            return None if time.perf_counter() > when + TOO_LATE else await one(wire, when, request)
        finally:
            free.put_nowait(wire)

    done = await asyncio.gather(*(due(begin + n / rate, request) for n, request in enumerate(requests)))
    while not free.empty():
        free.get_nowait().close()
    return [each for each in done if each is not None]


def _request(standing: Standing, order: int) -> bytes:
    body = orjson.dumps(penalty(order, subject=order % 8_000_000))
    return post(standing.url, f"/v1/items/{ITEM}/records", body, key=standing.key)
