"""Releasing: what operators asked of dead letters is done by whoever holds their part.

A letter that passes lets all that waits behind it pass too; one that is dropped is taken out with nothing applied.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import structlog

from creditmesh.chassis.bus import dead_letters
from creditmesh.chassis.bus.consuming.applying import Applier, Handle
from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.faults import PATIENCE, Fault, fault_of
from creditmesh.chassis.bus.gaps import Progress
from creditmesh.chassis.bus.position import Place, move
from creditmesh.chassis.database.session import Session

_log = structlog.get_logger(__name__)


class Releaser:
    """Releases letters in the parts that one run of a consumer holds."""

    def __init__(
        self,
        work: Session,
        *,
        reader: str,
        handlers: Mapping[str, Mapping[str, Handle]],
        applier: Applier,
        held: Mapping[Place, Progress],
        batch: int,
    ) -> None:
        self._work = work
        self._reader = reader
        self._handlers = handlers
        self._applier = applier
        self._held = held
        self._batch = batch

    async def release(self, place: Place, key: str) -> bool:
        """Apply a batch of a parked key's events, all at once if they pass; else as far as they go.

        True if there may be more: it begins with a letter that is asked for.
        """
        kept = await dead_letters.of_key(self._work, self._reader, place[0], key, limit=self._batch)
        numbers = [each.event.number for each in kept]
        events = [event for each in kept for event in self._wanted(each)]
        if len(kept) == 1 or await self._applier.try_alone(events, partial(self._take_out, place, key, numbers)):
            for each in kept:
                if not await self._release_alone(place, key, each):
                    return False
        _log.info("dead letter released", reader=self._reader, stream=place[0], part=place[1], events=len(events))
        return len(kept) == self._batch

    async def _release_alone(self, place: Place, key: str, parked: dead_letters.ParkedEvent) -> bool:
        number = parked.event.number
        error = await self._applier.try_alone(self._wanted(parked), partial(self._take_out, place, key, [number]))
        if error is None:
            return True
        said = dead_letters.described(error)
        _log.warning("dead letter not released", reader=self._reader, stream=place[0], part=place[1], reason=said)
        if fault_of(error, PATIENCE) is Fault.PERMANENT:
            await dead_letters.refuse_again(self._work, self._reader, place, number, said)
        return False  # else it says nothing of the event: what was asked stands, and is done at the next look

    def _wanted(self, parked: dead_letters.ParkedEvent) -> list[Delivered]:
        """The event, unless an operator drops it or nobody handles its type any more: those are passed, as anywhere."""
        event = parked.event
        return [event] if parked.asked != "drop" and event.type in self._handlers[event.stream] else []

    async def _take_out(self, place: Place, key: str, numbers: Sequence[int]) -> None:
        stored = self._held[place].stored
        await move(self._work, self._reader, [(stored, stored)])  # Uncertain if the part is another's by now
        await dead_letters.remove(self._work, self._reader, place, key, numbers)
