"""The passer: a unit of every process of the exchange that passes on, in turns, what had to wait before it could be.

Answers wait for the row of the node that gave them, what a child is to be told until its feed may be appended to, and
what could not be judged for its copy: who says so may hold another head.
"""

import asyncio
from collections.abc import Awaitable, Callable

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Transient, Unavailable
from creditmesh.chassis.service import Workplace
from creditmesh.exchange.operations import answering, relaying

SECONDS_TO_LOOK = 1.0
"""How often it looks whether something may be passed on by now."""


class Passer:
    """Takes a turn of each kind again and again, each in a transaction of its own, and rests when there is nothing."""

    def __init__(self, workplace: Workplace) -> None:
        self._equipment = workplace.equipment
        self._full: set[str] = set()

    async def run(self) -> None:
        """Pass on, until a session fails."""
        with uncertain_on_failure("passing on"):
            while True:
                taken = await self._turn(relaying.take_waiting)
                passed = await self._turn(relaying.pass_on_waiting)
                judged = await self._turn(answering.take_unjudged)
                if not taken and not passed and not judged:
                    await self._tell_many()
                    await asyncio.sleep(SECONDS_TO_LOOK)

    async def _turn(self, work: Callable[[Context], Awaitable[bool]]) -> bool:
        context = Context(self._equipment)
        try:
            done = await work(context)
            await context.commit()
        except (Transient, Unavailable):
            return False  # it waits on
        finally:
            await context.rollback()
        return done

    async def _tell_many(self) -> None:
        """Say in readiness for which children much waits."""
        context = Context(self._equipment)
        try:
            full = {f"down-{child} answers" for child in await relaying.many_waiting(context)}
        finally:
            await context.rollback()
        for place in self._full - full:
            self._equipment.stopped.pop(place, None)
        why = f"more than {relaying.MANY} wait until it answers what it holds of its feed, or is taken out"
        self._equipment.stopped.update(dict.fromkeys(full, why))
        self._full = full
