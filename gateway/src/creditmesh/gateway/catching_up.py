"""Which peers this node has to catch up with: followed in memory, so that a request costs a look at an attribute.

While there is one, what the copies of peers' records say may have ended, and the door shows none of it (decision 55).
"""

import asyncio
from functools import partial

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.bus.listen import CATCHING_UP
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.service import Workplace
from creditmesh.chassis.units import Unit
from creditmesh.gateway import store
from creditmesh.gateway.errors import CatchingUp

SECONDS_TO_LOOK = 5.0
"""How often it looks when nothing tells of a change."""


class PeersBehind:
    """The peers, as this process saw them last. Nobody is let through before it has looked once."""

    def __init__(self) -> None:
        self._peers: tuple[str, ...] = ()
        self._looked = asyncio.Event()

    def see(self, peers: tuple[str, ...]) -> None:
        """It is these now."""
        self._peers = peers
        self._looked.set()

    async def check(self) -> None:
        """CatchingUp, which names them, while there are any."""
        if not self._looked.is_set():
            await self._looked.wait()
        if self._peers:
            raise CatchingUp(*self._peers)


def peers_behind(equipment: Equipment) -> PeersBehind:
    """Those that the process of this equipment knows of."""
    made: PeersBehind = equipment.memory.setdefault(PeersBehind, PeersBehind())
    return made


def units(workplace: Workplace) -> list[Unit]:
    """The unit that follows them."""
    return [Unit("catching up", partial(follow, workplace.equipment))]


async def follow(equipment: Equipment) -> None:
    """Look whenever it is told that they changed, and every few seconds, until a session fails."""
    behind, wake = peers_behind(equipment), equipment.notifications.wake([CATCHING_UP])
    try:
        with uncertain_on_failure("peers to catch up with"):
            while True:
                async with equipment.pool.session() as session:
                    behind.see(await store.catching_up(session))
                await wake.wait(SECONDS_TO_LOOK)
    finally:
        equipment.notifications.forget(wake)
