"""The passer: two units of every process of the exchange that pass on, in turns, what had to wait before it could be.

What nodes above say waits for their rows, a row that was one too many for its hour, what a child is told until its feed
may be appended to, what was set aside of a feed until that is whole, what could not be judged, or was refused of a
record that ended, for its copy, and what a restored node was answered about copies that it lost for their senders: who
says so may hold another head, and there may be much.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.context import Context
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.errors import Transient, Unavailable
from creditmesh.chassis.service import Workplace
from creditmesh.exchange.operations import answering, chain, passing, relaying, restoring, saying_again
from creditmesh.exchange.operations.comparing import COMPARED
from creditmesh.exchange.store.chain import GROWN

_log = structlog.get_logger(__name__)
T = TypeVar("T")
SECONDS_TO_LOOK = 1.0
"""How often it looks whether something may be passed on by now."""


class Passer:
    """Takes a turn of each peer, of each child and of each copy again and again, and rests when there is nothing.

    Each turn is a transaction of its own: whoever has much, or cannot be passed on yet, holds up no other. What asks
    whose turn it is has none: it is asked every second, and at once when more is known of who is above or a feed may be
    appended to.
    """

    def __init__(self, workplace: Workplace) -> None:
        self._equipment = workplace.equipment
        self._full: set[str] = set()
        self._looked = 0
        """Before which place of `up` it has looked what became of copies that were lost."""

    async def run(self) -> None:
        """Pass on, until a session fails."""
        notifications = self._equipment.notifications
        with uncertain_on_failure("passing on"), notifications.waking([GROWN, COMPARED]) as wake:
            while True:
                if not await self._pass_on():
                    await wake.wait(SECONDS_TO_LOOK)

    async def _pass_on(self) -> bool:
        """A turn of each of all that waits; whether anything was done."""
        await self._turn(chain.take_ripe)
        said = await self._round(saying_again.waiting, saying_again.say_again)
        taken = await self._round(relaying.grown, relaying.take_waiting)
        passed = await self._round(passing.waiting_children, passing.pass_on_waiting)
        self._looked = await self._turn(restoring.settle_copies, self._looked) or 0
        await self._tell_many()
        return said or taken or passed

    async def see_to_refused(self) -> None:
        """See to what was refused, beside that, until a session fails: it holds up nothing that is passed on."""
        with uncertain_on_failure("seeing to what was refused"):
            while True:
                if not await self._round(answering.unseen_copies, answering.take_unseen):
                    await asyncio.sleep(SECONDS_TO_LOOK)

    async def _round(
        self, whose: Callable[[Context], Awaitable[Sequence[str]]], work: Callable[[Context, str], Awaitable[bool]]
    ) -> bool:
        """A turn of each; whether anything was done."""
        turns = [await self._turn(work, each) for each in await self._turn(whose) or ()]
        return any(turns)

    async def _turn(self, work: Callable[..., Awaitable[T]], *whose: object) -> T | None:
        context = Context(self._equipment)
        try:
            done = await work(context, *whose)
            await context.commit()
        except (Transient, Unavailable):
            return None  # it waits on
        except DatabaseError as error:
            if not error.passing:
                raise
            _log.warning("a turn failed and is done again", turn=work.__name__, of=whose, fault=str(error))
            return None
        finally:
            await context.rollback()
        return done

    async def _tell_many(self) -> None:
        """Say in readiness for which children much waits."""
        context = Context(self._equipment)
        try:
            full = {f"down-{child} answers" for child in await passing.many_waiting(context)}
        finally:
            await context.rollback()
        for place in self._full - full:
            self._equipment.stopped.pop(place, None)
        why = f"more than {passing.MANY} wait until it answers what it holds of its feed, or is taken out"
        self._equipment.stopped.update(dict.fromkeys(full, why))
        self._full = full
