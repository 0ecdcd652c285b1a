"""What Kafka brings a process: one client, placed at all parts that somebody here holds. Readers live on without it.

The offset in a position is a hint. The client stands where the furthest reader of a part does; who is behind it reads
the stream until it meets what comes. Where the log no longer has the offset, or is another log of the same name, the
client begins at what there is: below the position are repeats, above it a gap, and the numbers tell which.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

import structlog

from creditmesh.chassis.bus.event import Ordered
from creditmesh.chassis.bus.kafka.message import Headers, event_of
from creditmesh.chassis.bus.listen import Notification, Notifications
from creditmesh.chassis.bus.mailboxes import Bus
from creditmesh.chassis.bus.metrics import CLIENTS, FOREIGN
from creditmesh.chassis.bus.position import Place, Position
from creditmesh.chassis.units import Unit

SECONDS_TO_POLL = 0.3
POLLS_UNTIL_LATE = 4
SECONDS_UNTIL_LATE = 2.0
SECONDS_AT_MOST = 15.0
"""How long a part may be behind though others arrive."""
SECONDS_OF_SILENCE = 12.0
"""A client that brought nothing for a part that long, while a reader asked for it, is replaced if Kafka has more."""

_log = structlog.get_logger(__name__)


class OutOfLog(Exception):
    """The log does not have the offsets these places stood at."""

    def __init__(self, places: Collection[Place]) -> None:
        super().__init__(f"{len(places)} places")
        self.places = places


class Silent(Exception):
    """The client brings nothing although there is something."""


class Message(NamedTuple):
    """One record of a topic."""

    place: Place
    offset: int
    headers: Headers
    data: bytes | None


class Client(Protocol):
    """A connected Kafka client. Whatever it raises, but for OutOfLog, ends it."""

    async def place(self, offsets: Mapping[Place, int]) -> None:
        """From now on fetch exactly these, each from its offset if the log has it, else from where the log begins."""

    async def poll(self, seconds: float) -> Sequence[Message]:
        """Some records, at once or within that time."""

    async def ends(self, places: Collection[Place]) -> Mapping[Place, int]:
        """The offset behind the last record that the log has of each."""


Connect = Callable[[], AbstractAsyncContextManager[Client]]


class KafkaBus(Bus):
    """The stream in PostgreSQL, and a reading that spares its readers the database."""

    seconds_to_poll = 1.0

    def __init__(self, notifications: Notifications, connect: Connect) -> None:
        super().__init__(notifications)
        self._connect = connect
        self._next: dict[Place, int] = {}
        """The offset to go on from, of every held part."""
        self._placed: frozenset[Place] = frozenset()
        """Where a client fetches."""
        self._passed: dict[Place, int] = {}
        """The number before what comes next: of an event that was handed on, or of the reader where it was placed."""
        self._missed: dict[Place, float] = {}
        """Since when readers have asked for more and nothing at all came."""
        self._dry: dict[Place, int] = {}
        """Parts whose readers live on the stream, until Kafka brings what is newer than they lately asked for."""
        self._empty = 0
        self._replace = False

    @property
    def connected(self) -> bool:
        """Whether a client fetches all that is held."""
        return bool(self._placed) and not self._replace

    def units(self) -> Sequence[Unit]:
        """Its one reading."""
        return [Unit("reading", self.run)]

    def brings(self, place: Place, news: Notification) -> bool:
        """While Kafka flows: readers ask for the heads each second."""
        del news
        return place in self._placed and place not in self._dry

    def overdue(self, place: Place, number: int, seconds: float) -> bool:
        """If it came by already, if no client is placed, or if the part has run dry.

        It has when nothing at all comes for a while, or not this part for long, and stays so until Kafka brings what
        was applied a moment ago, or newer: the consumer refills all that is there, and not one batch each time its
        patience ends.
        """
        if place not in self._placed or self._passed[place] > number:
            return True
        self._missed.setdefault(place, time.monotonic())
        late = seconds > SECONDS_UNTIL_LATE and self._empty >= POLLS_UNTIL_LATE
        if late or seconds > SECONDS_AT_MOST or place in self._dry:
            self._dry[place] = number
        return place in self._dry

    def held(self, gained: Collection[Position]) -> None:
        """Go on where the held ones stand, and begin at the hints of the new ones; nothing is waited for."""
        held = {place for mailbox in self.mailboxes for place in mailbox.held}
        for place in self._next.keys() - held:
            self._replace = True
            for known in (self._next, self._passed, self._missed, self._dry):
                known.pop(place, None)
        for position in gained:
            hint, place = position.hint or 0, position.place
            if hint > self._next.get(place, -1):
                self._replace = True
                self._next[place] = hint
                self._passed[place] = max(self._passed.get(place, 0), position.number)

    async def run(self) -> None:
        """Keep a client and hand on what it fetches; one that ends is replaced. A unit of a process with consumers."""
        away = False
        while True:
            try:
                async with self._connect() as client:
                    if away:
                        _log.info("kafka is back")
                    away = False
                    with self.reading():
                        await self._pump(client)
            except Exception as error:  # noqa: BLE001 - whatever a client raises: the readers live on the stream
                if not away:
                    _log.warning("kafka is away, readers refill from the stream", reason=type(error).__name__)
                away = True
            CLIENTS.inc()
            await asyncio.sleep(random.uniform(0.3, 0.9))  # noqa: S311 - jitter, not a secret

    async def _pump(self, client: Client) -> None:
        self._replace = True
        self._missed.clear()
        try:
            while True:
                if self._replace:
                    await self._place(client)
                elif any(mailbox.held and mailbox.has_room for mailbox in self.mailboxes):
                    await self._poll(client)
                    await self._assert_not_silent(client)
                else:
                    self.changed.clear()
                    await self.changed.wait()
                    self._missed.clear()  # nothing was asked of the client meanwhile
        finally:
            self._placed = frozenset()

    async def _assert_not_silent(self, client: Client) -> None:
        """Silent if Kafka has what the client did not bring; what was missed and never came to Kafka is forgotten."""
        now = time.monotonic()
        missed = {place for place, since in self._missed.items() if now - since > SECONDS_OF_SILENCE} & self._placed
        if missed:
            ends = await client.ends(missed)
            if any(ends[place] != self._next[place] for place in missed if place in self._next):
                raise Silent
            for place in missed:
                self._missed.pop(place, None)

    async def _place(self, client: Client) -> None:
        self._replace = False
        offsets = dict(self._next)
        await client.place(offsets)
        self._placed = frozenset(offsets)
        self._empty = 0

    async def _poll(self, client: Client) -> None:
        dry = dict(self._dry)
        try:
            messages = await client.poll(SECONDS_TO_POLL)
        except OutOfLog as error:
            self._next |= dict.fromkeys(self._next.keys() & error.places, 0)
            self._placed -= set(error.places)
            self._replace = True
            return
        self._empty = 0 if messages else self._empty + 1
        found: dict[Place, list[Ordered]] = defaultdict(list)
        for message in messages:
            if message.place in self._next and (event := self._event(message)) is not None:
                found[message.place].append(event)
        for place, events in found.items():
            newest = max(event.number for event in events)
            self._passed[place] = max(self._passed[place], newest)
            if newest >= dry.get(place, self._dry.get(place, 0)):
                self._dry.pop(place, None)
        self.hand_on(found)

    def _event(self, message: Message) -> Ordered | None:
        place, self._next[message.place] = message.place, message.offset + 1
        self._missed.pop(place, None)
        try:
            event = event_of(message.headers, message.data, stream=place[0], part=place[1])
        except ValueError:
            FOREIGN.labels(place[0]).inc()
            return None
        event.hint = message.offset + 1
        return event
