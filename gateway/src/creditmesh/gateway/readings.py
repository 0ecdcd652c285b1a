"""What the database says of credentials, relied on for `KEPT` seconds, counted from before it was asked.

There is no other cache and nothing to invalidate. A key in use is read again after `REFRESHED` seconds, while requests
still rely on the reading before, so that none of them waits for the database. A key is read once at a time; one that
was not known lately waits for one of `PLACES`, so that a flood of ids does not take the connections that those in use
are read with.
"""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from time import monotonic
from typing import Generic, TypeVar

from creditmesh.chassis.recent import Recent

KEPT = 0.5
REFRESHED = 0.4
PLACES = 2
PATIENCE = 5.0
"""Seconds that a reading waits for its place; then the database is as good as away."""
MOST = 4096

V = TypeVar("V")


class Readings(Generic[V]):
    """Reads and remembers; `read` asks the database, and says None of a key that does not exist."""

    def __init__(self, read: Callable[[str], Awaitable[V | None]]) -> None:
        self._ask = read
        self._kept: Recent[str, _Reading[V]] = Recent(MOST)
        self._places = asyncio.Semaphore(PLACES)
        self._tasks: set[asyncio.Task[V | None]] = set()
        self._closed = False

    async def get(self, key: str) -> V | None:
        """What a reading says that began less than `KEPT` seconds ago. Fails as `read` does, or by TimeoutError."""
        reading = self._kept.get(key)
        if reading is None or reading.age >= KEPT:
            reading = self._begin(key, reading)
        else:
            reading.used = True
            self._refresh(key, reading)
        if not reading.task.done() and reading.before is not None and reading.before.age < KEPT:
            reading = reading.before
        if reading.task.done():
            return reading.task.result()
        return await asyncio.shield(reading.task)

    async def close(self) -> None:
        """Read no more."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, key: str, last: "_Reading[V] | None") -> "_Reading[V]":
        reading: _Reading[V] = _Reading()
        if last is not None:
            reading.before = last if last.task.done() else last.before
        reading.task = asyncio.create_task(self._read(key, reading))
        reading.task.add_done_callback(lambda _: self._ended(key, reading))
        self._tasks.add(reading.task)
        self._kept.put(key, reading)
        return reading

    async def _read(self, key: str, reading: "_Reading[V]") -> V | None:
        if reading.before is not None and reading.before.found:
            return await self._read_now(key, reading)
        async with asyncio.timeout(PATIENCE):
            await self._places.acquire()
        try:
            return await self._read_now(key, reading)
        finally:
            self._places.release()

    async def _read_now(self, key: str, reading: "_Reading[V]") -> V | None:
        reading.began = monotonic()
        said = await self._ask(key)
        reading.found = said is not None
        return said

    def _ended(self, key: str, reading: "_Reading[V]") -> None:
        self._tasks.discard(reading.task)
        reading.before = None
        if reading.task.cancelled() or reading.task.exception() is not None:
            if self._kept.get(key) is reading:
                self._kept.drop(key)
        else:
            asyncio.get_running_loop().call_later(REFRESHED - reading.age, self._refresh, key, reading)

    def _refresh(self, key: str, reading: "_Reading[V]") -> None:
        """Read it again if it is time and somebody uses it: asked when the time comes, and at each use afterwards."""
        due = reading.used and reading.task.done() and reading.age >= REFRESHED
        if due and self._kept.get(key) is reading and not self._closed:
            self._begin(key, reading)


class _Reading(Generic[V]):
    """One question to the database about one key, and its answer."""

    __slots__ = ("before", "began", "found", "task", "used")
    task: asyncio.Task[V | None]

    def __init__(self) -> None:
        self.before: _Reading[V] | None = None
        """The reading that this one replaces."""
        self.began = inf
        """When the database was asked; until then no request comes too late to wait for it."""
        self.used = False
        """Whether somebody relied on it besides whom it was made for."""
        self.found = False
        """Whether there is such a key."""

    @property
    def age(self) -> float:
        """Seconds since the database was asked."""
        return monotonic() - self.began
