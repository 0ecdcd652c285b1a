"""A consumer: a unit that leases parts of streams and applies what comes, position and effects in one transaction.

One for each service of a process that handles events. A position that somebody else has moved, a lost lease or a
failed session ends it; it drops what it remembers, and the host starts it anew.
"""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack, suppress

from creditmesh.chassis.bus.consuming.applying import ContextFor, Handle
from creditmesh.chassis.bus.consuming.run import Consuming, ReaderFacts
from creditmesh.chassis.bus.faults import FAILURES, uncertain_on_failure
from creditmesh.chassis.bus.leases import Leases
from creditmesh.chassis.bus.mailboxes import Bus
from creditmesh.chassis.bus.metrics import ALARMS, DEAD_LETTERS, LAG
from creditmesh.chassis.bus.position import Place, forgive, read_positions, register
from creditmesh.chassis.bus.stream import heads, report
from creditmesh.chassis.database.connecting import connect
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Alarm
from creditmesh.schemas.events import Event

BATCH = 500
"""The weight of what one transaction applies, about."""


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
        projects: Collection[type[Event]] = (),
        lease: float = 15.0,
        batch: int = BATCH,
    ) -> None:
        """`reader` is the service: its schema holds the positions. `lock_class` belongs to its leases alone."""
        self.reader = reader
        self._pool = pool
        self._lock_class, self._lease = lock_class, lease
        self._bus = bus
        self._facts = ReaderFacts(
            name=reader,
            handlers={
                stream: {event.type: handle for event, handle in handles.items()} for stream, handles in streams.items()
            },
            context_for=context_for,
            projects=frozenset(event.type for event in projects),
            parts=parts,
            batch=batch,
            seconds_to_poll=bus.seconds_to_poll,
        )
        self._consuming: Consuming | None = None

    @property
    def streams(self) -> Collection[str]:
        """The streams it reads."""
        return self._facts.handlers.keys()

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
                leases = Leases(
                    self._pool.address, lock_class=self._lock_class, parts=self._facts.parts, lease=self._lease
                )
                stack.push_async_callback(leases.close)
                await leases.open()
                ping = asyncio.create_task(leases.ping())
                stack.callback(ping.cancel)
                work = await self._work()
                stack.callback(work.end)
                await leases.assert_same_server(work)
                mailbox = self._bus.mailbox(self.streams)
                stack.callback(mailbox.close)
                await self._register(work)
                consuming = self._consuming = Consuming(self._facts, work=work, leases=leases, mailbox=mailbox)
                stack.push_async_callback(self._leave, consuming)
                while True:
                    await consuming.step()

    def lag(self) -> int:
        """How many events the parts held here are behind the heads that were last seen."""
        return 0 if self._consuming is None else sum(p.head - p.position.number for p in self._consuming.held.values())

    async def behind(self) -> int:
        """How many events this reader, in whatever process, is behind the heads as they are now."""
        return sum(max(head - at, 0) for head, at in (await self._heads_and_positions()).values())

    async def caught_up(self, seconds: float = 60.0) -> None:
        """Wait until this reader has passed the heads as they are now. TimeoutError if it does not come that far."""
        targets = {place: head for place, (head, _) in (await self._heads_and_positions()).items()}
        async with asyncio.timeout(seconds):
            while not _passed(targets, await self._heads_and_positions()):  # noqa: ASYNC110 - in the database
                await asyncio.sleep(0.01)

    async def _work(self) -> Session:
        # A process that sleeps inside its transaction holds the rows of its positions no longer than its lease.
        asleep = {"idle_in_transaction_session_timeout": f"{int(min(self._lease, 10.0) * 1000)}ms"}
        return Session(
            await connect(
                self._pool.address,
                application_name=f"consumer {self.reader}",
                settings=asleep,
                seconds_to_answer=self._pool.seconds_to_answer,
            )
        )

    async def _register(self, work: Session) -> None:
        await register(work, self.reader, streams=self.streams, parts=self._facts.parts)
        numbers: dict[str, dict[int, int]] = {stream: {} for stream in self.streams}
        for each in await read_positions(work, self.reader, streams=self.streams):
            numbers[each.position.stream][each.position.part] = each.position.number
        for stream, of_parts in numbers.items():
            await report(work, reader=self.reader, stream=stream, numbers=of_parts)

    async def _leave(self, consuming: Consuming) -> None:
        """Best effort: this process lives, so no event it met has killed it."""
        self._consuming = None
        for stream in self.streams:
            ALARMS.labels(self.reader, stream).set(0)
            LAG.labels(self.reader, stream).set(0)
            DEAD_LETTERS.labels(self.reader, stream).set(0)
        unmoved = [place for place, p in consuming.held.items() if self._facts.marked.get(place) == p.stored.number]
        with suppress(*FAILURES):
            async with asyncio.timeout(2), self._pool.session() as session:
                if unmoved:
                    await forgive(session, self.reader, unmoved)

    async def _heads_and_positions(self) -> dict[Place, tuple[int, int]]:
        async with self._pool.session() as session:
            claimed = await read_positions(session, self.reader, streams=self.streams)
            at = {each.position.place: each.position.number for each in claimed}
            return {
                (stream, part): (head.number, at.get((stream, part), 0))
                for stream in self.streams
                for part, head in (await heads(session, stream)).items()
            }


def _passed(targets: Mapping[Place, int], now: Mapping[Place, tuple[int, int]]) -> bool:
    return all(now[place][1] >= target for place, target in targets.items())
