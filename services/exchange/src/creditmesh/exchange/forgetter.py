"""The forgetter: a unit of every process of the exchange, of which one at a time lets this node's `up` forget.

Who came later is given the keys when nothing is left to be forgotten.
"""

import asyncio

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Transient, Unavailable
from creditmesh.chassis.service import Workplace
from creditmesh.exchange.operations import sealing
from creditmesh.exchange.operations.forgetting import forget_next
from creditmesh.schemas.exchange import UP

SECONDS_TO_LOOK = 1.0
"""How long it rests where nothing is to be forgotten, or another process is at it."""


class Forgetter:
    """Takes turns, each in a transaction of its own, and rests when there is nothing."""

    def __init__(self, workplace: Workplace) -> None:
        self._equipment = workplace.equipment

    async def run(self) -> None:
        """Forget, until a session fails."""
        with uncertain_on_failure("forgetting"):
            while True:
                if not await self.turn():
                    await asyncio.sleep(SECONDS_TO_LOOK)

    async def turn(self) -> bool:
        """Forget what is next, and open the feed to its readers where nothing is; whether there may be more."""
        context = Context(self._equipment)
        try:
            waits_for = await sealing.answering(context, UP)
            more = await forget_next(context, waits_for=waits_for)
            await context.commit()
            if more is False and not waits_for:
                await sealing.open_to_readers(context, UP)
                await context.commit()
        except (Transient, Unavailable):
            return False  # the catalogue is not followed, or the feed may not be appended to: it waits
        finally:
            await context.rollback()
        return bool(more)
