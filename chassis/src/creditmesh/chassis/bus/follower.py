"""The follower: a unit of every process that keeps one whole stream's state in memory, from its first event on.

It has no position in the database and no effect outside its memory; it reads PostgreSQL on both buses. What it has
applied it keeps when its session fails: the next `run` goes on where the last one stood.
"""

import asyncio
import time
from collections import defaultdict
from typing import Protocol

import structlog

from creditmesh.chassis.bus.doubt import in_doubt
from creditmesh.chassis.bus.event import Delivered, Ordered
from creditmesh.chassis.bus.metrics import ALARMS, LAG
from creditmesh.chassis.bus.position import Position
from creditmesh.chassis.bus.protocol import Bus
from creditmesh.chassis.bus.reading import Reading, refilled
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Alarm

BATCH = 500

_log = structlog.get_logger(__name__)


class Followed(Protocol):
    """The state that is kept."""

    def apply(self, event: Delivered) -> None:
        """Take one event into memory."""


class Follower:
    """Follows one stream; `ready` from the moment it first stood at the announced head."""

    def __init__(self, bus: Bus, stream: str, followed: Followed, *, pool: Pool, parts: int) -> None:
        self.stream = stream
        self.alarms: dict[int, Alarm] = {}
        self._bus = bus
        self._followed = followed
        self._pool = pool
        self._readings = {part: Reading(Position(stream, part)) for part in range(parts)}
        self._was_at_head = False
        self._moved = asyncio.Condition()

    @property
    def ready(self) -> bool:
        """Whether it has stood at the head, and nothing keeps it from following on."""
        return self._was_at_head and not self.alarms

    def passed(self, part: int, number: int) -> bool:
        """Whether it has applied that number."""
        return self._readings[part].position.number >= number

    async def reach(self, part: int, number: int) -> None:
        """Wait until it has applied that number."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.passed(part, number))

    async def caught_up(self) -> None:
        """Wait until it has passed the heads as they are now, and is ready."""
        async with self._pool.session() as session:
            heads = await self._bus.heads(session, self.stream)
        for part, head in heads.items():
            await self.reach(part, head.number)
        async with self._moved:
            await self._moved.wait_for(lambda: self.ready)

    async def run(self) -> None:
        """Follow until the session fails."""
        wake = self._bus.wakes.wake([self.stream])
        self.alarms.clear()
        try:
            with in_doubt(f"follower of {self.stream}"):
                while True:
                    async with self._pool.session() as session:
                        await self._catch_up(session)
                    await wake.wait(self._bus.seconds_to_poll)
        finally:
            self._bus.wakes.forget(wake)

    async def _catch_up(self, session: Session) -> None:
        await self._announce(session)
        while due := {part: reading for part, reading in self._readings.items() if reading.due}:
            after = {part: reading.position.number for part, reading in due.items()}
            events = await self._bus.read(session, self.stream, after=after, n=BATCH)
            found: dict[int, list[Ordered]] = defaultdict(list)
            for event in events:
                found[event.part].append(event)
            for part, reading in due.items():
                self._apply(reading, found[part])
            async with self._moved:
                self._moved.notify_all()
        if not self._was_at_head and not self.alarms:
            self._was_at_head = True
            async with self._moved:
                self._moved.notify_all()

    async def _announce(self, session: Session) -> None:
        heads = await self._bus.heads(session, self.stream)
        for part, reading in self._readings.items():
            if part not in self.alarms:
                reading.alarm = None
                try:
                    reading.announce(heads[part], time.monotonic())
                except Alarm as alarm:
                    self._park(reading, alarm)
        LAG.labels("follower", self.stream).set(sum(r.head - r.position.number for r in self._readings.values()))

    def _apply(self, reading: Reading, events: list[Ordered]) -> None:
        stream, part = reading.position.place
        try:
            for event in refilled(reading, events, None).events:
                if isinstance(event, Delivered):
                    self._followed.apply(event)
                reading.move(Position(stream, part, event.number, event.id), time.monotonic())
        except Alarm as alarm:
            self._park(reading, alarm)
        except Exception as error:  # noqa: BLE001 - whatever the state raises
            _log.error("event refused", stream=stream, number=reading.position.number + 1, exc_info=error)
            self._park(reading, Alarm(f"refused: {type(error).__qualname__}", stream=stream, part=part))

    def _park(self, reading: Reading, alarm: Alarm) -> None:
        reading.alarm = self.alarms[alarm.part] = alarm
        ALARMS.labels("follower", self.stream).set(len(self.alarms))
        _log.error("follower parked", stream=alarm.stream, part=alarm.part, reason=alarm.reason)
