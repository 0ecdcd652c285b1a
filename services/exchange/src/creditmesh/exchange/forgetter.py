"""The forgetter: a unit of every process of the exchange, of which one at a time lets this node's `up` forget.

Who came later is given the keys when nothing is left to be forgotten.
"""

import asyncio

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Transient, Unavailable
from creditmesh.chassis.metrics import FEED_UNFORGOTTEN
from creditmesh.chassis.service import Workplace
from creditmesh.exchange.operations import sealing
from creditmesh.exchange.operations.forgetting import forget_next, kept_for
from creditmesh.exchange.store import feeds, forgetting
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import UP

SECONDS_TO_LOOK = 1.0
"""How long it rests where nothing is to be forgotten, or another process is at it."""
_PLACE = f"forgetting {UP}"


class Forgetter:
    """Takes turns, each in a transaction of its own, and rests when there is nothing."""

    def __init__(self, workplace: Workplace) -> None:
        self._equipment = workplace.equipment

    async def run(self) -> None:
        """Forget, until a session fails."""
        with uncertain_on_failure("forgetting"):
            while True:
                if not await self.turn():
                    await self._tell_kept()
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

    async def _tell_kept(self) -> None:
        """Say how much is not looked through yet, and which nodes that were taken out keep it from being forgotten."""
        context = Context(self._equipment)
        try:
            session = await context.session()
            size, until = (await feeds.head(session, UP)).size, await forgetting.looked_through(session, UP)
            above = context.followed(Directory).enrolled("above")
            kept = await kept_for(context, [each.code for each in above if not each.active])
        finally:
            await context.rollback()
        FEED_UNFORGOTTEN.labels(UP).set(size - until)
        self._equipment.stopped.pop(_PLACE, None)
        if kept:
            who = ", ".join(sorted(kept))
            self._equipment.stopped[_PLACE] = (
                f"{who}: what was replaced from entry {until} on is kept for it, until it takes part again and answers,"
                " or `creditmesh-node peers remove --for-good`"
            )
