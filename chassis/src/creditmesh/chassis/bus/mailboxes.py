"""The bus as consumers see it: one reading a process, which hands each new event on to everybody who holds its part.

The truth is the stream in PostgreSQL. A reading may bring nothing, repeats, gaps, or everything in the wrong order: a
consumer believes only the numbers, and reads the stream itself for what did not come or had no room.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from creditmesh.chassis.bus.event import Ordered
from creditmesh.chassis.bus.gaps import Progress
from creditmesh.chassis.bus.listen import Notification, Notifications
from creditmesh.chassis.bus.position import Place, Position
from creditmesh.chassis.units import Unit

MOST_AT_ONCE = 500
"""Events that are read at once for everybody."""
MOST_KEPT = 2000
"""The weight of the events, of all its parts, that wait for a consumer or for their turn; it reads others itself."""


@dataclass(slots=True, frozen=True)
class Received:
    """What one wait brought."""

    events: Sequence[Ordered] = ()
    announced: frozenset[str] = frozenset()
    """Streams whose heads are known to have moved though their events did not come."""


class Bus(ABC):
    """The reading of a process, and the mailboxes of its consumers."""

    seconds_to_poll: float
    """How often a consumer asks for the heads when nothing tells it to."""

    def __init__(self, notifications: Notifications) -> None:
        """`notifications` wakes the readers of this process when heads move."""
        self.notifications = notifications
        self.mailboxes: list[Mailbox] = []
        self.changed = asyncio.Event()
        """A mailbox has room again, or holds other parts."""

    @abstractmethod
    def units(self) -> Sequence[Unit]:
        """What runs in a process with consumers."""

    @abstractmethod
    def brings(self, place: Place, news: Notification) -> bool:
        """Whether the new events of this part, which somebody here holds, will be handed on."""

    @abstractmethod
    def overdue(self, place: Place, number: int, seconds: float) -> bool:
        """Whether who stands at that number should read the stream itself; it has been behind the head for so long."""

    @abstractmethod
    def held(self, gained: Collection[Position]) -> None:
        """Be told that a mailbox holds other parts, among them these new ones."""

    def mailbox(self, streams: Collection[str]) -> "Mailbox":
        """What is read of these streams comes into it, for one run of one consumer."""
        mailbox = Mailbox(self, streams)
        self.mailboxes.append(mailbox)
        return mailbox

    def hand_on(self, found: Mapping[Place, Sequence[Ordered]]) -> None:
        """Give each the events of its own parts; of a part without any it reads the stream itself."""
        for mailbox in self.mailboxes:
            mailbox.put({place: events for place, events in found.items() if place in mailbox.held})

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Take on what the process is told of; afterwards everybody looks at the heads for what was not read."""
        self.notifications.read_by(self._take_on)
        try:
            yield
        finally:
            self.notifications.read_by(lambda _: False)
            for mailbox in self.mailboxes:
                mailbox.look()

    def _take_on(self, news: Notification) -> bool:
        place = (news.stream, news.part)
        if any(place in mailbox.held for mailbox in self.mailboxes):
            return self.brings(place, news)
        return True  # another process leases the part: nobody here has to look


class Mailbox:
    """What comes to one run of one consumer."""

    def __init__(self, bus: Bus, streams: Collection[str]) -> None:
        self.held: Mapping[Place, Progress] = {}
        self._bus = bus
        self._wake = bus.notifications.wake(streams, handed=True)
        self._come: dict[Place, list[Ordered]] = defaultdict(list)

    @property
    def kept(self) -> int:
        """The weight of the events that wait to be taken, or were taken and are not applied."""
        waiting = [*self._come.values(), *(progress.arrived.values() for progress in self.held.values())]
        return sum(event.weight for events in waiting for event in events)

    @property
    def has_room(self) -> bool:
        """Whether it could take in all that is read at once."""
        return self.kept + MOST_AT_ONCE <= MOST_KEPT

    def put(self, found: Mapping[Place, Sequence[Ordered]]) -> None:
        """Take in these events; where there are none, or no room, the consumer reads the stream itself."""
        room = MOST_KEPT - self.kept
        for place, events in found.items():
            weight = sum(event.weight for event in events)
            if events and weight <= room:
                room -= weight
                self._come[place] += events
                self._wake.stir()
            else:
                self._wake.set([place[0]])

    def look(self) -> None:
        """Let the consumer look at all its heads."""
        self._wake.set()

    def hold(self, held: Mapping[Place, Progress]) -> None:
        """From now on take in the events of exactly these parts, from about where they stand on."""
        gained = [progress.position for place, progress in held.items() if place not in self.held]
        self.held = dict(held)
        self._bus.held(gained)
        self._bus.changed.set()

    async def take(self, seconds: float) -> Received:
        """What comes within that time, and the streams of which something did not; at once when something did."""
        self._bus.changed.set()  # there may be room since what was taken is applied
        announced = await self._wake.wait(0.0 if self._come else seconds)
        come = [event for events in self._come.values() for event in events]
        self._come.clear()
        self._bus.changed.set()
        return Received(come, announced)

    def overdue(self, position: Position, seconds: float) -> bool:
        """Whether the consumer should read what comes next itself; it has been behind the head for so long."""
        return position.place not in self._come and self._bus.overdue(position.place, position.number, seconds)

    def close(self) -> None:
        """Take in nothing more."""
        self._bus.notifications.forget(self._wake)
        self._bus.mailboxes.remove(self)
        self._bus.held(())
        self._bus.changed.set()
