"""A batch of slices, as it is divided: in halves where it fails, and into calls of the handlers where it is applied."""

from collections import deque
from collections.abc import Iterator, Sequence

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.gaps import Slice


def halves(slices: Sequence[Slice]) -> tuple[list[Slice], list[Slice]]:
    """The first and the second half of their events, each part's in order."""
    left = sum(len(each.events) for each in slices) // 2 or 1
    first: list[Slice] = []
    second: list[Slice] = []
    for each in slices:
        for half, events in ((first, each.events[:left]), (second, each.events[left:])):
            if events:
                half.append(Slice(each.progress, events, each.way))
        left = max(left - len(each.events), 0)
    return first, second


def delivered(slices: Sequence[Slice]) -> Iterator[Delivered]:
    """Those of their events that have their bodies."""
    return (event for each in slices for event in each.events if isinstance(event, Delivered))


def calls(parts: Sequence[Sequence[Delivered]]) -> Iterator[tuple[str, str, list[Delivered]]]:
    """As few calls as the order within each part allows: a run of one type, over all parts that have it next."""
    waiting = [deque(events) for events in parts if events]
    while waiting:
        kind = (waiting[0][0].stream, waiting[0][0].type)
        call: list[Delivered] = []
        for events in waiting:
            while events and (events[0].stream, events[0].type) == kind:
                call.append(events.popleft())
        yield *kind, call
        waiting = [events for events in waiting if events]
