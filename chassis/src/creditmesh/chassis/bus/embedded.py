"""The bus inside the node's own PostgreSQL: a process reads each new event once and hands it to all its consumers.

What it reads it was told of; what it was not told of, or has no room for, a consumer finds by the heads and reads
itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from creditmesh.chassis.bus.event import Ordered
from creditmesh.chassis.bus.faults import in_doubt
from creditmesh.chassis.bus.gaps import MOST_KEPT
from creditmesh.chassis.bus.listen import Listener, News
from creditmesh.chassis.bus.position import Place, Position
from creditmesh.chassis.bus.protocol import Came
from creditmesh.chassis.bus.stream import Head, heads, read_stream
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.units import Unit

MOST_AT_ONCE = 500
"""Events of a part that are read for everybody; of a longer stretch, a backlog, each consumer reads its own."""


@dataclass(slots=True, frozen=True, kw_only=True)
class Source:
    """A stream that this process reads: as whom, and the types whose bodies somebody here handles."""

    pool: Pool
    types: frozenset[str]


class EmbeddedBus:
    """Always there, also beneath Kafka."""

    seconds_to_poll: float = 2.0

    def __init__(self, wakes: Listener, sources: Mapping[str, Source] | None = None) -> None:
        self.wakes = wakes
        self._sources = dict(sources or {})
        self._mailboxes: list[Mailbox] = []
        self._due: dict[Place, tuple[int, int]] = {}
        self._read_to: dict[Place, int] = {}
        self._told = asyncio.Event()

    def units(self) -> Sequence[Unit]:
        """Its one reading."""
        return [Unit("reading", self.run)] if self._sources else []

    def transport(self, reader: str, streams: Collection[str]) -> "Mailbox":
        """What is read of these streams comes into a mailbox of the consumer's own."""
        del reader
        mailbox = Mailbox(self, streams)
        self._mailboxes.append(mailbox)
        return mailbox

    async def heads(self, session: Session, stream: str) -> Mapping[int, Head]:
        """As `stream.heads`."""
        return await heads(session, stream)

    async def read(
        self,
        session: Session,
        stream: str,
        *,
        after: Mapping[int, int],
        n: int,
        types: Collection[str] | None = None,
    ) -> Sequence[Ordered]:
        """As `stream.read_stream`."""
        return await read_stream(session, stream, after=after, n=n, types=types)

    def close(self, mailbox: "Mailbox") -> None:
        """Bring that mailbox nothing more."""
        self._mailboxes.remove(mailbox)

    async def run(self) -> None:
        """Read what is told of and hand it on, until a session fails. A unit of a process with consumers."""
        self._due.clear()
        self._read_to.clear()
        self.wakes.read_by(self._take_on)
        try:
            with in_doubt("reading"):
                while True:
                    await self._told.wait()
                    self._told.clear()
                    due, self._due = self._due, {}
                    for stream in {stream for stream, _ in due}:
                        await self._read(stream, {part: due[of, part] for of, part in due if of == stream})
        finally:
            self.wakes.read_by(lambda _: False)
            self.wakes.notice(" ".join(self._sources))  # what was told of and not read is found at the heads

    def _take_on(self, news: News) -> bool:
        place = (news.stream, news.part)
        if news.stream not in self._sources:
            return False
        if not any(place in mailbox.held for mailbox in self._mailboxes):
            return True  # another process leases the part: nobody here has to look
        first = max(news.first, self._read_to.get(place, 0) + 1)
        if first <= news.last:
            first = min(first, self._due.get(place, (first, 0))[0])
            self._read_to[place] = news.last
            self._due[place] = (first, news.last)
            self._told.set()
        return True

    async def _read(self, stream: str, due: Mapping[int, tuple[int, int]]) -> None:
        after = {part: first - 1 for part, (first, last) in due.items() if last - first < MOST_AT_ONCE}
        events: dict[int, list[Ordered]] = defaultdict(list)
        if after:
            n = max(last - first + 1 for first, last in due.values() if last - first < MOST_AT_ONCE)
            source = self._sources[stream]
            async with source.pool.session() as session:
                for event in await read_stream(session, stream, after=after, n=n, types=source.types):
                    events[event.part].append(event)
        for mailbox in self._mailboxes:
            mailbox.put(stream, {part: events[part] for part in due if (stream, part) in mailbox.held})


class Mailbox:
    """What comes to one run of one consumer."""

    def __init__(self, bus: EmbeddedBus, streams: Collection[str]) -> None:
        self.held: frozenset[Place] = frozenset()
        self._bus = bus
        self._wake = bus.wakes.wake(streams, handed=True)
        self._come: list[Ordered] = []

    def put(self, stream: str, parts: Mapping[int, Sequence[Ordered]]) -> None:
        """Take in events of these parts; where there are none, or no room, the consumer reads the stream itself."""
        if not parts:
            return
        room = len(self._come) + sum(map(len, parts.values())) <= MOST_KEPT
        if room:
            for events in parts.values():
                self._come += events
        if room and all(parts.values()):
            self._wake.stir()
        else:
            self._wake.set([stream])

    async def hold(self, positions: Sequence[Position]) -> None:
        """Take in these parts' events."""
        self.held = frozenset(position.place for position in positions)

    async def take(self, seconds: float) -> Came:
        """What came, and the streams of which something did not."""
        announced = await self._wake.wait(0.0 if self._come else seconds)
        come, self._come = self._come, []
        return Came(come, announced)

    def missing(self, stream: str, part: int, *, seconds: float) -> None:
        """The stream is asked at once."""

    def overdue(self, stream: str, part: int) -> bool:
        """Always: whoever sees at the heads that it is behind has not been handed what is missing."""
        del stream, part
        return True

    def hint(self, stream: str, part: int, number: int) -> int | None:
        """There is no transport to stand anywhere."""
        del stream, part, number
        return None

    def applied(self, stream: str, part: int, number: int) -> None:
        """Nothing is kept for those that were applied."""

    async def close(self) -> None:
        """Take in nothing more."""
        self._bus.wakes.forget(self._wake)
        self._bus.close(self)
