"""Retention: a unit that goes through the records, slice by slice, and deletes what has been kept for its term.

Every process has one; whoever finds another at it leaves the round to that one. What readers have of a record they
delete when they are told.
"""

import asyncio
import random
from uuid import UUID

import structlog

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.context import Context, Equipment
from creditmesh.chassis.service import Workplace
from creditmesh.chassis.units import Unit
from creditmesh.ingestion.operations import purging

SECONDS_TO_FIRST = (60.0, 180.0)
"""After its start a process has better things to do, and has not followed the catalogue yet."""
SECONDS_BETWEEN = 6 * 3600.0
SECONDS_BETWEEN_TURNS = 0.1
_FIRST = UUID(int=0)

_log = structlog.get_logger(__name__)


def units(workplace: Workplace) -> list[Unit]:
    """Ingestion's own unit."""
    return [Unit("retention", RetentionRounds(workplace.equipment, most=workplace.turn).run)]


class RetentionRounds:
    """Rounds through all parts, of turns of at most `most` revisions each."""

    def __init__(self, equipment: Equipment, *, most: int) -> None:
        self._equipment = equipment
        self._most = most

    async def run(self) -> None:
        """A round every six hours."""
        await asyncio.sleep(random.uniform(*SECONDS_TO_FIRST))  # noqa: S311 - jitter, not a secret
        with uncertain_on_failure("retention"):
            while True:
                await self.round()
                await asyncio.sleep(SECONDS_BETWEEN)

    async def round(self) -> int:
        """Delete everything whose term is over: how many records that were. Less if another process is at it."""
        purged = 0
        for part in range(self._equipment.node.parts):
            after: UUID | None = _FIRST
            while after is not None:
                turn = await self._turn(part, after)
                if turn is None:
                    return purged
                purged, after = purged + turn.purged, turn.until
                await asyncio.sleep(SECONDS_BETWEEN_TURNS if after is not None else 0)
        if purged:
            _log.info("purged", records=purged)
        return purged

    async def _turn(self, part: int, after: UUID) -> purging.PurgeTurn | None:
        context = Context(self._equipment)
        try:
            turn = await purging.purge_slice(context, part=part, after=after, most=self._most)
            await context.commit()
        finally:
            await context.rollback()
        return turn
