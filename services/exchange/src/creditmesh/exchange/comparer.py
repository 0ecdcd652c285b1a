"""The comparer: a unit of every process of the exchange, which asks the readers of this node's feeds what they hold."""

import asyncio

import httpx

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.context import Context
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.metrics import FEED_BEHIND
from creditmesh.chassis.service import Workplace
from creditmesh.exchange.errors import FeedBehind, NotCompared
from creditmesh.exchange.operations import sealing
from creditmesh.exchange.operations.comparing import Reader, compared, judge, readers, signed_here
from creditmesh.exchange.peer import NotNow, Peer
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import UP
from creditmesh.schemas.tlog import Checkpoint

SECONDS_TO_LOOK = 1.0
"""How often it looks whom to ask: peers come and go with the catalogue, and one that was away may answer now."""
_TIMEOUT = 5.0


class Comparer:
    """Asks each reader of each feed until it has answered once, and looks whether what stands here goes as far."""

    def __init__(self, workplace: Workplace) -> None:
        self._equipment: Equipment = workplace.equipment

    async def run(self) -> None:
        """Ask and look, until a session fails."""
        async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
            with uncertain_on_failure("comparing feeds"):
                while True:
                    await self.look(client)
                    await asyncio.sleep(SECONDS_TO_LOOK)

    async def look(self, client: httpx.AsyncClient) -> None:
        """Ask, at once, who was not heard yet; then judge what was heard by what stands in the database."""
        known, directory = compared(self._equipment), self._equipment.followed
        if not isinstance(directory, Directory):
            raise TypeError("the exchange follows the catalogue")
        wanted = {(feed, party.code): party for party, feed in readers(directory)}
        asked = [
            self._ask(client, party, feed) for (feed, peer), party in wanted.items() if (feed, peer) not in known.held
        ]
        heard = dict(answer for answer in await asyncio.gather(*asked) if answer is not None)
        heard |= known.unfit()
        if heard:
            async with self._equipment.pool.session() as session:
                await judge(self._equipment, session, heard)
        known.keep(wanted)
        await self._open_to_readers()
        for feed, _ in wanted:
            FEED_BEHIND.labels(feed).set(bool(known.behind(feed)))

    async def _open_to_readers(self) -> None:
        """Let who was enrolled since read all of `up`, where that may be appended to."""
        context = Context(self._equipment)
        try:
            await sealing.open_to_readers(context, UP)
            await context.commit()
        except (NotCompared, FeedBehind):
            return  # whoever comes later is told to ask again
        finally:
            await context.rollback()

    async def _ask(self, client: httpx.AsyncClient, party: Party, feed: str) -> tuple[Reader, Checkpoint | None] | None:
        """What a reader holds; None where it does not answer, and is asked again."""
        equipment = self._equipment
        if party.url is None:
            return None
        peer = Peer(party=party, node=equipment.node.code, keys=equipment.keys, clock=equipment.clock, client=client)
        try:
            answer = await peer.held(feed)
        except NotNow:
            return None
        return (feed, party.code), signed_here(equipment, party.code, feed, answer)
