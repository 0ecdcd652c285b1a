"""Places that are shared fairly: whoever asks for many at once waits behind themselves and not before others.

A place is a session of a pool, the turn of a large body or a connection to a service. Each caller waits in a line of
their own, and a place that comes free goes to who holds the fewest, in turns. Of four places and more a caller never
holds the last quarter, so that one whose requests are slow leaves some; of one, two or three a caller may hold all, and
others wait until one is given back. Where too many wait, it is the longest line that is cut: where each caller waits
for one, who comes is told busy, but never the process itself.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from creditmesh.chassis.errors import Unavailable

OWN = None
"""The share of the process itself: its units wait in turns like everybody, and may hold every place.

They are few, and no line's length refuses them."""
_SHARE: ContextVar[Hashable] = ContextVar("share", default=OWN)


class Busy(Unavailable):
    """503: more is asked at once than this process has places for. Nothing was begun."""

    code = "busy"
    title = "The node is busy; try again"
    title_zh = "节点繁忙，请稍后重试"


@contextmanager
def working_for(share: Hashable) -> Iterator[None]:
    """What is taken inside, by this task and those it starts, counts for this caller."""
    token = _SHARE.set(share)
    try:
        yield
    finally:
        _SHARE.reset(token)


class Shares:
    """So many places, and the lines of those who wait for one."""

    def __init__(self, places: int, *, waiting: int, seconds: float, busy: Callable[[], Busy]) -> None:
        """`waiting`: how many may wait in all lines together, and `seconds` for how long; then they are told `busy`."""
        self._free = places
        self._most = places - places // 4
        self._most_waiting = waiting
        self._seconds = seconds
        self._busy = busy
        self._held: dict[Hashable, int] = {}
        self._lines: dict[Hashable, deque[asyncio.Future[None]]] = {}
        """In the order in which they were served last. While a place is free, nobody waits who may hold it."""
        self._waiting = 0

    async def take(self) -> Hashable:
        """A place, and for whom it is held, which `give` is told; Busy where too many wait, or none came in time."""
        share = _SHARE.get()
        if self._free and self._may_hold(share):
            self._hold(share)
        else:
            await self._wait(share)
        return share

    def give(self, share: Hashable) -> None:
        """Give back a place that was held for this share."""
        self._free += 1
        self._held[share] -= 1
        if not self._held[share]:
            del self._held[share]
        while self._free and self._lines and self._serve():
            pass

    def _may_hold(self, share: Hashable) -> bool:
        return share is OWN or self._held.get(share, 0) < self._most

    def _hold(self, share: Hashable) -> None:
        self._free -= 1
        self._held[share] = self._held.get(share, 0) + 1

    def _serve(self) -> bool:
        """Give a place to the first in the line of who holds the fewest; whether there was one who may."""
        share = min(filter(self._may_hold, self._lines), key=lambda each: self._held.get(each, 0), default=_NOBODY)
        if share is _NOBODY:
            return False
        line = self._lines.pop(share)
        place = line.popleft()
        self._waiting -= 1
        if line:
            self._lines[share] = line
        if not place.done():  # who is being cancelled leaves when their task runs
            self._hold(share)
            place.set_result(None)
        return True

    async def _wait(self, share: Hashable) -> None:
        self._make_room(share)
        place = asyncio.get_running_loop().create_future()
        self._lines.setdefault(share, deque()).append(place)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                await place
        except TimeoutError:
            self._leave(share, place)
            raise self._busy() from None
        except asyncio.CancelledError:
            self._leave(share, place)
            raise

    def _make_room(self, share: Hashable) -> None:
        """Busy for who would wait in the longest line; else for the last of that line. The process itself is let in."""
        if self._waiting < self._most_waiting or share is OWN:
            return
        longest = max((line for of, line in self._lines.items() if of is not OWN), key=len, default=None)
        if longest is None or len(longest) <= len(self._lines.get(share, ())) + 1:
            raise self._busy()
        place = longest.pop()
        self._waiting -= 1
        if not place.done():
            place.set_exception(self._busy())

    def _leave(self, share: Hashable, place: asyncio.Future[None]) -> None:
        """Leave the line; a place that came, or a refusal, in the same moment is given back or forgotten."""
        line = self._lines.get(share)
        if line is not None and place in line:
            line.remove(place)
            self._waiting -= 1
            if not line:
                del self._lines[share]
        elif not place.cancelled() and place.exception() is None:
            self.give(share)


_NOBODY = object()
