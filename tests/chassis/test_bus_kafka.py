"""The reading from Kafka, on a log at the edge of the world: what it fetches and keeps, and when it is silent."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.kafka import bus as kafka_bus
from creditmesh.chassis.bus.kafka.bus import KafkaBus, Message
from creditmesh.chassis.bus.kafka.message import headers_of
from creditmesh.chassis.bus.mailboxes import MOST_AT_ONCE, MOST_KEPT
from creditmesh.chassis.bus.metrics import APPLIED
from creditmesh.chassis.bus.position import Place
from creditmesh.chassis.bus.stream import read_stream
from creditmesh.chassis.units import keep_running
from tests.contracts.bus.world import PARTS, Running, Work, World, keys_of, opened, write_down
from tests.support.eventually import eventually
from tests.support.postgres import Postgres


@pytest.fixture
async def world(postgres: Postgres) -> AsyncIterator[World]:
    async with opened(postgres) as world:
        yield world


class Log:
    """A Kafka of one topic, and its client: it says how often one connected and how much it brought."""

    def __init__(self) -> None:
        self.events: dict[Place, list[Delivered]] = defaultdict(list)
        self.clients = self.fetched = 0
        self.mute = False
        self._at: dict[Place, int] = {}

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["Log"]:
        self.clients += 1
        yield self

    async def place(self, offsets: Mapping[Place, int]) -> None:
        self._at = dict(offsets)

    async def poll(self, seconds: float) -> Sequence[Message]:
        found: list[Message] = []
        for place, at in self._at.items():
            events = [] if self.mute else self.events[place][at : at + MOST_AT_ONCE - len(found)]
            self._at[place] += len(events)
            found += [Message(place, at + n, headers_of(e, node="city"), e.data) for n, e in enumerate(events)]
        self.fetched += len(found)
        await asyncio.sleep(0 if found else min(seconds, 0.05))
        return found

    async def ends(self, places: Collection[Place]) -> Mapping[Place, int]:
        return {place: len(self.events[place]) for place in places}

    async def take_over(self, world: World, *, leaving_out: int = 0) -> None:
        """Write what was ordered since, but for so many of each part."""
        after = {part: max((e.number for e in self.events["source", part]), default=0) for part in range(PARTS)}
        async with world.pool.session() as session:
            for event in await read_stream(session, "source", after=after, n=100_000):
                if isinstance(event, Delivered) and event.number > after[event.part] + leaving_out:
                    self.events["source", event.part].append(event)


@asynccontextmanager
async def reading(world: World, log: Log, handler=write_down) -> AsyncIterator[Running]:
    bus = KafkaBus(world.listener, log.connect)
    tasks = [asyncio.create_task(keep_running(unit)) for unit in bus.units()]
    async with world.reading(handler, bus=bus) as running:
        await eventually(lambda: bus.connected)
        yield running
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_slow_reader_leaves_its_backlog_with_kafka_and_fetches_nothing_twice(world: World):
    log, applied, ahead = Log(), 0, [0]
    begin = APPLIED.labels("reader", "source", "refilled")._value.get()

    async def slow(work: Work, events: Sequence[Delivered]) -> None:
        nonlocal applied
        await asyncio.sleep(len(events) / 1200)
        await write_down(work, events)
        ahead.append(log.fetched - applied)
        applied += len(events)

    async with reading(world, log, slow) as running:
        ids = await world.emit(*[key for part in range(PARTS) for key in keys_of(part, 2)] * 750)
        await world.order()
        await log.take_over(world)
        await running.consumer.caught_up()
    assert sorted(await world.effects()) == sorted(ids)
    assert max(ahead) <= MOST_KEPT
    assert log.fetched == len(ids)
    refilled = APPLIED.labels("reader", "source", "refilled")._value.get() - begin
    assert refilled < len(ids) // 4, "most of it came by Kafka"


async def test_an_event_that_is_too_large_for_kafka_costs_no_client(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kafka_bus, "SECONDS_OF_SILENCE", 0.3)
    log = Log()
    async with reading(world, log) as running:
        ids: list[UUID] = []
        for _ in range(2):
            ids += await world.emit("k", "k")
            await world.order()
            await running.consumer.caught_up()
            await asyncio.sleep(0.5)
            await log.take_over(world, leaving_out=1)
        ids += await world.emit("k")
        await world.order()
        await running.consumer.caught_up()
        assert log.clients == 1
    assert await world.effects() == ids


async def test_a_client_that_brings_nothing_of_what_kafka_has_is_replaced(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(kafka_bus, "SECONDS_OF_SILENCE", 0.3)
    log = Log()
    async with reading(world, log) as running:
        log.mute = True
        await world.emit("k")
        await world.order()
        await log.take_over(world)
        await running.consumer.caught_up()
        await eventually(lambda: log.clients > 1)
