"""A node's database with one source, one reader and a bus, and the faults that a transport and a source can have."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from uuid import UUID

import asyncpg

from creditmesh.chassis.bus import orderer
from creditmesh.chassis.bus.consuming.applying import ContextFor
from creditmesh.chassis.bus.consuming.consumer import Consumer
from creditmesh.chassis.bus.declare import OutboxTable, StreamOf, declare_streams
from creditmesh.chassis.bus.embedded import EmbeddedBus, Source
from creditmesh.chassis.bus.event import Delivered, part_of
from creditmesh.chassis.bus.gaps import Progress
from creditmesh.chassis.bus.listen import Notifications
from creditmesh.chassis.bus.mailboxes import Bus
from creditmesh.chassis.bus.position import Place, Position
from creditmesh.chassis.bus.queue import Outgoing, enqueue
from creditmesh.chassis.bus.replica import Replica
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.database.versions import Package
from creditmesh.chassis.errors import Uncertain
from creditmesh.chassis.ids import new_id
from creditmesh.chassis.units import keep_running
from creditmesh.schemas.events import Event
from tests.support.postgres import Database, Postgres

PARTS = 4
LEASE_CLASS = 4001
LEAP_DAY = date(2024, 2, 29)
PACKAGES = (
    Package(name="source", package="tests.contracts.bus.source"),
    Package(name="reader", package="tests.contracts.bus.reader"),
    Package(name="second", package="tests.contracts.bus.second"),
    Package(name="stranger", package="tests.contracts.bus"),
)
Handler = Callable[["Work", Sequence[Delivered]], Awaitable[None]]


class Happened(Event):
    type: ClassVar[str] = "thing.happened"
    about: str

    @property
    def key(self) -> str:
        return self.about


class Ignored(Happened):
    type: ClassVar[str] = "thing.ignored"


class Noted(Happened):
    """Its body is a row of the source's own table."""

    type: ClassVar[str] = "thing.noted"


def keys_of(part: int, n: int) -> list[str]:
    """The first `n` keys of that part."""
    found = (key for key in (f"key-{i}" for i in range(10_000)) if part_of(key, PARTS) == part)
    return [next(found) for _ in range(n)]


def standing(parts: Iterable[int]) -> dict[Place, Progress]:
    """These parts of the source, held by a reader at their beginning."""
    positions = [Position("source", part) for part in parts]
    return {position.place: Progress(position, position) for position in positions}


@dataclass
class Work:
    """The context of a batch: it can write, and emit."""

    session: Session
    traceparent: str | None
    outgoing: list[Outgoing] = field(default_factory=list)

    @property
    def queued(self) -> bool:
        return bool(self.outgoing)

    async def commit(self) -> None:
        at = datetime.now(UTC)
        await enqueue(
            self.session,
            stream="reader",
            outgoing=self.outgoing,
            at=at,
            legal_date=at.date(),
            traceparent=self.traceparent,
        )

    def committed(self) -> None:
        """Nobody is to be woken."""


EFFECT = ("stream", "part", "number", "event", "type", "key")


async def write_down(work: Work, events: Sequence[Delivered]) -> None:
    rows = [(e.stream, e.part, e.number, e.id, e.type, e.key) for e in events]
    await work.session.copy("reader.effect", EFFECT, rows)


@dataclass
class Running:
    """A consumer as a host would run it: begun again after every Uncertain."""

    consumer: Consumer
    uncertain: list[Uncertain] = field(default_factory=list)

    async def keep_running(self) -> None:
        while True:
            try:
                await self.consumer.run()
            except Uncertain as error:
                self.uncertain.append(error)
                await asyncio.sleep(0.05)


