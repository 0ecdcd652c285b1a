"""Consuming: one run of a consumer, from the parts that it leases to the loop that applies what comes."""

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import structlog

from creditmesh.chassis.bus import dead_letters
from creditmesh.chassis.bus.consuming.applying import Applier, ContextFor, Handle
from creditmesh.chassis.bus.consuming.gathering import Gatherer
from creditmesh.chassis.bus.consuming.releasing import Releaser
from creditmesh.chassis.bus.event import Ordered, part_of
from creditmesh.chassis.bus.gaps import Progress
from creditmesh.chassis.bus.leases import Leases
from creditmesh.chassis.bus.mailboxes import Mailbox
from creditmesh.chassis.bus.metrics import ALARMS, DEAD_LETTERS, LAG, REPEATS
from creditmesh.chassis.bus.position import ClaimedPosition, Place, mark, move, read_positions
from creditmesh.chassis.bus.stream import heads, report
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Alarm, Uncertain

SECONDS_TO_REBALANCE = 1.0
SECONDS_TO_SETTLE = 1.0
"""How often positions that only passed events nobody handles are stored and reported, and letters looked for."""
SECONDS_TO_REPORT_ALL = 60.0
CAREFUL_FROM = 2
"""After so many owners died where one stands, the next marks and tries each event alone."""
GIVEN_UP_AT = 3
"""After one died at such an event, the next does not try it."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderFacts:
    """A reader in this process, whichever run of its consumer is at work."""

    name: str
    handlers: Mapping[str, Mapping[str, Handle]]
    """By stream and type of event."""
    projects: Collection[str]
    """Types of events that are only projected."""
    context_for: ContextFor
    parts: int
    batch: int
    seconds_to_poll: float
    marked: dict[Place, int] = field(default_factory=dict)
    """What this process has marked, so that it does not take its own marks for those of an owner that died."""


class Consuming:
    """One run of a consumer: the parts it holds, and the loop that applies them."""

    def __init__(self, of: ReaderFacts, *, work: Session, leases: Leases, mailbox: Mailbox) -> None:
        self.held: dict[Place, Progress] = {}
        self.dead_letters: Counter[str] = Counter()
        """How many stand in the parts held here, by stream."""
        self._of = of
        self._reader = of.name
        self._streams = of.handlers.keys()
        self._work = work
        self._leases = leases
        self._mailbox = mailbox
        self._applier = Applier(
            work,
            reader=of.name,
            handlers=of.handlers,
            projects=of.projects,
            context_for=of.context_for,
            check=leases.check,
        )
        self._gatherer = Gatherer(
            work, handlers=of.handlers, held=self.held, mailbox=mailbox, batch=of.batch, park=self._park
        )
        self._releaser = Releaser(
            work, reader=of.name, handlers=of.handlers, applier=self._applier, held=self.held, batch=of.batch
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
            self._poll_at = time.monotonic() + self._of.seconds_to_poll
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

    async def _settle(self) -> None:
        """Store positions that only passed what nobody handles, report them, and do what operators asked."""
        now = time.monotonic()
        self._settle_at = now + SECONDS_TO_SETTLE
        self._measure()
        moved = [progress for progress in self.held.values() if progress.stored.number != progress.position.number]
        await move(self._work, self._reader, [(progress.stored, progress.position) for progress in moved])
        for progress in moved:
            progress.stored, progress.deaths = progress.position, 0
        await self._report(now)
        if self._applier.parked:
            for place, key in await dead_letters.asked(self._work, self._reader, self._streams):
                more = True
                while more and place in self.held and time.monotonic() - now < SECONDS_TO_REBALANCE:
                    more = await self._releaser.release(
                        place, key
                    )  # what is left is for the next look: others wait too
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

    async def _advance(self) -> bool:
        slices = await self._gatherer.gather()
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
        return True

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
