"""A consumer: a unit that leases parts of streams and applies what comes, position and effects in one transaction.

One for each service of a process that handles events. A position that somebody else has moved, a lost lease or a
failed session ends it; it drops what it remembers, and the host starts it anew.
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

import structlog

from creditmesh.chassis.bus import dead_letters
from creditmesh.chassis.bus.applying import Applier, ContextFor, Handle
from creditmesh.chassis.bus.event import Delivered, Ordered, part_of
from creditmesh.chassis.bus.faults import FAILURES, PATIENCE, Fault, fault_of, uncertain_on_failure
from creditmesh.chassis.bus.gaps import SECONDS_TO_LOOK_AGAIN, Progress, Slice, share_of
from creditmesh.chassis.bus.leases import Leases
from creditmesh.chassis.bus.mailboxes import Bus, Mailbox
from creditmesh.chassis.bus.metrics import ALARMS, DEAD_LETTERS, LAG, REPEATS
from creditmesh.chassis.bus.position import ClaimedPosition, Place, forgive, mark, move, read_positions, register
from creditmesh.chassis.bus.stream import heads, read_stream, report
from creditmesh.chassis.database.connecting import connect
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Alarm, Uncertain
from creditmesh.schemas.events import Event

BATCH = 500
"""The weight of what one transaction applies, about."""
SECONDS_TO_REBALANCE = 1.0
SECONDS_TO_SETTLE = 1.0
"""How often positions that only passed events nobody handles are stored and reported, and letters looked for."""
SECONDS_TO_REPORT_ALL = 60.0
CAREFUL_FROM = 2
"""After so many owners died where one stands, the next marks and tries each event alone."""
GIVEN_UP_AT = 3
"""After one died at such an event, the next does not try it."""

_log = structlog.get_logger(__name__)


class Consumer:
    """One reader in one process. `run` may be called again after it ended."""

    def __init__(
        self,
        *,
        reader: str,
        streams: Mapping[str, Mapping[type[Event], Handle]],
        pool: Pool,
        lock_class: int,
        parts: int,
        bus: Bus,
        context_for: ContextFor,
        lease: float = 15.0,
        batch: int = BATCH,
    ) -> None:
        """`reader` is the service: its schema holds the positions. `lock_class` belongs to its leases alone."""
        self.reader = reader
        self.handlers = {
            stream: {event.type: handle for event, handle in handles.items()} for stream, handles in streams.items()
        }
        self.pool = pool
        self.lock_class, self.lease = lock_class, lease
        self.parts = parts
        self.bus = bus
        self.context_for = context_for
        self.batch = batch
        self.marked: dict[Place, int] = {}
        """What this process has marked, so that it does not take its own marks for those of an owner that died."""
        self._consuming: _Consuming | None = None

    @property
    def streams(self) -> Collection[str]:
        """The streams it reads."""
        return self.handlers.keys()

    @property
    def alarms(self) -> Mapping[Place, Alarm]:
        """What stands still, or waits for the installation, among the parts held here."""
        held = {} if self._consuming is None else self._consuming.held
        return {place: progress.alarm for place, progress in held.items() if progress.alarm is not None}

    @property
    def dead_letters(self) -> int:
        """How many dead letters stood in the parts held here when they were last counted."""
        return 0 if self._consuming is None else self._consuming.dead_letters.total()

    async def run(self) -> None:
        """Own a fair share of the parts and apply what comes, until something is uncertain."""
        with uncertain_on_failure(f"consumer {self.reader}"):
            async with AsyncExitStack() as stack:
                leases = Leases(self.pool.address, lock_class=self.lock_class, parts=self.parts, lease=self.lease)
                stack.push_async_callback(leases.close)
                await leases.open()
                ping = asyncio.create_task(leases.ping())
                stack.callback(ping.cancel)
                work = await self._work()
                stack.callback(work.end)
                await leases.assert_same_server(work)
                mailbox = self.bus.mailbox(self.streams)
                stack.callback(mailbox.close)
                await self._register(work)
                consuming = self._consuming = _Consuming(self, work=work, leases=leases, mailbox=mailbox)
                stack.push_async_callback(self._leave, consuming)
                while True:
                    await consuming.step()

    def lag(self) -> int:
        """How many events the parts held here are behind the heads that were last seen."""
        return 0 if self._consuming is None else sum(p.head - p.position.number for p in self._consuming.held.values())

    async def behind(self) -> int:
        """How many events this reader, in whatever process, is behind the heads as they are now."""
        return sum(max(head - at, 0) for head, at in (await self._heads_and_positions()).values())

    async def caught_up(self, seconds: float = 30.0) -> None:
        """Wait until this reader has passed the heads as they are now. TimeoutError if it does not come that far."""
        targets = {place: head for place, (head, _) in (await self._heads_and_positions()).items()}
        async with asyncio.timeout(seconds):
            while not _passed(targets, await self._heads_and_positions()):  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0.01)

    async def _work(self) -> Session:
        # A process that sleeps inside its transaction holds the rows of its positions no longer than its lease.
        asleep = {"idle_in_transaction_session_timeout": f"{int(min(self.lease, 10.0) * 1000)}ms"}
        return Session(
            await connect(
                self.pool.address,
                application_name=f"consumer {self.reader}",
                settings=asleep,
                seconds_to_answer=self.pool.seconds_to_answer,
            )
        )

    async def _register(self, work: Session) -> None:
        await register(work, self.reader, streams=self.streams, parts=self.parts)
        numbers: dict[str, dict[int, int]] = {stream: {} for stream in self.streams}
        for each in await read_positions(work, self.reader, streams=self.streams):
            numbers[each.position.stream][each.position.part] = each.position.number
        for stream, of_parts in numbers.items():
            await report(work, reader=self.reader, stream=stream, numbers=of_parts)

    async def _leave(self, consuming: "_Consuming") -> None:
        """Best effort: this process lives, so no event it met has killed it."""
        self._consuming = None
        for stream in self.streams:
            ALARMS.labels(self.reader, stream).set(0)
            LAG.labels(self.reader, stream).set(0)
            DEAD_LETTERS.labels(self.reader, stream).set(0)
        unmoved = [place for place, p in consuming.held.items() if self.marked.get(place) == p.stored.number]
        with suppress(*FAILURES):
            async with asyncio.timeout(2), self.pool.session() as session:
                if unmoved:
                    await forgive(session, self.reader, unmoved)

    async def _heads_and_positions(self) -> dict[Place, tuple[int, int]]:
        async with self.pool.session() as session:
            claimed = await read_positions(session, self.reader, streams=self.streams)
            at = {each.position.place: each.position.number for each in claimed}
            return {
                (stream, part): (head.number, at.get((stream, part), 0))
                for stream in self.streams
                for part, head in (await heads(session, stream)).items()
            }


def _passed(targets: Mapping[Place, int], now: Mapping[Place, tuple[int, int]]) -> bool:
    return all(now[place][1] >= target for place, target in targets.items())


class _Consuming:
    """One run of a consumer: the parts it holds, and the loop that applies them."""

    def __init__(self, of: Consumer, *, work: Session, leases: Leases, mailbox: Mailbox) -> None:
        self.held: dict[Place, Progress] = {}
        self.dead_letters: Counter[str] = Counter()
        """How many stand in the parts held here, by stream."""
        self._of = of
        self._reader = of.reader
        self._streams = of.handlers.keys()
        self._work = work
        self._leases = leases
        self._mailbox = mailbox
        self._applier = Applier(
            work,
            reader=of.reader,
            handlers=of.handlers,
            context_for=of.context_for,
            check=leases.check,
        )
        self._reported: dict[Place, int] = {}
        self._rebalance_at = self._poll_at = self._settle_at = self._report_all_at = 0.0
        self._pending = False

    async def step(self) -> None:
        """Rebalance if it is time, take in what came, and apply what may be applied."""
        if time.monotonic() >= self._rebalance_at:
            await self._rebalance()
        came = await self._mailbox.take(self._pause())
        for event in came.events:
            self._arrive(event)
        announced: Collection[str] = came.announced
        if time.monotonic() >= self._poll_at:
            self._poll_at = time.monotonic() + self._of.bus.seconds_to_poll
            announced = self._streams
        await self._announce(announced)
        self._pending = True
        while time.monotonic() < self._rebalance_at:
            if not await self._advance():
                self._pending = False
                break
        if time.monotonic() >= self._settle_at:
            await self._settle()

    def _pause(self) -> float:
        if self._pending:
            return 0.0
        now = time.monotonic()
        rested = [p.rests_until for p in self.held.values() if p.due and p.rests(now)]
        return max(min(self._rebalance_at, self._poll_at, *rested) - now, 0.0)

    async def _rebalance(self) -> None:
        self._rebalance_at = time.monotonic() + SECONDS_TO_REBALANCE
        change = await self._leases.rebalance()
        if not (change.gained or change.lost):
            return
        for place in [place for place in self.held if place[1] in change.lost]:
            del self.held[place]
        if change.gained:
            await self._claim(change.gained)
        self._mailbox.hold(self.held)
        self._poll_at = 0.0  # what came between the look at the heads and this was brought to nobody
        self._measure()

    async def _claim(self, parts: Collection[int]) -> None:
        found = await read_positions(self._work, self._reader, streams=self._streams, parts=parts)
        for each in found:
            self.held[each.position.place] = Progress(each.position, each.position)
        await self._applier.learn_parked()
        await self._announce(self._streams)
        marked = []
        for each in found:
            progress = self.held[each.position.place]
            number = progress.stored.number
            if progress.due:
                progress.deaths = 0 if self._of.marked.get(progress.place) == number else each.tries
                self._of.marked[progress.place] = number
                if progress.deaths < CAREFUL_FROM:
                    marked.append(ClaimedPosition(progress.stored, progress.deaths))
                else:
                    progress.careful_until = number + self._of.batch
        await mark(self._work, self._reader, marked)

    def _arrive(self, event: Ordered) -> None:
        progress = self.held.get((event.stream, event.part))
        if progress is not None and not progress.arrive(event):
            REPEATS.labels(self._reader, event.stream).inc()

    async def _announce(self, streams: Collection[str]) -> None:
        """Look at the heads of these streams."""
        for stream in streams:
            found = await heads(self._work, stream)
            for (of, part), progress in self.held.items():
                if of == stream and progress.alarm is None:
                    try:
                        progress.announce(found[part], time.monotonic())
                    except Alarm as alarm:
                        self._park(alarm)
        if streams:
            self._measure()

    async def _settle(self) -> None:
        """Store positions that only passed what nobody handles, report them, and do what operators asked."""
        now = time.monotonic()
        self._settle_at = now + SECONDS_TO_SETTLE
        moved = [progress for progress in self.held.values() if progress.stored.number != progress.position.number]
        await move(self._work, self._reader, [(progress.stored, progress.position) for progress in moved])
        for progress in moved:
            progress.stored, progress.deaths = progress.position, 0
        await self._report(now)
        if self._applier.parked:
            for place, key in await dead_letters.asked(self._work, self._reader, self._streams):
                more = True
                while more and place in self.held and time.monotonic() - now < SECONDS_TO_REBALANCE:
                    more = await self._release(place, key)  # what is left is for the next look: others wait too
        self._count_letters()

    def _count_letters(self) -> None:
        parts = self._of.parts  # a key that is parked has one letter
        parked = self._applier.parked
        self.dead_letters = Counter(stream for stream, key in parked if (stream, part_of(key, parts)) in self.held)
        for stream in self._streams:
            DEAD_LETTERS.labels(self._reader, stream).set(self.dead_letters[stream])

    async def _report(self, now: float) -> None:
        everything = now >= self._report_all_at
        if everything:
            self._report_all_at = now + SECONDS_TO_REPORT_ALL
        news: dict[str, dict[int, int]] = defaultdict(dict)
        for (stream, part), progress in self.held.items():
            number = progress.stored.number
            if everything or self._reported.get((stream, part)) != number:
                news[stream][part] = self._reported[stream, part] = number
        for stream, numbers in news.items():
            await report(self._work, reader=self._reader, stream=stream, numbers=numbers)

    async def _release(self, place: Place, key: str) -> bool:
        """Apply a batch of a parked key's events, all at once if they pass; else as far as they go.

        True if there may be more: it begins with a letter that is asked for.
        """
        kept = await dead_letters.of_key(self._work, self._reader, place[0], key, limit=self._of.batch)
        numbers = [each.event.number for each in kept]
        events = [event for each in kept for event in self._wanted(each)]
        if len(kept) == 1 or await self._applier.try_alone(events, partial(self._take_out, place, key, numbers)):
            for each in kept:
                if not await self._release_alone(place, key, each):
                    return False
        _log.info("dead letter released", reader=self._reader, stream=place[0], part=place[1], events=len(events))
        return len(kept) == self._of.batch

    async def _release_alone(self, place: Place, key: str, parked: dead_letters.ParkedEvent) -> bool:
        number = parked.event.number
        error = await self._applier.try_alone(self._wanted(parked), partial(self._take_out, place, key, [number]))
        if error is None:
            return True
        said = dead_letters.described(error)
        _log.warning("dead letter not released", reader=self._reader, stream=place[0], part=place[1], reason=said)
        if fault_of(error, PATIENCE) is Fault.PERMANENT:
            await dead_letters.refuse_again(self._work, self._reader, place, number, said)
        return False  # else it says nothing of the event: what was asked stands, and is done at the next look

    def _wanted(self, parked: dead_letters.ParkedEvent) -> list[Delivered]:
        """The event, unless an operator drops it or nobody handles its type any more: those are passed, as anywhere."""
        event = parked.event
        return [event] if parked.asked != "drop" and event.type in self._of.handlers[event.stream] else []

    async def _take_out(self, place: Place, key: str, numbers: Sequence[int]) -> None:
        stored = self.held[place].stored
        await move(self._work, self._reader, [(stored, stored)])  # Uncertain if the part is another's by now
        await dead_letters.remove(self._work, self._reader, place, key, numbers)

    async def _advance(self) -> bool:
        slices = await self._gather()
        if not slices:
            return False
        progress = slices[0].progress
        alone = progress.careful and slices[0].end.type in self._of.handlers[slices[0].end.stream]
        try:
            if progress.deaths >= GIVEN_UP_AT and alone:
                await self._applier.refuse(slices[0], f"{progress.deaths} processes ended at this event")
            else:
                if progress.careful:
                    self._of.marked[progress.place] = progress.stored.number
                    await mark(self._work, self._reader, [ClaimedPosition(progress.stored, CAREFUL_FROM)])
                await self._applier.apply(slices)
        except Alarm as alarm:
            await self._work.rollback()
            if (alarm.stream, alarm.part) not in self.held:
                raise Uncertain("a handler alarms about a part that is not held") from alarm
            self._park(alarm)
        self._measure()
        return True

    async def _gather(self) -> list[Slice]:
        """What comes next, at most a batch of it: from what arrived, else from the streams."""
        now = time.monotonic()
        ready = [progress for progress in self.held.values() if progress.due and not progress.rests(now)]
        careful = [progress for progress in ready if progress.careful]
        if careful:
            return await self._gather_from(careful[:1], 1)
        random.shuffle(ready)
        return await self._gather_from(ready, self._of.batch)

    async def _gather_from(self, ready: Sequence[Progress], budget: int) -> list[Slice]:
        slices = []
        behind = []
        for progress in ready:
            found = self._next_arrived(progress, budget) if progress.arrived else None
            if found is not None and found.events:
                slices.append(found)
                budget -= found.weight
            elif self._must_refill(progress):
                behind.append(progress)
        if behind and budget > 0:
            slices += await self._refill(behind, budget)
        return slices

    def _next_arrived(self, progress: Progress, budget: int) -> Slice | None:
        try:
            return progress.next_arrived(budget, self._of.handlers[progress.position.stream].keys())
        except Alarm as alarm:
            self._park(alarm)
            return None

    def _must_refill(self, progress: Progress) -> bool:
        now, since = time.monotonic(), progress.behind_since
        overdue = self._mailbox.overdue(progress.position, 0.0 if since is None else now - since)
        return not progress.rests(now) and (progress.gap or overdue)

    async def _refill(self, behind: Sequence[Progress], budget: int) -> list[Slice]:
        n = share_of([progress.head - progress.position.number for progress in behind], budget)
        slices = []
        for stream in {progress.position.stream for progress in behind}:
            of_stream = {progress.position.part: progress for progress in behind if progress.position.stream == stream}
            after = {part: progress.position.number for part, progress in of_stream.items()}
            types = self._of.handlers[stream].keys()
            found: dict[int, list[Ordered]] = defaultdict(list)
            for event in await read_stream(self._work, stream, after=after, n=n, types=types):
                found[event.part].append(event)
            for part, progress in of_stream.items():
                try:
                    read = progress.refilled(found[part], types, most=n)
                except Alarm as alarm:
                    self._park(alarm)
                    continue
                if read.events:
                    slices.append(read)
                else:
                    progress.rest(time.monotonic() + SECONDS_TO_LOOK_AGAIN)
        return slices

    def _park(self, alarm: Alarm) -> None:
        progress = self.held.get((alarm.stream, alarm.part))
        if progress is not None:
            progress.park(alarm)
        _log.error("part parked", reader=self._reader, stream=alarm.stream, part=alarm.part, reason=alarm.reason)
        self._measure()

    def _measure(self) -> None:
        for stream in self._streams:
            of_stream = [progress for (of, _), progress in self.held.items() if of == stream]
            LAG.labels(self._reader, stream).set(sum(p.head - p.position.number for p in of_stream))
            ALARMS.labels(self._reader, stream).set(sum(p.alarm is not None for p in of_stream))
