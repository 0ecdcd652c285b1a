"""The comparer: a unit of every process of the exchange, which asks the readers of this node's feeds what they hold.

And it asks the nodes below how far this one had answered for theirs (decision 55). It says in readiness and metrics how
all these feeds stand, whatever becomes of the units that see to them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

import httpx

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.bus.listen import FOLLOWED
from creditmesh.chassis.context import Context
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.metrics import FEED_BEHIND, FEED_LAGGING, FEED_UNFORGOTTEN
from creditmesh.chassis.service import Workplace
from creditmesh.chassis.units import together
from creditmesh.exchange.operations.answering import note_gone_by
from creditmesh.exchange.operations.catching_up import hear
from creditmesh.exchange.operations.comparing import (
    COMPARED,
    Compared,
    Reader,
    compared,
    is_another,
    judge,
    readers,
    signed_here,
)
from creditmesh.exchange.operations.forgetting import kept_for
from creditmesh.exchange.peer import NotNow, Peer
from creditmesh.exchange.store import catching_up, feeds, forgetting, lost, set_aside
from creditmesh.exchange.store.catching_up import Lag
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import DOWN, UP
from creditmesh.schemas.tlog import Checkpoint

SECONDS_TO_LOOK_FIRST, SECONDS_TO_LOOK = 0.1, 1.0
"""How soon it looks again whom to ask after the catalogue has changed, and how often it does at last: who was enrolled
here a moment ago may have to enrol this node yet, and one that was away may answer now."""
SECONDS_TO_ANSWER = 5.0
"""From the question to the last byte: who sends one a moment is not heard."""

_CATCH_UP = "catch up "
_SET_ASIDE = "set aside "


class Comparer:
    """Asks each reader of each feed until it has answered once, and looks whether what stands here goes as far."""

    def __init__(self, workplace: Workplace) -> None:
        self._equipment: Equipment = workplace.equipment
        self._judging = asyncio.Lock()
        self._below: set[str] = set()

    async def run(self) -> None:
        """Ask and look, until a session fails."""
        async with httpx.AsyncClient(timeout=SECONDS_TO_ANSWER) as client:
            notifications = self._equipment.notifications
            with uncertain_on_failure("comparing feeds"), notifications.waking([FOLLOWED]) as wake:
                pause = SECONDS_TO_LOOK_FIRST
                while True:
                    await self.look(client)
                    changed = await wake.wait(pause)
                    pause = SECONDS_TO_LOOK_FIRST if changed else min(2 * pause, SECONDS_TO_LOOK)

    async def look(self, client: httpx.AsyncClient) -> None:
        """Ask, at once, who was not heard yet; each feed is judged when its own readers had their time."""
        known, directory = await self._known(), self._equipment.followed
        if not isinstance(directory, Directory):
            raise TypeError("the exchange follows the catalogue")
        wanted: dict[str, list[Party]] = defaultdict(list)
        for party, feed in readers(directory):
            wanted[feed].append(party)
        known.keep({(feed, party.code) for feed, parties in wanted.items() for party in parties})
        below = directory.peers("below")  # who stands elsewhere now has no `up` for this node any more
        above = [party.code for party in wanted[UP]]  # also where there are none: then nobody holds anything
        async with asyncio.TaskGroup() as looked:
            looked.create_task(self._look_at_senders(client, below, readers=above))
            for feed, parties in wanted.items():
                looked.create_task(self._look_at(client, feed, parties))
        await self._tell_lost()
        await self._tell_kept()

    async def _known(self) -> Compared:
        """What this process has heard: nothing, where the database may have been put back under it."""
        async with self._equipment.pool.session() as session:
            if await is_another(self._equipment, session):
                self._equipment.memory[Compared] = Compared()
            known = compared(self._equipment)
            known.database = await catching_up.database(session)
        return known

    async def _tell_lost(self) -> None:
        """Say in readiness how much came back that is not here again, and was set aside and is not said again."""
        async with self._equipment.pool.session() as session:
            counts, left = await lost.counts(session), await set_aside.left(session)
        for place in [place for place in self._equipment.stopped if place.startswith(_SET_ASIDE)]:
            del self._equipment.stopped[place]
        for feed, some in left.items():
            why = "entries are said again when the feed is whole: creditmesh-node restore"
            self._equipment.stopped[f"{_SET_ASIDE}{feed}"] = f"{some} {why}"
        for feed in (UP, DOWN):
            if count := counts.get(feed):
                self._equipment.stopped[f"restored {feed}"] = f"{count} entries: creditmesh-node restore lists them"
            else:
                self._equipment.stopped.pop(f"restored {feed}", None)

    async def _look_at_senders(
        self, client: httpx.AsyncClient, below: Sequence[Party], *, readers: Sequence[str]
    ) -> None:
        """Ask who was not heard yet, and say of whom this node shows nothing."""
        codes, known, own = [party.code for party in below], compared(self._equipment), self._equipment.node.code
        async with self._equipment.pool.session() as session:
            await note_gone_by(self._equipment, session, UP)
            found = await catching_up.lagging(session, UP, node=own, below=codes, readers=readers)
        self._tell_lagging(codes, found)
        marked = {peer for peer, lag in found.items() if lag.had is None}
        known.senders &= set(codes) - marked
        async with asyncio.TaskGroup() as asked:
            for party in below:
                if party.url is not None and party.code not in known.senders:
                    asked.create_task(self._hear(client, party, known.senders, marked=party.code in marked))

    async def _hear(self, client: httpx.AsyncClient, party: Party, heard: set[str], *, marked: bool) -> None:
        """Ask how far this node had answered for the node's `up`; who does not answer in time is asked again."""
        try:
            async with asyncio.timeout(SECONDS_TO_ANSWER):
                peer = self._peer(client, party)
                feed = await peer.standing(UP)
        except (NotNow, TimeoutError):
            return
        context = Context(self._equipment)
        try:
            await hear(context, party.code, feed, marked=marked, size=peer.signed_size(feed))
            await context.commit()
        finally:
            await context.rollback()
        heard.add(party.code)

    def _tell_lagging(self, below: Sequence[str], found: Mapping[str, Lag]) -> None:
        """Say of whose records this node shows nothing. It is ready: its peers reach it as its callers do."""
        stopped = self._equipment.stopped
        for place in [place for place in stopped if place.startswith(_CATCH_UP)]:
            del stopped[place]
        for peer in self._below - set(below):
            FEED_LAGGING.remove(peer)
        self._below = set(below)
        if (own := self._equipment.node.code) in found:
            stopped[f"{_CATCH_UP}{own}/{UP}"] = (
                "no records are shown until every node that reads it was heard, and what these hold of it is made "
                "again: creditmesh-node restore; if one is gone for good: creditmesh-node peers remove"
            )
        for peer in below:
            lag = found.get(peer)
            FEED_LAGGING.labels(peer).set(0 if lag is None else lag.missing)
            if lag is not None:
                stopped[f"{_CATCH_UP}{peer}/{UP}"] = (
                    f"{lag.has}/{'not heard' if lag.had is None else lag.had}: until then no peer's records are "
                    f"shown; if it is gone for good: creditmesh-node peers remove {peer}"
                )

    async def _tell_kept(self) -> None:
        """Say how much of `up` is not looked through yet for what is to be forgotten, and for whom it is kept."""
        context, place = Context(self._equipment), f"forgetting {UP}"
        try:
            session = await context.session()
            size, until = (await feeds.head(session, UP)).size, await forgetting.looked_through(session, UP)
            FEED_UNFORGOTTEN.labels(UP).set(size - until)
            above = context.followed(Directory).enrolled("above")
            kept = await kept_for(context, [each.code for each in above if not each.active])
        finally:
            await context.rollback()
        self._equipment.stopped.pop(place, None)
        if kept:
            who = ", ".join(sorted(kept))
            self._equipment.stopped[place] = (
                f"{who}: what was replaced from entry {until} on is kept for it, until it takes part again and answers"
            )

    async def _look_at(self, client: httpx.AsyncClient, feed: str, parties: Sequence[Party]) -> None:
        known = compared(self._equipment)
        asked = [self._ask(client, party, feed) for party in parties if (feed, party.code) not in known.held]
        heard = dict(answer for answer in await together(asked) if answer is not None)
        heard |= known.unfit(feed)
        if compared(self._equipment) is not known:
            return  # the database went back meanwhile: all are asked anew
        if heard:
            async with self._judging, self._equipment.pool.session() as session:
                await judge(self._equipment, session, heard)
        if feed == UP:
            await self._look_at_own(parties)
        if known.release(feed, [party.code for party in parties]):
            self._equipment.notifications.notice(COMPARED)
        FEED_BEHIND.labels(feed).set(bool(known.behind(feed)))

    async def _look_at_own(self, parties: Sequence[Party]) -> None:
        """Show nothing while a reader of `up` holds what is not here, or not made again: it may have ended a record."""
        known, node = compared(self._equipment), self._equipment.node.code
        async with self._equipment.pool.session() as session:
            if await is_another(self._equipment, session):
                return
            if behind := known.behind(UP):
                holder = max(behind, key=lambda peer: (behind[peer], peer))
                await catching_up.hear_own(session, node, had=behind[holder], holder=holder)
            elif all((UP, party.code) in known.held for party in parties):
                await catching_up.nothing_held(session, node)

    async def _ask(self, client: httpx.AsyncClient, party: Party, feed: str) -> tuple[Reader, Checkpoint | None] | None:
        """What a reader holds; None where it does not answer in time, and is asked again."""
        place = (feed, party.code)
        if party.url is None:
            return place, None  # it cannot say, like one of an older version
        try:
            async with asyncio.timeout(SECONDS_TO_ANSWER):
                answer = await self._peer(client, party).held(feed)
        except (NotNow, TimeoutError):
            return None
        return place, signed_here(self._equipment, party.code, feed, answer)

    def _peer(self, client: httpx.AsyncClient, party: Party) -> Peer:
        equipment = self._equipment
        return Peer(party=party, node=equipment.node.code, keys=equipment.keys, clock=equipment.clock, client=client)
