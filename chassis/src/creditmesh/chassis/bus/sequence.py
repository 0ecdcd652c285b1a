"""The one rule of reading: repeats are skipped, the next is taken, a gap ends the run, a broken chain alarms."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from creditmesh.chassis.bus.event import Ordered
from creditmesh.chassis.bus.position import Position
from creditmesh.chassis.bus.stream import Head
from creditmesh.chassis.errors import Alarm


@dataclass(slots=True)
class Run:
    """Events that continue a position without a gap."""

    position: Position
    """Where the reader stood."""
    events: list[Ordered] = field(default_factory=list)
    repeats: int = 0
    gap: bool = False
    """Whether an event was met that lies beyond the next one."""
    way: Literal["arrived", "refilled"] = "refilled"

    def moved(self, hint: int | None = None) -> Position:
        """Where the reader stands when the run was applied."""
        if not self.events:
            return self.position
        end = self.events[-1]
        return Position(end.stream, end.part, end.number, end.id, hint)


def follow(position: Position, events: Iterable[Ordered]) -> Run:
    """The events that come next after the position. Alarm if one does not name the event before it."""
    run = Run(position)
    number, last = position.number, position.last
    for event in events:
        if event.number <= number:
            if event.number == number and event.id != last:
                raise Alarm("chain break: a number has two events", stream=event.stream, part=event.part)
            run.repeats += 1
        elif event.number == number + 1:
            if event.before != last:
                raise Alarm("chain break", stream=event.stream, part=event.part)
            run.events.append(event)
            number, last = event.number, event.id
        else:
            run.gap = True
            break
    return run


def compare(position: Position, head: Head) -> int:
    """How many events the position is behind the head. Alarm if the stream is behind the position, or another."""
    if head.number < position.number:
        raise Alarm("the stream went back", stream=position.stream, part=position.part)
    if head.number == position.number and head.last != position.last:
        raise Alarm("chain break: the head is another event", stream=position.stream, part=position.part)
    return head.number - position.number
