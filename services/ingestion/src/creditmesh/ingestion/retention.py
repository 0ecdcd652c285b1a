"""Retention: a unit that goes through the records, slice by slice, and deletes what has been kept for its term.

There is one round a legal day, whichever processes take its turns. What readers have of a record they delete when they
are told.
"""

import asyncio
import random
from collections.abc import Collection
from datetime import date
from uuid import UUID

import structlog

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.context import Context
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.service import Workplace
from creditmesh.chassis.units import Unit
from creditmesh.ingestion.operations import purging

SECONDS_TO_FIRST = (60.0, 180.0)
"""After its start a process has better things to do, and has not followed the catalogue yet."""
SECONDS_BETWEEN = 3600.0
"""Between looks at whether a day has begun, or a round was left."""
SECONDS_BETWEEN_TURNS = 0.1
_PLACE = "retention"
_NAMED = 5
"""Records that are named of those that cannot be read."""

_log = structlog.get_logger(__name__)


def units(workplace: Workplace) -> list[Unit]:
    """Ingestion's own unit."""
    return [Unit("retention", RetentionRounds(workplace.equipment, most=workplace.turn).run)]


class RetentionRounds:
    """Rounds through all parts, of turns of at most `most` revisions each."""

    def __init__(self, equipment: Equipment, *, most: int) -> None:
        self._equipment = equipment
        self._most = most
        self._day: date | None = None
        self._unreadable = 0

    async def run(self) -> None:
        """A round a legal day."""
        await asyncio.sleep(random.uniform(*SECONDS_TO_FIRST))  # noqa: S311 - jitter, not a secret
        with uncertain_on_failure("retention"):
            while True:
                await self.round()
                await asyncio.sleep(SECONDS_BETWEEN)

    async def round(self) -> int:
        """Go on with today's round to its end, or to where another process is at it: how many records were deleted."""
        purged = 0
        if self._day != (today := self._equipment.clock.legal_date()):
            self._day, self._unreadable = today, 0
            self._equipment.stopped.pop(_PLACE, None)
        while (turn := await self._turn()) is not None:
            purged += turn.purged
            self._tell(turn.unreadable)
            await asyncio.sleep(0 if turn.ends_part else SECONDS_BETWEEN_TURNS)
        if purged:
            _log.info("purged", records=purged)
        return purged

    def _tell(self, unreadable: Collection[UUID]) -> None:
        """What cannot be read is told until the round of another day, which meets it again if it is there still."""
        if unreadable:
            self._unreadable += len(unreadable)
            some = ", ".join(sorted(map(str, unreadable))[:_NAMED])
            _log.error("records cannot be read and are kept", records=len(unreadable), some=some)
            self._equipment.stopped[_PLACE] = f"{self._unreadable} records cannot be read and are kept: {some}"

    async def _turn(self) -> purging.PurgeTurn | None:
        context = Context(self._equipment)
        try:
            turn = await purging.purge_slice(context, most=self._most)
            await context.commit()
        finally:
            await context.rollback()
        return turn
