"""Following one feed of one peer, and sending a peer what was signed about it: two loops that may end at any moment."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar, cast

import structlog

from creditmesh.chassis.bus.dead_letters import described
from creditmesh.chassis.bus.faults import PATIENCE, Fault, fault_of, uncertain_on_failure
from creditmesh.chassis.context import Context, has_followed
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.errors import Uncertain
from creditmesh.chassis.metrics import FEED_REFUSED, FEED_STOPPED, FEED_WAITING
from creditmesh.exchange.backoff import Backoff, tell
from creditmesh.exchange.operations import answering, proving, receiving, telling
from creditmesh.exchange.operations.answering import Waiting
from creditmesh.exchange.peer import LIMIT, NotNow, PageTooLarge, PageTooSlow, Peer, PulledPage
from creditmesh.exchange.store import catching_up, copies
from creditmesh.exchange.store.copies import FeedCopy, Unsent
from creditmesh.schemas.acknowledgements import EntryRange, behind
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import UP
from creditmesh.schemas.pages import BadPage, VerifiedPage
from creditmesh.schemas.received import waiting_line

SECONDS_STOPPED = 5.0
"""How often a stopped copy is looked at, whether an operator has let it go on."""
SECONDS_EMPTY = 1.0
"""A peer that says at once that there is nothing is asked no sooner than this: it may be shutting down."""
SECONDS_TO_ASK = 60.0
"""How often a peer is asked what it lacks when there is nothing new: it may have been restored."""
SECONDS_TO_LOOK = 5.0
"""How often acknowledgements are looked for when nothing tells of one."""
SECONDS_TO_COME = 0.2
"""How often it is looked whether this node's readers have come to where the next one was signed."""
MOST_BEHIND = LIMIT
"""A copy that is so many entries behind after an outage holds back again: what had ended would show meanwhile."""
MOST_ASKED = 50
"""So many times in a row; a reader that is away for longer need not be asked for so often."""
_AT_ONCE = 100
T = TypeVar("T")
_Asked = tuple[PulledPage, VerifiedPage, Collection[int]]

_log = structlog.get_logger(__name__)