@dataclass
class World:
    """Writes as the source, orders as the orderer, runs readers; a subclass brings another transport."""

    database: Database
    _epoch: int = 0

    async def open(self) -> None:
        self.pool: Pool = self.database.pool("reader", size=12)
        self.source: Pool = self.database.pool("source")
        self.listener = Notifications(self.database.addresses["reader"])
        self._listening = asyncio.create_task(self.listener.run())
        self._stack = contextlib.AsyncExitStack()
        self.admin: asyncpg.Connection = await self._stack.enter_async_context(self.database.session())
        self._orderer = Session(await self._stack.enter_async_context(self.database.session("bus")))
        self._units: list[asyncio.Task[None]] = []
        self._epoch = await orderer.take_epoch(self._orderer)

    async def close(self) -> None:
        for task in (self._listening, *self._units):
            task.cancel()
        await asyncio.gather(self._listening, *self._units, return_exceptions=True)
        await self._stack.aclose()
        await self.database.close()

    def bus(self) -> Bus:
        types = frozenset({Happened.type, Noted.type})
        bus = EmbeddedBus(self.listener, {"source": Source(pool=self.pool, types=types)})
        self._units += [asyncio.create_task(keep_running(unit)) for unit in bus.units()]
        return bus

    async def publish(self, *, lost: Sequence[int] = (), twice: bool = False, backwards: bool = False) -> None:
        """Hand what was ordered to the transport, but not the places in `lost`. The embedded bus has none."""

    async def wipe(self) -> None:
        """The transport forgets everything and begins anew."""

    async def emit(self, *keys: str, event: type[Happened] = Happened) -> list[UUID]:
        """Write one event for each key, in one transaction."""
        async with self.source.transaction() as session:
            return await self.gather(session, *keys, event=event)

    async def gather(self, session: Session, *keys: str, event: type[Happened] = Happened) -> list[UUID]:
        """Write one event for each key in the caller's transaction."""
        at = datetime.now(UTC)
        events = [event(about=key) for key in keys]
        own = event is Noted
        outgoing = [
            Outgoing(
                id=new_id(),
                part=part_of(e.key, PARTS),
                type=e.type,
                version=e.version,
                key=e.key,
                data=None if own else e.model_dump_json().encode(),
            )
            for e in events
        ]
        if own:
            await self._facts(session, outgoing, events, at)
        await enqueue(session, stream="source", outgoing=outgoing, at=at, legal_date=LEAP_DAY, traceparent="00-t-s-1")
        return [each.id for each in outgoing]

    async def order(self) -> None:
        """Give numbers to everything in the queue."""
        ordered = 1
        while ordered:
            ordered, news = await orderer.order(self._orderer, self._epoch)
            if news:
                await self.admin.execute("select pg_notify('bus', $1)", news)

    async def write(self, *keys: str, event: type[Happened] = Happened, **faults: Any) -> list[UUID]:
        """Emit, order and publish."""
        ids = await self.emit(*keys, event=event)
        await self.order()
        await self.publish(**faults)
        return ids

    @contextlib.asynccontextmanager
    async def reading(
        self, handler: Handler = write_down, *, connected: bool = True, **more: Any
    ) -> AsyncIterator[Running]:
        """An owner of the reader that handles what happened and what was noted, and ignores the rest.

        It begins when its transport is connected; with `connected=False` at once.
        """
        del connected
        running = Running(self.consumer(handler, **more))
        task = asyncio.create_task(running.keep_running())
        try:
            yield running
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def consumer(
        self,
        handler: Handler = write_down,
        *,
        reader: str = "reader",
        lock_class: int = LEASE_CLASS,
        lease: float = 5.0,
        bus: Bus | None = None,
        pool: Pool | None = None,
        context_for: ContextFor = Work,
        projects: Collection[type[Event]] = (),
    ) -> Consumer:
        return Consumer(
            reader=reader,
            streams={"source": {Happened: handler, Noted: handler}},
            pool=pool or self.pool,
            lock_class=lock_class,
            parts=PARTS,
            bus=bus or self.bus(),
            context_for=context_for,
            projects=projects,
            lease=lease,
        )

    def replica(self, followed: Any) -> Replica:
        return Replica(self.bus(), "source", followed, pool=self.pool, parts=PARTS)

    async def effects(self) -> list[UUID]:
        """The ids of what was applied, in the order in which it was."""
        return [row["event"] for row in await self.admin.fetch("select event from reader.effect order by place")]

    async def applied(self, key: str) -> list[UUID]:
        """The same for one key."""
        rows = await self.admin.fetch("select event from reader.effect where key = $1 order by place", key)
        return [row["event"] for row in rows]

    async def position(self, part: int) -> int:
        found: int = await self.admin.fetchval(
            "select number from reader.reader_position where stream = 'source' and part = $1", part
        )
        return found

    async def forget(self, part: int, *, from_number: int) -> None:
        """Take the source back in time: what had these numbers is gone, and they will be given again."""
        async with self.admin.transaction():
            await self.admin.execute(
                "delete from bus.event_order where stream = 'source' and part = $1 and number >= $2", part, from_number
            )
            await self.admin.execute(
                "update bus.event_head set number = $2 - 1, last = (select event from bus.event_order o"
                " where o.stream = 'source' and o.part = $1 and o.number = $2 - 1)"
                " where stream = 'source' and part = $1",
                part,
                from_number,
            )

    async def _facts(
        self, session: Session, outgoing: Sequence[Outgoing], events: Sequence[Event], at: datetime
    ) -> None:
        rows = [
            (each.part, each.id, each.key, at, LEAP_DAY, "00-t-s-1", event.model_dump_json().encode())
            for each, event in zip(outgoing, events, strict=True)
        ]
        await session.copy("source.fact", ("part", "id", "key", "at", "legal_date", "traceparent", "data"), rows)


NOTED = OutboxTable(schema="source", table="fact", type=Noted.type, version=Noted.version)


async def declare(session: Session) -> None:
    await declare_streams(
        session,
        node="city",
        streams=[
            StreamOf(
                service="source",
                readers=frozenset({"reader", "second"}),
                outbox=NOTED,
                keepers=frozenset({"reader"}),
            ),
            StreamOf(service="reader", readers=frozenset()),
            StreamOf(service="second", readers=frozenset()),
            StreamOf(service="stranger", readers=frozenset()),
        ],
    )


@contextlib.asynccontextmanager
async def opened(postgres: Postgres, kind: type[World] = World) -> AsyncIterator[World]:
    """A fresh world."""
    world = kind(await postgres.database(parts=PARTS, packages=PACKAGES, declare=declare))
    await world.open()
    try:
        yield world
    finally:
        await world.close()
