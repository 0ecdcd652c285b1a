"""The forgetter: a unit of every process of the exchange, of which one at a time lets this node's `up` forget."""

import asyncio

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.context import Context
from creditmesh.chassis.service import Workplace
from creditmesh.chassis.units import Unit
from creditmesh.exchange.operations import sealing
from creditmesh.exchange.operations.forgetting import forget_next
from creditmesh.schemas.exchange import UP

SECONDS_TO_LOOK = 1.0
"""How long it rests where nothing is to be forgotten, or another process is at it."""


def forgetter(workplace: Workplace) -> Unit:
    """The unit of these equipments."""

    async def run() -> None:
        with uncertain_on_failure("forgetting"):
            while True:
                context = Context(workplace.equipment)
                try:
                    more = await forget_next(context, waits_for=await sealing.answering(context, UP))
                    await context.commit()
                finally:
                    await context.rollback()
                if not more:
                    await asyncio.sleep(SECONDS_TO_LOOK)

    return Unit("forgetter", run)
