"""Following one feed of one peer, and sending a peer what was signed about it: two loops that may end at any moment."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace

import structlog

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.context import Context, Equipment
from creditmesh.exchange.operations import answering, receiving
from creditmesh.exchange.peer import NotNow, Peer, PulledPage
from creditmesh.exchange.store import catching_up, copies
from creditmesh.exchange.store.copies import FeedCopy
from creditmesh.schemas.pages import BadPage, VerifiedPage

SECONDS_STOPPED = 5.0
"""How often a stopped copy is looked at, whether an operator has let it go on."""
SECONDS_TO_LOOK = 5.0
"""How often acknowledgements are looked for when nothing tells of one."""
SECONDS_TO_COME = 0.2
"""How often it is looked whether this node's readers have come to where the next one was signed."""
MOST_ASKED = 50
"""So many times in a row; a reader that is away for longer need not be asked for so often."""
LONGEST = 3.0
"""Seconds between two tries of a peer that does not answer."""
_AT_ONCE = 100

_log = structlog.get_logger(__name__)


class Backoff:
    """Waits longer each time a peer is not there, and says so once: a peer may be away for days."""

    def __init__(self, feed: str) -> None:
        self._feed = feed
        self._times = 0

    async def after(self, peer: str, error: NotNow) -> None:
        """Wait before the next try."""
        if self._times == 0:
            _log.warning("peer is not there", peer=peer, feed=self._feed, reason=str(error))
        self._times += 1
        await asyncio.sleep(min(0.1 * 2 ** min(self._times, 10), LONGEST) * random.uniform(0.5, 1.0))  # noqa: S311

    def done(self, peer: str) -> None:
        """It was there."""
        if self._times:
            _log.info("peer is there again", peer=peer, feed=self._feed)
        self._times = 0


class Pulling:
    """One feed of one peer."""

    def __init__(self, equipment: Equipment, peer: Callable[[], Peer], feed: str) -> None:
        """`peer` gives the peer as the catalogue has it now: its keys and its address may change."""
        self._equipment = equipment
        self._peer = peer
        self._feed = feed
        self._patience = Backoff(feed)
        self._announced = False
        """Whether the sender has said, since this loop began, how far its feed goes."""
        self._at: FeedCopy | None = None
        """Where this loop itself has brought the copy: who finds it elsewhere is uncertain, so it is not read again."""

    async def run(self) -> None:
        """Follow the feed until something fails; begin again from the stored head."""
        self._at, self._announced = None, False
        with uncertain_on_failure(f"pull of {self._feed}"):
            while True:
                await self._step()

    async def _step(self) -> None:
        peer = self._peer()
        before, self._at = self._at or await self._standing(peer.party.code), None
        if before.alarm is not None:
            await asyncio.sleep(SECONDS_STOPPED)
            return
        try:
            if not self._announced:
                before = await self._announce(peer, before)
            pulled = await peer.pull(self._feed, after=before.range.size)
            self._patience.done(peer.party.code)
            if pulled is None:
                self._at = before
                return
            await self._receive(before, pulled, peer.verify(self._feed, before.range, pulled))
        except NotNow as error:
            await self._patience.after(peer.party.code, error)
        except BadPage as bad:
            await self._stop(peer.party.code, bad)

    async def _receive(self, before: FeedCopy, pulled: PulledPage, page: VerifiedPage) -> None:
        context = Context(self._equipment)
        try:
            await receiving.receive(context, before, pulled.entries, page, note=pulled.note)
            await context.commit()
        finally:
            await context.rollback()
        self._at = replace(before, range=page.after, note=pulled.note)

    async def _announce(self, peer: Peer, before: FeedCopy) -> FeedCopy:
        """Hear how far the feed goes: at first, and where this node has lost part of what it had answered for."""
        feed = await peer.standing(self._feed)
        if before.announced is None or feed.acknowledged > before.range.size:
            async with self._equipment.pool.session() as session:
                await catching_up.announce(session, peer.party.code, self._feed, feed.size)
            before = replace(before, announced=max(before.announced or 0, feed.size))
        self._announced = True
        return before

    async def _standing(self, peer: str) -> FeedCopy:
        async with self._equipment.pool.session() as session:
            return await copies.copy_of(session, peer, self._feed)

    async def _stop(self, peer: str, bad: BadPage) -> None:
        _log.error("feed stopped", peer=peer, feed=self._feed, reason=bad.reason, index=bad.index)
        async with self._equipment.pool.session() as session:
            await copies.stop(session, peer, self._feed, alarm=str(bad), at=self._equipment.clock.instant())


class Sending:
    """The acknowledgements of one peer's `up` feed.

    Each leaves when every reader of this node has passed what it is about: whoever has it may rely on it that no query
    here shows what was ended, and no measure stands because of it.
    """

    def __init__(self, equipment: Equipment, peer: Callable[[], Peer], feed: str) -> None:
        self._equipment = equipment
        self._peer = peer
        self._feed = feed
        self._patience = Backoff(feed)
        self._asked = 0

    async def run(self) -> None:
        """Send what is signed, in order, until something fails."""
        wake = self._equipment.notifications.wake([answering.word(self._peer().party.code)])
        try:
            with uncertain_on_failure(f"acknowledgements of {self._feed}"):
                while True:
                    try:
                        waiting = await self._send()
                        self._patience.done(self._peer().party.code)
                    except NotNow as error:
                        await self._patience.after(self._peer().party.code, error)
                    else:
                        await wake.wait(waiting)
        finally:
            self._equipment.notifications.forget(wake)

    async def _send(self) -> float:
        """Send what may leave, in order; the seconds until it should be looked again."""
        peer = self._peer()
        code = peer.party.code
        async with self._equipment.pool.session() as session:
            waiting = await answering.unsent(session, code, self._feed, limit=_AT_ONCE)
        for each in waiting.ready:
            await peer.acknowledge(self._feed, each.data)
            async with self._equipment.pool.session() as session:
                await copies.sent(session, code, self._feed, first=each.first, at=self._equipment.clock.instant())
        if waiting.ready or not waiting.soon:
            self._asked = 0
        if waiting.soon and self._asked < MOST_ASKED:
            self._asked += 1
            return SECONDS_TO_COME
        return 0.0 if len(waiting.ready) == _AT_ONCE else SECONDS_TO_LOOK
