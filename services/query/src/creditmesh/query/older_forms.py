"""A unit that searches public forms of before the rule of today for persons' numbers, once: no read does it again."""

import asyncio
import random
from uuid import UUID

import structlog

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.context import Context
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.service import Workplace
from creditmesh.chassis.units import Unit
from creditmesh.query.operations import public
from creditmesh.query.operations.public import Searched

SECONDS_TO_FIRST = (10.0, 30.0)
SECONDS_BETWEEN = 3600.0
SECONDS_BETWEEN_TURNS = 0.1
_MOST = 100
"""Forms in a transaction: one is searched in milliseconds."""
_FIRST = UUID(int=0)

_log = structlog.get_logger(__name__)


def units(workplace: Workplace) -> list[Unit]:
    """The query service's own unit."""
    return [Unit("older-forms", OlderFormRounds(workplace.equipment, most=min(workplace.turn, _MOST)).run)]


class OlderFormRounds:
    """Rounds of transactions of at most `most` forms each."""

    def __init__(self, equipment: Equipment, *, most: int) -> None:
        self._equipment = equipment
        self._most = most

    async def run(self) -> None:
        """A round soon after the start, and where a process of before has left some, later."""
        await asyncio.sleep(random.uniform(*SECONDS_TO_FIRST))  # noqa: S311 - jitter, not a secret
        with uncertain_on_failure("older-forms"):
            while True:
                await self.round()
                await asyncio.sleep(SECONDS_BETWEEN)

    async def round(self) -> int:
        """Search all forms that are left, but for those that somebody else has just now: how many that were."""
        searched, turn = 0, Searched(self._most, 0, _FIRST)
        while turn.found == self._most:
            turn = await self._turn(turn.after)
            searched += turn.read
            await asyncio.sleep(SECONDS_BETWEEN_TURNS)
        if searched:
            _log.info("older public forms searched for persons' numbers", forms=searched)
        return searched

    async def _turn(self, after: UUID) -> Searched:
        context = Context(self._equipment)
        try:
            done = await public.search_older(context, after=after, most=self._most)
            await context.commit()
        finally:
            await context.rollback()
        return done
