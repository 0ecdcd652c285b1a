"""What Kafka brings one reader: a task keeps a client placed at the held parts, and a reader lives on while it cannot.

The offset in a position is a hint. Where the log no longer has it, or is another log of the same name, the client
begins at what there is: below the position are repeats, above it a gap, and the numbers tell which.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import structlog

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.listen import Listener
from creditmesh.chassis.bus.message import Headers, event_of
from creditmesh.chassis.bus.metrics import CLIENTS, FOREIGN
from creditmesh.chassis.bus.position import Place, Position
from creditmesh.chassis.bus.protocol import Came

SECONDS_TO_POLL = 0.3
POLLS_UNTIL_LATE = 4
SECONDS_UNTIL_LATE = 2.0
SECONDS_AT_MOST = 15.0
"""How long a part may be behind though others arrive."""
SECONDS_OF_SILENCE = 12.0
"""A client that brought nothing for a part that long, while its reader asked for it, is replaced."""
MOST_WAITING = 250
"""Events of a part that arrived and were not applied yet: more of it is left with Kafka."""

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

    async def place(self, offsets: Mapping[Place, int | None]) -> None:
        """From now on fetch exactly these, each from its offset if the log has it, else from where the log begins."""

    async def poll(self, places: Collection[Place], seconds: float) -> Sequence[Message]:
        """Some records of these places, at once or within that time."""


Connect = Callable[[], AbstractAsyncContextManager[Client]]


@dataclass(slots=True)
class _Part:
    next: int | None
    """The offset to go on from."""
    passed: int
    """The highest number known to be applied."""
    passed_at_poll: int = 0
    offsets: dict[int, int] = field(default_factory=dict)
    """Where each number stood that arrived and was not applied yet."""
    missed_since: float | None = None
    """Since when its reader has asked for more and nothing at all came."""
    dry: bool = False
    """Its reader was overdue, and lives on refill until Kafka has come to where it stands."""


class KafkaArrivals:
    """The transport of one run of one reader; `connected` while a client is placed at all held parts."""

    def __init__(self, connect: Connect, wakes: Listener, streams: Collection[str]) -> None:
        self.connected = False
        self._connect = connect
        self._wakes = wakes
        self._wake = wakes.wake(streams)
        self._parts: dict[Place, _Part] = {}
        self._come: list[Delivered] = []
        self._changed = asyncio.Event()
        self._eased = asyncio.Event()
        self._empty = 0
        self._silent = False
        self._away = False
        self._task = asyncio.create_task(self._keep_connected(), name="kafka arrivals")

    async def hold(self, positions: Sequence[Position]) -> None:
        """Go on where the held ones stand, and begin at the hints of the new ones; nothing is waited for."""
        self._parts = {p.place: self._parts.get(p.place) or _Part(p.hint, p.number) for p in positions}
        self._replace()

    async def take(self, seconds: float) -> Came:
        """What came. While Kafka flows the heads are not announced: the reader asks for them each second."""
        end = time.monotonic() + seconds
        while True:
            announced = await self._wake.wait(max(end - time.monotonic(), 0.0))
            if self._come or not self._flows or time.monotonic() >= end:
                break
        come, self._come = self._come, []
        self._eased.set()
        return Came(come, frozenset() if self._flows else announced)

    def missing(self, stream: str, part: int, *, seconds: float) -> None:
        """If nothing at all comes for a while, or not this part for long, it has run dry.

        It stays so until Kafka brings what was applied a moment ago, or newer: the consumer refills all that is there,
        and not one batch each time its patience ends.
        """
        held = self._parts.get((stream, part))
        if held is None or not self.connected:
            return
        now = time.monotonic()
        held.missed_since = held.missed_since or now
        if now - held.missed_since > SECONDS_OF_SILENCE:
            self._silent = True
        late = seconds > SECONDS_UNTIL_LATE and self._empty >= POLLS_UNTIL_LATE
        held.dry = held.dry or late or seconds > SECONDS_AT_MOST

    def overdue(self, stream: str, part: int) -> bool:
        """If no client is placed, or the part has run dry."""
        held = self._parts.get((stream, part))
        return held is None or not self.connected or held.dry

    def hint(self, stream: str, part: int, number: int) -> int | None:
        """The offset after that number's, if it arrived."""
        held = self._parts.get((stream, part))
        offset = None if held is None else held.offsets.get(number)
        return None if offset is None else offset + 1

    def applied(self, stream: str, part: int, number: int) -> None:
        """There is room for more of that part."""
        held = self._parts.get((stream, part))
        if held is not None:
            held.passed = max(held.passed, number)
            held.offsets = {each: at for each, at in held.offsets.items() if each >= number}
            self._eased.set()

    async def close(self) -> None:
        """End the client."""
        self._wakes.forget(self._wake)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def _flows(self) -> bool:
        return self.connected and not any(part.dry for part in self._parts.values())

    def _replace(self) -> None:
        self.connected = False
        self._changed.set()
        self._wake.stir()

    async def _keep_connected(self) -> None:
        while True:
            try:
                async with self._connect() as client:
                    self._silent = False
                    for part in self._parts.values():
                        part.missed_since = None
                    self._replace()
                    await self._pump(client)
            except Exception as error:  # noqa: BLE001 - whatever a client raises: the reader lives on the stream
                if not self._away:
                    _log.warning("kafka is away, a reader refills from the stream", reason=type(error).__name__)
                self._away = True
            self._replace()
            CLIENTS.inc()
            await asyncio.sleep(random.uniform(0.3, 0.9))  # noqa: S311 - jitter, not a secret

    async def _pump(self, client: Client) -> None:
        while not self._silent:
            if self._changed.is_set():
                await self._place(client)
            elif self._parts:
                await self._poll(client)
            else:
                await self._changed.wait()
        raise Silent

    async def _place(self, client: Client) -> None:
        self._changed.clear()
        await client.place({place: part.next for place, part in self._parts.items()})
        self._empty = 0
        self.connected = bool(self._parts) and not self._changed.is_set()
        if self._away:
            _log.info("kafka is back")
        self._away = False

    async def _poll(self, client: Client) -> None:
        wanted = [place for place, part in self._parts.items() if len(part.offsets) < MOST_WAITING]
        if not wanted or len(self._come) >= MOST_WAITING:
            self._eased.clear()
            await self._ease()
            return
        for part in self._parts.values():
            part.passed_at_poll = part.passed
        try:
            messages = await client.poll(wanted, SECONDS_TO_POLL)
        except OutOfLog as error:
            for place in set(error.places) & set(self._parts):
                self._parts[place].next = None
            self._replace()
            return
        self._empty = 0 if messages else self._empty + 1
        for message in messages:
            self._arrive(message)
        if self._come:
            self._wake.stir()

    async def _ease(self) -> None:
        try:
            async with asyncio.timeout(SECONDS_TO_POLL):
                await self._eased.wait()
        except TimeoutError:
            return

    def _arrive(self, message: Message) -> None:
        part = self._parts.get(message.place)
        if part is None:
            return
        part.next = message.offset + 1
        part.missed_since = None
        stream, number_of_part = message.place
        try:
            event = event_of(message.headers, message.data, stream=stream, part=number_of_part)
        except ValueError:
            FOREIGN.labels(stream).inc()
            return
        if event.number > part.passed:
            part.offsets[event.number] = message.offset
        if event.number >= part.passed_at_poll:
            part.dry = False
        self._come.append(event)
