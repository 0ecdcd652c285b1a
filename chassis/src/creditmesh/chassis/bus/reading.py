"""What an owner remembers of one part of one stream between two batches."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from creditmesh.chassis.bus.event import Ordered
from creditmesh.chassis.bus.position import Position
from creditmesh.chassis.bus.sequence import Run, compare, follow
from creditmesh.chassis.bus.stream import Head
from creditmesh.chassis.errors import Alarm

MOST_KEPT = 2000
"""Events that arrived and wait for their turn; what arrives beyond comes by refill."""


@dataclass(slots=True)
class Reading:
    """A held part: where it stands, the head it has seen, and what arrived but was not its turn."""

    position: Position
    tries: int = 0
    marked: int | None = None
    """The number this owner's claim was marked at; None where nothing was due."""
    head: int = 0
    alarm: Alarm | None = None
    arrived: dict[int, Ordered] = field(default_factory=dict)
    behind_since: float | None = None
    careful_until: int = 0
    """Up to this number events are applied one by one: a former owner died somewhere in this stretch."""

    @property
    def due(self) -> bool:
        """Whether there is something to read and nothing forbids it."""
        return self.alarm is None and self.head > self.position.number

    @property
    def careful(self) -> bool:
        """Whether to go one by one."""
        return self.position.number < self.careful_until

    def arrive(self, event: Ordered) -> bool:
        """Keep an event that arrived; False if it is a repeat."""
        if event.number <= self.position.number or event.number in self.arrived:
            return False
        if len(self.arrived) < MOST_KEPT:
            self.arrived[event.number] = event
        return True

    def next_arrived(self, most: int) -> Run:
        """The events that arrived and come next, without a gap. Alarm if they do not continue the chain."""
        number = self.position.number
        events: list[Ordered] = []
        while len(events) < most and (event := self.arrived.get(number + len(events) + 1)) is not None:
            events.append(event)
        run = follow(self.position, events)
        run.way = "arrived"
        return run

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
        """The position was committed."""
        self.position = position
        self.tries = 0
        self.head = max(self.head, position.number)
        self.behind_since = now if self.head > position.number else None
        for number in [n for n in self.arrived if n <= position.number]:
            del self.arrived[number]


def share_of(behind: Collection[int], budget: int) -> int:
    """How many events to read of each part so that all together are about `budget`, and none is starved."""
    waiting = sorted(behind)
    for place, each in enumerate(waiting):
        share = budget // (len(waiting) - place)
        if each > share:
            return max(share, 1)
        budget -= each
    return max(waiting, default=1)


def refilled(reading: Reading, events: Iterable[Ordered], handled: Collection[str] | None) -> Run:
    """The events of a refill that come next. Alarm if the next one, or a body that is needed, is not there.

    `handled` are the types whose bodies are needed; None: all.
    """
    stream, part = reading.position.place
    run = follow(reading.position, events)
    if run.gap or not run.events:
        raise Alarm("a hole in the stream", stream=stream, part=part)
    if any(type(event) is Ordered and (handled is None or event.type in handled) for event in run.events):
        raise Alarm("a body is missing in the stream", stream=stream, part=part)
    return run
