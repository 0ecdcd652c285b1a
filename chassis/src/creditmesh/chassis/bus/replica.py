"""A replica: a unit of every process that keeps one whole stream's state in memory, from its first event on.

It has no position in the database and no effect outside its memory; it reads PostgreSQL on both buses. What it has
applied it keeps when its session fails: the next `run` goes on where the last one stood.
"""

import asyncio
import time
from collections import defaultdict
from typing import Protocol

import structlog

from creditmesh.chassis.bus.event import Delivered, Ordered
from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.bus.gaps import SECONDS_TO_LOOK_AGAIN, Progress
from creditmesh.chassis.bus.listen import FOLLOWED
from creditmesh.chassis.bus.mailboxes import Bus
from creditmesh.chassis.bus.metrics import ALARMS, LAG
from creditmesh.chassis.bus.position import Position
from creditmesh.chassis.bus.stream import Head, heads, read_stream
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Alarm
from creditmesh.chassis.shares import Busy

BATCH = 500
SECONDS_UNTIL_STALE = 30.0
"""A process that has not looked at the head for so long does not call itself ready."""

_log = structlog.get_logger(__name__)


class ReplicatedState(Protocol):
    """The state that is kept."""

    def apply(self, event: Delivered) -> None:
        """Take one event into memory."""


class Replica:
    """Follows one stream; `ready` from the moment it first stood at the announced head, for as long as it looks."""

    def __init__(self, bus: Bus, stream: str, followed: ReplicatedState, *, pool: Pool, parts: int) -> None:
        self.stream = stream
        self.alarms: dict[int, Alarm] = {}
        self._bus = bus
        self._followed = followed
        self._pool = pool
        self._held = {part: Progress(Position(stream, part), Position(stream, part)) for part in range(parts)}
        self._was_at_head = False
        self._looked = time.monotonic()
        self._moved = asyncio.Condition()

    @property
    def ready(self) -> bool:
        """Whether it has stood at the head, looked at it not long ago, and nothing keeps it from following on."""
        return self._was_at_head and not self.alarms and self.age < SECONDS_UNTIL_STALE

    @property
    def age(self) -> float:
        """Seconds since it last stood at the head: how old what this process knows may be."""
        return time.monotonic() - self._looked

    def passed(self, part: int, number: int) -> bool:
        """Whether it has applied that number."""
        return self._held[part].position.number >= number

    async def reach(self, part: int, number: int) -> None:
        """Wait until it has applied that number."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.passed(part, number))

    async def caught_up(self) -> None:
        """Wait until it has passed the heads as they are now, and is ready."""
        for part, head in (await self._heads()).items():
            await self.reach(part, head.number)
        async with self._moved:
            await self._moved.wait_for(lambda: self.ready)

    async def _heads(self) -> dict[int, Head]:
        """The heads as they are now, however long a session takes: a node that begins has use for all of its own."""
        while True:
            try:
                async with self._pool.session() as session:
                    return await heads(session, self.stream)
            except Busy as busy:
                _log.warning("replica waits for a session", stream=self.stream, reason=str(busy))

    async def run(self) -> None:
        """Follow until the session fails."""
        self.alarms.clear()
        ALARMS.labels("replica", self.stream).set(0)
        notifications = self._bus.notifications
        with uncertain_on_failure(f"replica of {self.stream}"), notifications.waking([self.stream]) as wake:
            while True:
                async with self._pool.session() as session:
                    await self._catch_up(session)
                await wake.wait(self._bus.seconds_to_poll)

    async def _catch_up(self, session: Session) -> None:
        await self._announce(session)
        while due := {part: p for part, p in self._held.items() if p.due and not p.rests(time.monotonic())}:
            after = {part: progress.position.number for part, progress in due.items()}
            events = await read_stream(session, self.stream, after=after, n=BATCH)
            found: dict[int, list[Ordered]] = defaultdict(list)
            for event in events:
                found[event.part].append(event)
            for part, progress in due.items():
                self._apply(progress, found[part])
            self._bus.notifications.notice(FOLLOWED)
            async with self._moved:
                self._moved.notify_all()
        self._looked = time.monotonic()
        if not self._was_at_head and not self.alarms:
            self._was_at_head = True
            async with self._moved:
                self._moved.notify_all()

    async def _announce(self, session: Session) -> None:
        found = await heads(session, self.stream)
        for part, progress in self._held.items():
            if part not in self.alarms:
                progress.rests_until = 0.0
                try:
                    progress.announce(found[part], time.monotonic())
                except Alarm as alarm:
                    self._park(progress, alarm)
        LAG.labels("replica", self.stream).set(sum(p.head - p.position.number for p in self._held.values()))

    def _apply(self, progress: Progress, events: list[Ordered]) -> None:
        stream, part = progress.place
        try:
            read = progress.refilled(events, None)
            if not read.events:
                progress.rest(time.monotonic() + SECONDS_TO_LOOK_AGAIN)
            for event in read.events:
                if isinstance(event, Delivered):
                    self._followed.apply(event)
                progress.move(Position(stream, part, event.number, event.id), time.monotonic())
        except Alarm as alarm:
            self._park(progress, alarm)
        except Exception as error:  # noqa: BLE001 - whatever the state raises
            _log.error("event refused", stream=stream, number=progress.position.number + 1, exc_info=error)
            self._park(progress, Alarm(f"refused: {type(error).__qualname__}", stream=stream, part=part))

    def _park(self, progress: Progress, alarm: Alarm) -> None:
        progress.park(alarm)
        self.alarms[alarm.part] = alarm
        ALARMS.labels("replica", self.stream).set(len(self.alarms))
        _log.error("replica parked", stream=alarm.stream, part=alarm.part, reason=alarm.reason)
