"""Large bodies: few are worked on at once, in turns of their callers, and between their slices others have the process.

However slowly they come, and whatever they wait for, what they hold of the memory is counted, for each caller; small
ones have memory that large ones never take.

What one event loop can do is done by one body at a time while another waits for the database: more at once would make
none of them quicker, and everybody else slower.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Hashable, Sequence
from contextlib import asynccontextmanager, suppress
from time import perf_counter
from typing import TypeVar

from creditmesh.chassis.shares import Busy, Shares

LARGE = 32 * 1024
"""Bytes from which on a body is large."""
SLICE = 500
"""Rows of a body between which others have the process; at 10 us a row, 5 ms."""
AT_ONCE = 2
WAITING = 16
"""Large bodies that may wait, each in memory; one more is refused at once."""
SECONDS_TO_WAIT = 20.0
FILES_AT_ONCE = 8
SECONDS_TO_WAIT_FOR_A_FILE = 60.0
MOST_HELD = 512 * 1024 * 1024
"""Bytes of bodies beyond `SMALL`: eight of the largest, of which one caller may have six.

A body is counted as it came and as it was unpacked, until the answer. Not counted is what is made of it: the rows of a
file under way have one to two times its bytes, and while a body is put together it is there twice.
"""
SMALL = 1024 * 1024
"""Bytes up to which a body is counted apart."""
MOST_HELD_BY_SMALL = 64 * 1024 * 1024
_FREE, _PIECE = 64 * 1024, 256 * 1024
"""What a body holds uncounted, and in what it is counted beyond."""

T = TypeVar("T")
R = TypeVar("R")


class Bulk:
    """The turns of large bodies in one process."""

    def __init__(self, *, at_once: int = AT_ONCE, waiting: int = WAITING, seconds: float = SECONDS_TO_WAIT) -> None:
        self._turns = Shares(at_once, waiting=waiting, seconds=seconds, busy=_busy)
        self._threads = Shares(1, waiting=waiting, seconds=seconds, busy=_busy)
        self._processes = Shares(1, waiting=waiting, seconds=seconds, busy=_busy)

    @asynccontextmanager
    async def turn(self, size: int) -> AsyncIterator[None]:
        """A turn for a body of so many bytes that has been read; Busy where too many wait, or none came in time.

        A small body needs none. A session is taken within the turn and not before, so that nobody waits with one.
        """
        if size < LARGE:
            yield
            return
        share = await self._turns.take()
        try:
            yield
        finally:
            self._turns.give(share)

    @asynccontextmanager
    async def process(self) -> AsyncIterator[None]:
        """A turn for a process that reads a body: one at a time, in turns of their callers, whatever threads read.

        It has a processor of its own, and its memory is not counted. Busy as `turn`.
        """
        share = await self._processes.take()
        try:
            yield
        finally:
            self._processes.give(share)

    async def read(self, size: int, reading: Callable[[], T]) -> T:
        """What reading so many bytes gives: of a large body in a thread, one at a time and in turns of their callers.

        Busy where too many wait for it, or none came in time.
        A thread that computes takes the interpreter from the loop, and each more takes it for longer. None can be
        stopped: who is cancelled stays until it has ended, so that what it holds is counted and no other begins.
        """
        if size < LARGE:
            return reading()
        share = await self._threads.take()
        try:
            thread = asyncio.get_running_loop().run_in_executor(None, reading)
            try:
                return await asyncio.shield(thread)
            finally:
                while not thread.done():
                    with suppress(asyncio.CancelledError):
                        await asyncio.wait({thread})
        finally:
            self._threads.give(share)


def files() -> Bulk:
    """The turns of files that take minutes, mostly in the database: more at once, so that no caller has them all."""
    return Bulk(at_once=FILES_AT_ONCE, seconds=SECONDS_TO_WAIT_FOR_A_FILE)


class Bodies:
    """The memory that bodies of requests have in one process; who would have more than there is, is told so at once."""

    def __init__(self, most: int = MOST_HELD) -> None:
        self.large, self.small = (
            Shares(size // _PIECE, waiting=0, seconds=0.0, busy=_busy) for size in (most, MOST_HELD_BY_SMALL)
        )


class HeldBody:
    """What the body of one request holds of it, from its first bytes until the request is answered."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._places = bodies.small
        self._taken: list[Hashable] = []
        self._size = 0

    async def add(self, size: int) -> None:
        """So many bytes have come, or were unpacked; Busy where the caller, or all together, hold too many."""
        self._size += size
        if self._size > SMALL and self._places is self._bodies.small:
            self.let_go()
            self._places = self._bodies.large
        while self._size > _FREE + _PIECE * len(self._taken):
            self._taken.append(await self._places.take())

    def let_go(self) -> None:
        """The body is in memory no more."""
        while self._taken:
            self._places.give(self._taken.pop())


async def in_slices(rows: Sequence[T], size: int = SLICE, *, seconds: float = 0.0) -> AsyncIterator[Sequence[T]]:
    """The rows, some at a time; between two slices, once so many seconds have passed, all who are ready have a turn."""
    since = perf_counter()
    for start in range(0, len(rows), size):
        if start and perf_counter() - since >= seconds:
            await asyncio.sleep(0)
            since = perf_counter()
        yield rows[start : start + size]


async def in_slices_ahead(
    rows: Sequence[T],
    preparing: Callable[[Sequence[T]], Coroutine[None, None, R]],
    using: Callable[[R], Awaitable[None]],
) -> None:
    """Prepare each slice of the rows and use it; the next is prepared while this one waits for the database.

    `preparing` is in a task of its own then, so that it must not take the session that `using` has.
    """
    coming: asyncio.Task[R] | None = None
    try:
        for start in range(0, len(rows), SLICE):
            ready = await (preparing(rows[start : start + SLICE]) if coming is None else coming)
            following = rows[start + SLICE : start + 2 * SLICE]
            coming = asyncio.create_task(preparing(following)) if following else None
            await using(ready)
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


def _busy() -> Busy:
    return Busy(
        "Too many large requests are being worked on; nothing was stored. Send this one again.",
        "正在处理的大批量请求过多，未保存任何内容。请稍后重新发送。",
        headers={"Retry-After": "2"},
    )
