"""A unit that ends held rows: of what nobody decided within the item's retention the content is no longer kept."""

import asyncio
import random

import structlog

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.context import Context
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.service import Workplace
from creditmesh.chassis.units import Unit
from creditmesh.ingestion import retention
from creditmesh.ingestion.eraser import Eraser
from creditmesh.ingestion.operations import purging

_log = structlog.get_logger(__name__)


def units(workplace: Workplace) -> list[Unit]:
    """All units of ingestion's own."""
    rounds = HeldRowRounds(workplace.equipment, most=workplace.turn)
    eraser = Eraser(workplace.equipment)
    return [*retention.units(workplace), Unit("held-rows", rounds.run), Unit("eraser", eraser.run)]


class HeldRowRounds:
    """Rounds of transactions of at most `most` rows each."""

    def __init__(self, equipment: Equipment, *, most: int) -> None:
        self._equipment = equipment
        self._most = most

    async def run(self) -> None:
        """A round as often as records have one."""
        await asyncio.sleep(random.uniform(*retention.SECONDS_TO_FIRST))  # noqa: S311 - jitter, not a secret
        with uncertain_on_failure("held-rows"):
            while True:
                await self.round()
                await asyncio.sleep(retention.SECONDS_BETWEEN)

    async def round(self) -> int:
        """End every held row whose term is over: how many that were."""
        expired, last = 0, self._most
        while last == self._most:
            last = await self._turn()
            expired += last
        if expired:
            _log.info("held rows expired", rows=expired)
        return expired

    async def _turn(self) -> int:
        context = Context(self._equipment)
        try:
            expired = await purging.expire_held_rows(context, most=self._most)
            await context.commit()
        finally:
            await context.rollback()
        return expired
