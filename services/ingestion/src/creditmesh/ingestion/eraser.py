"""A unit that deletes what was erased as soon as every reader knows it, and then the keys that nothing needs."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.context import Context
from creditmesh.chassis.equipment import Equipment
from creditmesh.ingestion.operations import erasing

SECONDS_BETWEEN = 1.0

_log = structlog.get_logger(__name__)


class Eraser:
    """Turns, each a transaction of its own; an idle one asks for two rows."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    async def run(self) -> None:
        """Erase, until a session fails."""
        with uncertain_on_failure("erasing"):
            while True:
                await self.turn()
                await asyncio.sleep(SECONDS_BETWEEN)

    async def turn(self) -> tuple[int, int]:
        """Delete some records and destroy some keys: how many of each."""
        records, keys = await self._in_turn(erasing.delete_erased), await self._in_turn(erasing.close_people)
        if records or keys:
            _log.info("erased", records=records, keys=keys)
        return records, keys

    async def _in_turn(self, step: Callable[[Context], Awaitable[int]]) -> int:
        context = Context(self._equipment)
        try:
            done = await step(context)
            await context.commit()
        finally:
            await context.rollback()
        return done
