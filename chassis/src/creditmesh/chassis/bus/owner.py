"""The owner: a unit that leases parts and applies their streams, position and effects in one transaction.

At or below the position is a repeat: skipped. The next one is applied, up to 500 at once over several parts. Beyond
the next, or a head that is ahead while nothing arrives, is a gap: refilled from the stream. A stream that went back, a
hole or a broken chain parks that part, and the others go on. A position that somebody else has moved ends the unit.
"""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack, suppress

from creditmesh.chassis.bus.doubt import FAILURES, in_doubt
from creditmesh.chassis.bus.effects import ContextFor, Handle
from creditmesh.chassis.bus.ownership import Ownership
from creditmesh.chassis.bus.position import Place, read_positions, register
from creditmesh.chassis.bus.protocol import Bus
from creditmesh.chassis.bus.stream import report
from creditmesh.chassis.bus.tenure import Tenure
from creditmesh.chassis.database.connecting import connect
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Alarm
from creditmesh.schemas.events import Event

BATCH = 500


class Owner:
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
        self.alarms: dict[Place, Alarm] = {}
        self._handlers = {
            stream: {event.type: handle for event, handle in handles.items()} for stream, handles in streams.items()
        }
        self._pool = pool
        self._lock_class, self._lease = lock_class, lease
        self._parts = parts
        self._bus = bus
        self._context_for = context_for
        self._batch = batch
        self._marked: dict[Place, int] = {}
        self._tenure: Tenure | None = None

    @property
    def streams(self) -> Collection[str]:
        """The streams it reads."""
        return self._handlers.keys()

    async def run(self) -> None:
        """Own a fair share of the parts and apply what comes, until something is in doubt."""
        with in_doubt(f"owner {self.reader}"):
            async with AsyncExitStack() as stack:
                ownership = Ownership(
                    self._pool.address, lock_class=self._lock_class, parts=self._parts, lease=self._lease
                )
                stack.push_async_callback(ownership.close)
                await ownership.open()
                ping = asyncio.create_task(ownership.ping())
                stack.callback(ping.cancel)
                work = await self._work()
                stack.callback(work.end)
                arrivals = self._bus.arrivals(self.reader, self.streams)
                stack.push_async_callback(arrivals.close)
                await self._register(work)
                tenure = Tenure(
                    reader=self.reader,
                    handlers=self._handlers,
                    bus=self._bus,
                    arrivals=arrivals,
                    ownership=ownership,
                    work=work,
                    context_for=self._context_for,
                    batch=self._batch,
                    marked=self._marked,
                    alarms=self.alarms,
                )
                self._tenure = tenure
                stack.push_async_callback(self._leave, tenure)
                await tenure.serve()

    def lag(self) -> int:
        """How many events the parts held here are behind the heads that were last seen."""
        return 0 if self._tenure is None else self._tenure.lag()

    async def behind(self) -> int:
        """How many events this reader, in whatever process, is behind the heads as they are now."""
        return sum(max(head - at, 0) for head, at in (await self._heads_and_positions()).values())

    async def caught_up(self, seconds: float = 30.0) -> None:
        """Wait until this reader has passed the heads as they are now. TimeoutError if it does not come that far."""
        targets = {place: head for place, (head, _) in (await self._heads_and_positions()).items()}
        async with asyncio.timeout(seconds):
            while not self._passed(targets, await self._heads_and_positions()):  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0.01)

    @staticmethod
    def _passed(targets: Mapping[Place, int], now: Mapping[Place, tuple[int, int]]) -> bool:
        return all(now[place][1] >= target for place, target in targets.items())

    async def _leave(self, tenure: Tenure) -> None:
        """Best effort: this process lives, so no event it met has killed it."""
        self._tenure = None
        with suppress(*FAILURES):
            async with asyncio.timeout(2), self._pool.session() as session:
                await tenure.forgive(session)

    async def _work(self) -> Session:
        # A process that sleeps inside its transaction holds the rows of its positions no longer than its lease.
        asleep = {"idle_in_transaction_session_timeout": f"{int(min(self._lease, 10.0) * 1000)}ms"}
        return Session(
            await connect(
                self._pool.address,
                application_name=f"owner {self.reader}",
                settings=asleep,
                seconds_to_answer=self._pool.seconds_to_answer,
            )
        )

    async def _heads_and_positions(self) -> dict[Place, tuple[int, int]]:
        async with self._pool.session() as session:
            claimed = await read_positions(session, self.reader, streams=self.streams)
            at = {each.position.place: each.position.number for each in claimed}
            return {
                (stream, part): (head.number, at.get((stream, part), 0))
                for stream in self.streams
                for part, head in (await self._bus.heads(session, stream)).items()
            }

    async def _register(self, work: Session) -> None:
        await register(work, self.reader, streams=self.streams, parts=self._parts)
        numbers: dict[str, dict[int, int]] = {stream: {} for stream in self.streams}
        for each in await read_positions(work, self.reader, streams=self.streams):
            numbers[each.position.stream][each.position.part] = each.position.number
        for stream, of_parts in numbers.items():
            await report(work, reader=self.reader, stream=stream, numbers=of_parts)
