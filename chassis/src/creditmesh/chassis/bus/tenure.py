"""One run of an owner: all that it holds and remembers, and that doubt makes it forget."""

import random
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence

import structlog

from creditmesh.chassis.bus.effects import ContextFor, Effects, Handle
from creditmesh.chassis.bus.event import Ordered
from creditmesh.chassis.bus.metrics import ALARMS, APPLIED, LAG, REPEATS
from creditmesh.chassis.bus.ownership import Ownership
from creditmesh.chassis.bus.position import Claimed, Place, Position, forgive, mark, read_positions
from creditmesh.chassis.bus.protocol import Arrivals, Bus
from creditmesh.chassis.bus.reading import Reading, refilled, share_of
from creditmesh.chassis.bus.sequence import Run
from creditmesh.chassis.bus.stream import report
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Alarm, Doubt

SECONDS_TO_REBALANCE = 1.0
SECONDS_TO_REPORT = 1.0
SECONDS_TO_REPORT_ALL = 60.0
CAREFUL_FROM = 2
"""After so many owners died where one stands, the next marks and tries each event alone."""
GIVEN_UP_AT = 3
"""After one died at such an event, the next does not try it."""

_log = structlog.get_logger(__name__)


class Tenure:
    """The parts this process holds for one reader, and the loop that applies them."""

    def __init__(
        self,
        *,
        reader: str,
        handlers: Mapping[str, Mapping[str, Handle]],
        bus: Bus,
        arrivals: Arrivals,
        ownership: Ownership,
        work: Session,
        context_for: ContextFor,
        batch: int,
        marked: MutableMapping[Place, int],
        alarms: MutableMapping[Place, Alarm],
    ) -> None:
        """`marked` and `alarms` outlive it: what this process has marked, and what a person must look at."""
        self._reader = reader
        self._handlers = handlers
        self._bus = bus
        self._arrivals = arrivals
        self._ownership = ownership
        self._work = work
        self._batch = batch
        self._marked = marked
        self._alarms = alarms
        self._readings: dict[Place, Reading] = {}
        self._reported: dict[Place, int] = {}
        self._rebalance_at = self._poll_at = self._report_at = self._report_all_at = 0.0
        self._pending = False
        self._effects = Effects(
            reader=reader,
            handlers=handlers,
            context_for=context_for,
            hint=arrivals.hint,
            moved=self._moved,
            check=ownership.check,
        )

    async def serve(self) -> None:
        """Apply what comes, for ever."""
        self._alarms.clear()
        await self._effects.recall(self._work)
        while True:
            await self._step()

    def lag(self) -> int:
        """How many events the held parts are behind the heads that were last seen."""
        return sum(max(reading.head - reading.position.number, 0) for reading in self._readings.values())

    async def forgive(self, session: Session) -> None:
        """Take back the marks at which nothing has moved: this process did not die."""
        unmoved = [p for p, r in self._readings.items() if self._marked.get(p) == r.position.number]
        if unmoved:
            await forgive(session, self._reader, unmoved)

    async def _step(self) -> None:
        if time.monotonic() >= self._rebalance_at:
            await self._rebalance()
        taken = await self._arrivals.take(self._pause())
        for event in taken.events:
            self._arrive(event)
        announced: Collection[str] = taken.announced
        if time.monotonic() >= self._poll_at:
            self._poll_at = time.monotonic() + self._bus.seconds_to_poll
            announced = self._handlers.keys()
        if announced:
            await self._poll(announced)
        self._pending = True
        while time.monotonic() < self._rebalance_at:
            if not await self._advance():
                self._pending = False
                break

    def _pause(self) -> float:
        if self._pending:
            return 0.0
        return max(min(self._rebalance_at, self._poll_at) - time.monotonic(), 0.0)

    async def _rebalance(self) -> None:
        self._rebalance_at = time.monotonic() + SECONDS_TO_REBALANCE
        change = await self._ownership.rebalance()
        if not (change.gained or change.lost):
            return
        for place in [place for place in self._readings if place[1] in change.lost]:
            del self._readings[place]
            self._alarms.pop(place, None)
        if change.gained:
            await self._claim(change.gained)
        await self._arrivals.hold([reading.position for reading in self._readings.values()])

    async def _claim(self, parts: Collection[int]) -> None:
        found = await read_positions(self._work, self._reader, streams=self._handlers.keys(), parts=parts)
        tries = {each.position.place: each.tries for each in found}
        for each in found:
            self._readings[each.position.place] = Reading(each.position)
        await self._announce(self._handlers.keys())
        marked = []
        for reading in [self._readings[place] for place in tries if self._readings[place].due]:
            place, number = reading.position.place, reading.position.number
            reading.tries = 0 if self._marked.get(place) == number else tries[place]
            self._marked[place] = number
            if reading.tries < CAREFUL_FROM:
                marked.append(Claimed(reading.position, reading.tries))
            else:
                reading.careful_until = number + self._batch
        await mark(self._work, self._reader, marked)

    def _arrive(self, event: Ordered) -> None:
        reading = self._readings.get((event.stream, event.part))
        if reading is not None and reading.alarm is None and not reading.arrive(event):
            REPEATS.labels(self._reader, event.stream).inc()

    async def _poll(self, streams: Collection[str]) -> None:
        """Look at the heads."""
        await self._announce(streams)
        if time.monotonic() >= self._report_at:
            self._report_at = time.monotonic() + SECONDS_TO_REPORT
            await self._report()

    async def _announce(self, streams: Collection[str]) -> None:
        for stream in streams:
            heads = await self._bus.heads(self._work, stream)
            for (of, part), reading in self._readings.items():
                if of == stream and reading.alarm is None:
                    try:
                        reading.announce(heads[part], time.monotonic())
                    except Alarm as alarm:
                        self._park(alarm)
            behind = [r.head - r.position.number for (of, _), r in self._readings.items() if of == stream]
            LAG.labels(self._reader, stream).set(sum(max(each, 0) for each in behind))

    async def _report(self) -> None:
        now = time.monotonic()
        everything = now >= self._report_all_at
        if everything:
            self._report_all_at = now + SECONDS_TO_REPORT_ALL
        news: dict[str, dict[int, int]] = defaultdict(dict)
        for (stream, part), reading in self._readings.items():
            number = reading.position.number
            if everything or self._reported.get((stream, part)) != number:
                news[stream][part] = self._reported[stream, part] = number
        for stream, numbers in news.items():
            await report(self._work, reader=self._reader, stream=stream, numbers=numbers)

    async def _advance(self) -> bool:
        runs = await self._gather()
        if not runs:
            return False
        [first, *_] = runs
        reading = self._readings[first.position.place]
        try:
            if reading.tries >= GIVEN_UP_AT:
                await self._effects.bury(self._work, first, f"{reading.tries} processes ended at this event")
            else:
                if reading.careful:
                    await mark(self._work, self._reader, [Claimed(reading.position, CAREFUL_FROM)])
                await self._effects.apply(self._work, runs)
        except Alarm as alarm:
            await self._work.rollback()
            if (alarm.stream, alarm.part) not in self._readings:
                raise Doubt("a handler alarms about a part that is not held") from alarm
            self._park(alarm)
        return True

    async def _gather(self) -> list[Run]:
        """What comes next, at most a batch of it: from what arrived, else from the streams."""
        readings = [reading for reading in self._readings.values() if reading.alarm is None]
        careful = [reading for reading in readings if reading.careful and (reading.due or reading.arrived)]
        if careful:
            return await self._gather_from(careful[:1], 1)
        random.shuffle(readings)
        return await self._gather_from(readings, self._batch)

    async def _gather_from(self, readings: Sequence[Reading], budget: int) -> list[Run]:
        runs = []
        empty = []
        for reading in readings:
            run = self._run_arrived(reading, budget) if reading.arrived else None
            if run is not None and run.events:
                runs.append(run)
                budget -= len(run.events)
            elif reading.due and self._must_refill(reading):
                empty.append(reading)
        if empty and budget > 0:
            runs += await self._refill(empty, budget)
        return runs

    def _run_arrived(self, reading: Reading, budget: int) -> Run | None:
        try:
            return reading.next_arrived(budget)
        except Alarm as alarm:
            self._park(alarm)
            return None

    def _must_refill(self, reading: Reading) -> bool:
        since = reading.behind_since
        behind = 0.0 if since is None else time.monotonic() - since
        gap = bool(reading.arrived) and min(reading.arrived) > reading.position.number + 1
        return reading.alarm is None and (gap or self._arrivals.overdue(*reading.position.place, behind=behind))

    async def _refill(self, readings: Iterable[Reading], budget: int) -> list[Run]:
        places = {reading.position.place: reading for reading in readings}
        n = share_of([reading.head - reading.position.number for reading in places.values()], budget)
        found: dict[Place, list[Ordered]] = defaultdict(list)
        for stream in {stream for stream, _ in places}:
            after = {part: r.position.number for (of, part), r in places.items() if of == stream}
            types = self._handlers[stream].keys()
            for event in await self._bus.read(self._work, stream, after=after, n=n, types=types):
                found[stream, event.part].append(event)
        runs = []
        for place, reading in places.items():
            try:
                runs.append(refilled(reading, found[place], self._handlers[place[0]].keys()))
            except Alarm as alarm:
                self._park(alarm)
        return runs

    def _moved(self, run: Run) -> None:
        place = run.position.place
        stream, part = place
        end = run.events[-1]
        reading = self._readings[place]
        hint = self._arrivals.hint(stream, part, end.number)
        reading.move(
            Position(stream, part, end.number, end.id, reading.position.hint if hint is None else hint),
            time.monotonic(),
        )
        APPLIED.labels(self._reader, stream, run.way).inc(len(run.events))

    def _park(self, alarm: Alarm) -> None:
        place = (alarm.stream, alarm.part)
        reading = self._readings.get(place)
        if reading is not None:
            reading.alarm = alarm
        self._alarms[place] = alarm
        ALARMS.labels(self._reader, alarm.stream).set(sum(stream == alarm.stream for stream, _ in self._alarms))
        _log.error("part parked", reader=self._reader, stream=alarm.stream, part=alarm.part, reason=alarm.reason)
