"""The bus inside the node's own PostgreSQL: what a process is told of it reads once for all its consumers.

What it was not told of, a consumer finds by the heads and reads itself. What nobody in the process handles moves
positions and does nothing else: it is gathered for a while and read at once.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from creditmesh.chassis.bus.event import Ordered
from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.bus.listen import Notification, Notifications
from creditmesh.chassis.bus.mailboxes import MOST_AT_ONCE, Bus
from creditmesh.chassis.bus.position import Place, Position
from creditmesh.chassis.bus.stream import read_stream
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.units import Unit

SECONDS_TO_GATHER = 0.5
"""For how long events that nobody handles are gathered before they are read."""


@dataclass(slots=True, frozen=True, kw_only=True)
class Source:
    """A stream that this process reads: as whom, and the types whose bodies somebody here handles."""

    pool: Pool
    types: frozenset[str]


class EmbeddedBus(Bus):
    """Where there is no other."""

    seconds_to_poll = 2.0

    def __init__(self, notifications: Notifications, sources: Mapping[str, Source]) -> None:
        super().__init__(notifications)
        self._sources = sources
        self._due: dict[Place, tuple[int, int]] = {}
        self._read_to: dict[Place, int] = {}
        self._asked: set[str] = set()
        """The streams that are to be read now."""
        self._gathering: dict[str, asyncio.TimerHandle] = {}
        self._told = asyncio.Event()

    def units(self) -> Sequence[Unit]:
        """Its one reading."""
        return [Unit("reading", self.run)]

    def brings(self, place: Place, news: Notification) -> bool:
        """Always: it will be read, at once if somebody handles any of it."""
        first = max(news.first, self._read_to.get(place, 0) + 1)
        if first <= news.last:
            first = min(first, self._due.get(place, (first, 0))[0])
            self._read_to[place] = news.last
            self._due[place] = (first, news.last)
            if not self._sources[news.stream].types.isdisjoint(news.types):
                self._ask(news.stream)
            elif news.stream not in self._gathering:
                later = asyncio.get_running_loop().call_later(SECONDS_TO_GATHER, self._ask, news.stream)
                self._gathering[news.stream] = later
        return True

    def overdue(self, place: Place, number: int, seconds: float) -> bool:
        """Always: whoever sees at the heads that it is behind has not been handed what is missing."""
        del place, number, seconds
        return True

    def held(self, gained: Collection[Position]) -> None:
        """It begins nowhere: what is told of next is read."""

    async def run(self) -> None:
        """Read what is told of and hand it on, until a session fails. A unit of a process with consumers."""
        self._due.clear()
        self._read_to.clear()
        self._asked.clear()
        with uncertain_on_failure("reading"), self.reading():
            while True:
                await self._told.wait()
                self._told.clear()
                asked, self._asked = self._asked, set()
                due = {place: self._due.pop(place) for place in [*self._due] if place[0] in asked}
                for stream in {stream for stream, _ in due}:
                    await self._read(stream, {part: due[of, part] for of, part in due if of == stream})

    def _ask(self, stream: str) -> None:
        if (later := self._gathering.pop(stream, None)) is not None:
            later.cancel()
        self._asked.add(stream)
        self._told.set()

    async def _read(self, stream: str, due: Mapping[int, tuple[int, int]]) -> None:
        # A longer stretch is a backlog, of which each consumer reads its own.
        after = {part: first - 1 for part, (first, last) in due.items() if last - first < MOST_AT_ONCE}
        found: dict[Place, list[Ordered]] = {(stream, part): [] for part in due}
        if after:
            n = max(due[part][1] - first for part, first in after.items())
            source = self._sources[stream]
            async with source.pool.session() as session:
                for event in await read_stream(session, stream, after=after, n=n, types=source.types):
                    found[stream, event.part].append(event)
        self.hand_on(found)
