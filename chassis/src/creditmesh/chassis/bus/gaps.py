"""One part of a stream as a consumer reads it: what arrived, what comes next, and what no gap may be jumped over.

At or below the position is a repeat: skipped. The next number is taken. Beyond the next, or a head that is ahead, is a
gap: filled from the stream. A stream that went back, a hole or a broken chain is an Alarm, and the part stands still.
"""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from math import inf
from sys import maxsize
from typing import Literal
from uuid import UUID

from creditmesh.chassis.bus.event import Ordered
from creditmesh.chassis.bus.position import Place, Position
from creditmesh.chassis.bus.stream import Head
from creditmesh.chassis.errors import Alarm

SECONDS_FOR_A_BODY = 10.0
"""How long after an event was made its body may still be on its way; as much may clocks be apart."""
SECONDS_TO_LOOK_AGAIN = 0.2


@dataclass(slots=True)
class Progress:
    """A leased part: where it stands, the head it has seen, what arrived and is not its turn, and what holds it up."""

    position: Position
    """How far this process has gone: what nobody handles moves it without a transaction."""
    stored: Position
    """What stands in the database: where the next transaction begins."""
    head: int = 0
    arrived: dict[int, Ordered] = field(default_factory=dict)
    behind_since: float | None = None
    deaths: int = 0
    """Owners of this part that died where it stands."""
    careful_until: int = 0
    """Up to this number events are applied one by one: a former owner died somewhere in this stretch."""
    alarm: Alarm | None = None
    attempts: int = 0
    """How often what comes next has failed."""
    refusals: int = 0
    """How often its handler refused the one event that comes next."""
    rests_until: float = 0.0

    @property
    def place(self) -> Place:
        """The stream and the part."""
        return self.position.place

    @property
    def due(self) -> bool:
        """Whether there is something to read."""
        return self.head > self.position.number

    @property
    def careful(self) -> bool:
        """Whether to go one by one."""
        return self.position.number < self.careful_until

    @property
    def gap(self) -> bool:
        """Whether something arrived beyond what comes next."""
        return bool(self.arrived) and self.position.number + 1 not in self.arrived

    def rests(self, now: float) -> bool:
        """Whether an alarm or a fault keeps it still at this time."""
        return now < self.rests_until

    def park(self, alarm: Alarm) -> None:
        """Stand still until a person has looked."""
        self.alarm, self.rests_until = alarm, inf
        self.arrived.clear()

    def rest(self, until: float, alarm: Alarm | None = None) -> None:
        """Try what comes next again at that time; an alarm says that a person should look meanwhile.

        What arrived is read from the stream then, and takes no room that other parts need.
        """
        self.attempts += 1
        self.arrived.clear()
        self.rests_until = until
        self.alarm = alarm or self.alarm

    def arrive(self, event: Ordered) -> bool:
        """Keep an event that arrived, unless the part rests; False if it is a repeat."""
        if event.number <= self.position.number or event.number in self.arrived:
            return False
        if not self.rests(time.monotonic()):
            self.arrived[event.number] = event
        self.head = max(self.head, event.number)
        return True

    def next_arrived(self, most: int, handled: Collection[str] = ()) -> "Slice":
        """The events that arrived and come next, without a gap, of about this weight. Alarm if the chain breaks.

        One of a handled type that came without its body is left to be read from the stream, which judges it.
        """
        number = self.position.number
        events: list[Ordered] = []
        weight = 0
        while weight < most and (event := self.arrived.get(number + len(events) + 1)) is not None:
            if type(event) is Ordered and event.type in handled:
                del self.arrived[event.number]
                break
            events.append(event)
            weight += event.weight
        return Slice(self, follow(self.position, events), way="arrived")

    def refilled(self, events: Iterable[Ordered], handled: Collection[str] | None, *, most: int = maxsize) -> "Slice":
        """The events read from the stream that come next. Alarm if the next one, or a needed body, is not there.

        What is beyond this weight has arrived, and is in the next slice.
        `handled` are the types whose bodies are needed; None: all. A body that is missing of a young event may only not
        be there yet, where bodies and order are on two servers: the slice ends before it, and may be empty.
        """
        found = follow(self.position, events)
        stream, part = self.place
        if not found:
            raise Alarm("a hole in the stream", stream=stream, part=part)
        for place, event in enumerate(found):
            if type(event) is Ordered and (handled is None or event.type in handled):
                if not _is_young(event.id):
                    raise Alarm("a body is missing in the stream", stream=stream, part=part)
                found = found[:place]
                break
        taken = 0
        while taken < len(found) and most > 0:
            most -= found[taken].weight
            taken += 1
        self.arrived.update((event.number, event) for event in found[taken:])
        return Slice(self, found[:taken], way="refilled")

    def announce(self, head: Head, now: float) -> None:
        """Take in a head that was read after the position. Alarm if the stream went back or is another."""
        behind = compare(self.position, head)
        self.head = head.number
        if behind == 0:
            self.behind_since = None
        elif self.behind_since is None:
            self.behind_since = now
        if self.arrived and max(self.arrived) > head.number:
            raise Alarm("more arrived than the stream holds", stream=self.position.stream, part=self.position.part)

    def move(self, position: Position, now: float) -> None:
        """Go on from there: it was committed, or nobody handles what lies between."""
        self.position = position
        self.head = max(self.head, position.number)
        self.behind_since = now if self.head > position.number else None
        self.attempts, self.refusals, self.rests_until, self.alarm = 0, 0, 0.0, None
        for number in [n for n in self.arrived if n <= position.number]:
            del self.arrived[number]


@dataclass(slots=True)
class Slice:
    """Events that continue one part without a gap."""

    progress: Progress
    events: list[Ordered]
    way: Literal["arrived", "refilled"] = "refilled"

    @property
    def in_turn(self) -> bool:
        """Whether its part stands just before it."""
        return self.events[0].number == self.progress.position.number + 1

    @property
    def end(self) -> Ordered:
        """Its last event."""
        return self.events[-1]

    @property
    def weight(self) -> int:
        """That of its events."""
        return sum(event.weight for event in self.events)


def _is_young(event: UUID) -> bool:
    made = (event.int >> 80) / 1000  # the first 48 bits of a UUIDv7, milliseconds
    return abs(time.time() - made) < SECONDS_FOR_A_BODY  # an id from a time to come is no young one


def follow(position: Position, events: Iterable[Ordered]) -> list[Ordered]:
    """Of these the events that come next, up to a gap. Alarm if one does not name the event before it."""
    number, last = position.number, position.last
    found: list[Ordered] = []
    for event in events:
        if event.number <= number:
            if event.number == number and event.id != last:
                raise Alarm("chain break: a number has two events", stream=event.stream, part=event.part)
        elif event.number == number + 1:
            if event.before != last:
                raise Alarm("chain break", stream=event.stream, part=event.part)
            found.append(event)
            number, last = event.number, event.id
        else:
            break
    return found


def compare(position: Position, head: Head) -> int:
    """How many events the position is behind the head. Alarm if the stream is behind the position, or another."""
    if head.number < position.number:
        raise Alarm("the stream went back", stream=position.stream, part=position.part)
    if head.number == position.number and head.last != position.last:
        raise Alarm("chain break: the head is another event", stream=position.stream, part=position.part)
    return head.number - position.number


def share_of(behind: Collection[int], budget: int) -> int:
    """How many events to read of each part so that all together are about `budget`, and none is starved."""
    waiting = sorted(behind)
    for place, each in enumerate(waiting):
        share = budget // (len(waiting) - place)
        if each > share:
            return max(share, 1)
        budget -= each
    return max(waiting, default=1)
