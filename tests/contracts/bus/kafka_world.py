"""The same world with Kafka between; it is published to by hand, so that events can be lost, doubled and swapped."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.kafka import client as kafka
from creditmesh.chassis.bus.kafka.bus import KafkaBus
from creditmesh.chassis.bus.kafka.message import headers_of, topic_of
from creditmesh.chassis.bus.kafka.publisher import Publisher
from creditmesh.chassis.bus.kafka.topics import topics_of
from creditmesh.chassis.bus.stream import heads, read_stream
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.units import Unit, keep_running
from tests.contracts.bus.world import PARTS, Handler, Running, World, opened, write_down
from tests.support.eventually import eventually
from tests.support.postgres import Postgres


@dataclass
class KafkaWorld(World):
    """Its topics are its own, so that worlds may share a broker."""

    bootstrap: str = ""
    node: str = field(default_factory=lambda: f"t{uuid4().hex[:10]}")
    published: dict[int, int] = field(default_factory=dict)

    async def open(self) -> None:
        await super().open()
        self.second: Pool = self.database.pool("second", size=12)
        self.topics = topics_of(self.node, ["source"], parts=PARTS, replicas=1, min_isr=1)
        await kafka.apply(self.bootstrap, self.topics)

    async def close(self) -> None:
        await super().close()
        with contextlib.suppress(OSError):
            await kafka.apply(self.bootstrap, self.topics, anew=True)

    def bus(self) -> KafkaBus:
        return KafkaBus(self.listener, partial(kafka.consumer, self.bootstrap, node=self.node))

    def publisher(self, **more: Any) -> Publisher:
        return Publisher(
            self.database.addresses["relay"],
            partial(kafka.producer, self.bootstrap, node=self.node),
            node=self.node,
            streams=["source"],
            parts=PARTS,
            lease=5.0,
            **more,
        )

    @contextlib.asynccontextmanager
    async def process(self) -> AsyncIterator[KafkaBus]:
        """The bus of one process, with its reading."""
        bus = self.bus()
        async with running(bus):
            yield bus

    @contextlib.asynccontextmanager
    async def reading(
        self, handler: Handler = write_down, *, connected: bool = True, bus: KafkaBus | None = None, **more: Any
    ) -> AsyncIterator[Running]:
        """As ever, in a process of its own or that of `bus`; begun when its parts are placed, so that what is written
        then has to come by Kafka."""
        async with contextlib.AsyncExitStack() as stack:
            bus = bus or await stack.enter_async_context(self.process())
            before = len(bus.mailboxes)
            reading = await stack.enter_async_context(super().reading(handler, bus=bus, **more))
            if connected:
                await eventually(lambda: bus.connected and any(mailbox.held for mailbox in bus.mailboxes[before:]))
            yield reading

    async def publish(self, *, lost: Sequence[int] = (), twice: bool = False, backwards: bool = False) -> None:
        """Send what was not sent yet; `twice`: and all that ever was."""
        events = await self._unpublished(all_of_it=twice)
        events = [event for place, event in enumerate(events) if place not in lost]
        if backwards:
            events.reverse()
        await self.send(events)
        if twice:
            await self.send(events)

    async def send(self, events: Sequence[Delivered]) -> None:
        async with kafka.producer(self.bootstrap, node=self.node) as producer:
            topic = topic_of(self.node, "source")
            acknowledged = [
                await producer.send(topic, event.part, headers_of(event, node=self.node), event.data)
                for event in events
            ]
            await asyncio.gather(*acknowledged)

    async def wipe(self) -> None:
        await kafka.apply(self.bootstrap, self.topics, anew=True)

    async def _unpublished(self, *, all_of_it: bool) -> list[Delivered]:
        pool = self.database.pool("reader", size=1)
        async with pool.session() as session:
            at = {part: head.number for part, head in (await heads(session, "source")).items()}
            after = {part: 0 if all_of_it else self.published.get(part, 0) for part in at}
            events = await read_stream(session, "source", after=after, n=10_000)
            await session.execute("select pg_stat_force_next_flush()")
        await pool.close()
        self.published = at
        return [event for event in events if isinstance(event, Delivered)]


@contextlib.asynccontextmanager
async def opened_on(postgres: Postgres, bootstrap: str) -> AsyncIterator[KafkaWorld]:
    """A fresh world over that Kafka."""
    async with opened(postgres, partial(KafkaWorld, bootstrap=bootstrap)) as world:
        yield world


@contextlib.asynccontextmanager
async def running(what: Publisher | KafkaBus) -> AsyncIterator[asyncio.Task[None]]:
    """The publisher, or a reading, as a unit in this process."""
    task = asyncio.create_task(keep_running(Unit("running", what.run)))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def published_all(world: KafkaWorld) -> bool:
    """Whether the publisher's rows stand at the heads."""
    behind = "select count(*) from bus.event_published p join bus.event_head h using (stream, part)"
    return await world.admin.fetchval(behind + " where stream = 'source' and p.number < h.number") == 0