class Pulling:
    """One feed of one peer."""

    def __init__(self, equipment: Equipment, peer: Callable[[], Peer], feed: str) -> None:
        """`peer` gives the peer as the catalogue has it now: its keys and its address may change."""
        self._equipment = equipment
        self._peer = peer
        self._feed = feed
        self._code = ""
        self._patience = Backoff(feed)
        self._limit = LIMIT
        self._refusals = 0
        """How often in a row this node itself could not take the page that comes next."""
        self._announced = False
        """Whether the sender has said how far its feed goes since this loop began, stood still or did not reach it."""
        self._told_again = False
        self._at: FeedCopy | None = None
        """Where this loop itself has brought the copy: who finds it elsewhere is uncertain, so it is not read again."""

    async def run(self) -> None:
        """Follow the feed until something fails; begin again from the stored head."""
        self._at, self._announced = None, False
        try:
            with uncertain_on_failure(f"pull of {self._feed}"):
                if not self._told_again:  # what it can read does not change while it runs
                    await self._tell_again()
                    self._told_again = True
                while True:
                    await self._step()
        finally:
            self._show(None)  # whoever pulls it next says so

    async def _step(self) -> None:
        peer = self._peer()
        self._code = peer.party.code
        before, self._at = self._at or await self._standing(self._code), None
        self._show(before)
        if before.alarm is not None:
            self._announced = False
            await asyncio.sleep(SECONDS_STOPPED)
            return
        try:
            if self._feed == UP and not self._announced:
                before = await self._announce(peer, before)
            if before.behind and not before.catches_up:
                await self._let_go()
                return
            found = await self._asked(peer, before)
            if found is None:
                self._at = before
                return
            await self._receive(before, *found)
        except NotNow as error:
            self._announced = False
            await self._patience.after(self._code, error)
        except BadPage as bad:
            await self._stop(str(bad))
        except Uncertain:
            raise
        except Exception as error:
            self._refusals += 1
            if fault_of(error, PATIENCE) is not Fault.PERMANENT or self._refusals < PATIENCE:
                raise
            await self._stop(f"not taken at index {before.range.size}: {described(error)}")

    async def _asked(self, peer: Peer, before: FeedCopy) -> _Asked | None:
        """The next page, and what of it is unproven; where either answer is too large or too slow, less the next time.

        One that is too large and cannot be less stops it.
        """
        began, unproven = asyncio.get_running_loop().time(), set[int]()
        try:
            pulled = await peer.pull(self._feed, after=before.range.size, limit=self._limit)
            page = None if pulled is None else peer.verify(self._feed, before.range, pulled)
            if pulled is not None and self._feed == UP:
                unproven = await self._unproven(peer, pulled)
        except (PageTooLarge, PageTooSlow) as error:
            if self._limit == 1 and isinstance(error, PageTooLarge):
                raise BadPage("too_large", before.range.size) from None
            self._limit = max(self._limit // 8, 1)
            raise
        self._limit = min(self._limit * 2, LIMIT)
        self._patience.done(peer.party.code)
        if pulled is None or page is None:
            if asyncio.get_running_loop().time() - began < SECONDS_EMPTY:
                await asyncio.sleep(SECONDS_EMPTY)
            return None
        return pulled, page, unproven

    async def _unproven(self, peer: Peer, pulled: PulledPage) -> set[int]:
        """What of the page others are not proven to have said, of which this node demands it."""
        entries = [entry for chunk in pulled.chunks for entry in chunk.page.received]
        directory = cast("Directory", self._equipment.followed)
        return await proving.unproven(directory, peer, self._feed, entries, limit=self._limit)

    async def _receive(
        self, before: FeedCopy, pulled: PulledPage, page: VerifiedPage, unproven: Collection[int]
    ) -> None:
        context = Context(self._equipment)
        try:
            after = await receiving.receive(context, before, pulled.chunks, page, note=pulled.note, unproven=unproven)
            await context.commit()
        finally:
            await context.rollback()
        self._refusals = 0
        self._at = None if after.waiting else after
        if after.behind and not after.catches_up:
            await self._let_go()

    async def _let_go(self) -> None:
        """Tell what was held back until the copy had caught up, some at a time, and then what waited."""
        self._at = None
        while await self._done(telling.let_go):
            pass
        await self._tell_again()

    async def _tell_again(self) -> None:
        first: int | None = 0
        while first is not None:
            first = await self._done(receiving.tell_again, first=first)

    async def _done(self, work: Callable[..., Awaitable[T]], **more: object) -> T:
        context = Context(self._equipment)
        try:
            done = await work(context, self._peer().party.code, self._feed, **more)
            await context.commit()
            return done
        finally:
            await context.rollback()

    async def _announce(self, peer: Peer, before: FeedCopy) -> FeedCopy:
        """Hear how far the feed goes: at first, where this node lost part of what it had answered for, or was away."""
        feed, stands = await peer.standing(self._feed), before.range.size
        self._announced = True
        is_near = before.announced is not None and max(feed.acknowledged, feed.size - MOST_BEHIND) <= stands
        # Where it stood then is far enough for who catches up, unless its sender does not go as far any more.
        if feed.size >= (before.announced or 0) if before.catches_up else is_near:
            return before
        async with self._equipment.pool.session() as session:
            await catching_up.announce(session, peer.party.code, self._feed, feed.size)
            return await copies.copy_of(session, peer.party.code, self._feed)

    async def _standing(self, peer: str) -> FeedCopy:
        async with self._equipment.pool.session() as session:
            return await copies.copy_of(session, peer, self._feed)

    async def _stop(self, why: str) -> None:
        _log.error("feed stopped", peer=self._code, feed=self._feed, reason=why)
        async with self._equipment.pool.session() as session:
            await copies.stop(session, self._code, self._feed, alarm=why, at=self._equipment.clock.instant())
            self._show(await copies.copy_of(session, self._code, self._feed))

    def _show(self, copy: FeedCopy | None) -> None:
        """Tell what stands still of the copy in readiness and metrics; None: it is followed here no more."""
        alarm, refusal = (None, None) if copy is None else (copy.alarm, self._patience.refusal)
        FEED_STOPPED.labels(self._code, self._feed).set(alarm is not None)
        FEED_REFUSED.labels(self._code, self._feed).set(refusal is not None)
        FEED_WAITING.labels(self._code, self._feed).set(0 if copy is None else copy.waiting)
        waits = waiting_line(copy.waiting, copy.unknown) if copy is not None and copy.waiting else None
        tell(self._equipment, f"{self._code}/{self._feed}", alarm or waits)
        tell(self._equipment, f"{self._code}/{self._feed} pages", refusal)


class Sending:
    """The acknowledgements of one feed of one peer.

    Each leaves when every reader of this node has passed what it is about: no query here shows what was ended then, and
    departments were asked to lift what they had applied. What the peer lacks is sent again; the last one asks for that.
    """

    def __init__(self, equipment: Equipment, peer: Callable[[], Peer], feed: str) -> None:
        self._equipment = equipment
        self._peer = peer
        self._feed = feed
        self._patience = Backoff(feed)
        self._looked, self._asks, self._asked = 0, True, 0.0
        self._code = ""
        self._lacks: tuple[EntryRange, ...] = ()
        """What the peer said last that it lacks: it is sent again, behind what is new."""

    async def run(self) -> None:
        """Sign and send what was judged until something fails."""
        self._asks, self._lacks = True, ()
        self._code = self._peer().party.code
        wake = self._equipment.notifications.wake([answering.word(self._code)])
        try:
            with uncertain_on_failure(f"acknowledgements of {self._feed}"):
                while True:
                    if not await self._may_sign():
                        await wake.wait(SECONDS_TO_COME)
                        continue
                    try:
                        waiting = await self._send()
                        self._patience.done(self._peer().party.code)
                        self._show(self._patience.refusal)
                    except NotNow as error:
                        self._asks = True
                        await self._patience.after(self._peer().party.code, error)
                        self._show(self._patience.refusal)
                    else:
                        await wake.wait(waiting)
        finally:
            self._show(None)  # whoever sends them next says so
            self._equipment.notifications.forget(wake)

    def _show(self, why: str | None) -> None:
        tell(self._equipment, f"{self._code}/{self._feed} acknowledgements", why)

    async def _may_sign(self) -> bool:
        """Whether this process knows who is above today: what is signed says so."""
        async with self._equipment.pool.session() as session:
            return await has_followed(session, self._equipment)

    async def _send(self) -> float:
        """Send what may leave, the oldest first, then some of what the peer lacks; the seconds until it looks again."""
        peer = self._peer()
        code, now = peer.party.code, asyncio.get_running_loop().time()
        if self._asks or now - self._asked > SECONDS_TO_ASK:
            self._asks, self._asked = True, now
        async with self._equipment.pool.session() as session:
            waiting = await answering.unsent(session, code, self._feed, limit=_AT_ONCE)
            last = await copies.newest_sent(session, code, self._feed) if self._asks else None
        lacks = () if last is None else await self._hand_over(peer, last)
        for each in waiting.ready:
            lacks = await self._hand_over(peer, each)
            async with self._equipment.pool.session() as session:
                await copies.sent(session, code, self._feed, number=each.number, at=self._equipment.clock.instant())
        async with self._equipment.pool.session() as session:
            again = await copies.sent_about(session, code, self._feed, self._lacks, limit=_AT_ONCE)
        for each in again:
            if each not in waiting.ready:
                lacks = await self._hand_over(peer, each)
        self._asks = False
        more = again[-1].until if len(again) == _AT_ONCE else None
        self._lacks = lacks if more is None else behind(self._lacks, more)
        return SECONDS_TO_LOOK if self._lacks else self._rest(waiting)  # however often a peer says so

    async def _hand_over(self, peer: Peer, made: Unsent) -> tuple[EntryRange, ...]:
        """Sign it and hand it over; what the peer lacks."""
        async with self._equipment.pool.session() as session:
            texts = await answering.signed(session, self._equipment, self._code, made)
        lacks: tuple[EntryRange, ...] = ()
        for text in texts:
            lacks = await peer.acknowledge(self._feed, text, until=made.until)
        return lacks

    def _rest(self, waiting: Waiting) -> float:
        if waiting.ready or not waiting.soon:
            self._looked = 0
        if waiting.soon and self._looked < MOST_ASKED:
            self._looked += 1
            return SECONDS_TO_COME
        return 0.0 if len(waiting.ready) == _AT_ONCE else SECONDS_TO_LOOK
