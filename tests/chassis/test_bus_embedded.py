"""One reading a process: what is new is read and parsed once for all its consumers, and nothing is lost without it."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from creditmesh.chassis.bus import embedded
from creditmesh.chassis.bus import mailboxes as mailboxes_of_the_bus
from creditmesh.chassis.bus.embedded import SECONDS_TO_GATHER, EmbeddedBus
from creditmesh.chassis.bus.event import Delivered, Ordered
from creditmesh.chassis.bus.mailboxes import Mailbox
from tests.contracts.bus.world import PARTS, Happened, Ignored, Work, World, keys_of, opened, standing, write_down
from tests.support.eventually import eventually
from tests.support.postgres import Postgres


@pytest.fixture
async def world(postgres: Postgres) -> AsyncIterator[World]:
    async with opened(postgres) as world:
        yield world


@asynccontextmanager
async def mailboxes(bus: EmbeddedBus, *parts: Sequence[int]) -> AsyncIterator[list[Mailbox]]:
    made = [bus.mailbox(["source"]) for _ in parts]
    for mailbox, held in zip(made, parts, strict=True):
        mailbox.hold(standing(held))
    await asyncio.sleep(0.1)  # its unit has begun
    yield made
    for mailbox in made:
        mailbox.close()


async def came(mailbox: Mailbox, n: int) -> list[Ordered]:
    events: list[Ordered] = []
    async with asyncio.timeout(60):
        while len(events) < n:
            events += (await mailbox.take(1.0)).events
    return events


async def test_all_consumers_of_a_process_get_the_same_events_and_share_what_was_parsed(world: World):
    async with mailboxes(world.bus(), range(PARTS), range(PARTS)) as (one, other):
        ids = await world.write("k", "k", "other")
        first, second = await came(one, 3), await came(other, 3)
    assert {event.id for event in first} == set(ids)
    assert [id(event) for event in first] == [id(event) for event in second]
    assert isinstance(first[0], Delivered)
    assert isinstance(second[0], Delivered)
    assert first[0].read(Happened) is second[0].read(Happened)


async def test_each_gets_its_own_parts_only(world: World):
    in_0, in_1 = keys_of(0, 1)[0], keys_of(1, 1)[0]
    async with mailboxes(world.bus(), [0], [1]) as (one, other):
        (first, second) = await world.write(in_0, in_1)
        assert [event.id for event in await came(one, 1)] == [first]
        assert [event.id for event in await came(other, 1)] == [second]


async def test_what_nobody_handles_is_gathered_and_comes_at_once_before_what_somebody_does(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    async with mailboxes(world.bus(), range(PARTS)) as (mailbox,):
        ids = [*await world.write("k", event=Ignored), *await world.write("k", event=Ignored)]
        assert not (await mailbox.take(SECONDS_TO_GATHER / 4)).events
        assert [event.id for event in await came(mailbox, 2)] == ids
        monkeypatch.setattr(embedded, "SECONDS_TO_GATHER", 3600)
        ids = [*await world.write("k", event=Ignored), *await world.write("k")]
        assert [event.id for event in await came(mailbox, 2)] == ids
        assert not (await mailbox.take(2 * SECONDS_TO_GATHER)).events


async def test_what_there_is_no_room_for_is_announced_and_read_by_the_consumer_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(mailboxes_of_the_bus, "MOST_KEPT", 2)
    async with mailboxes(world.bus(), range(PARTS)) as (mailbox,):
        await world.write("k", "k", "k")
        async with asyncio.timeout(60):
            while "source" not in (found := await mailbox.take(1.0)).announced:
                assert not found.events
    async with world.reading() as reading:
        ids = await world.write(*["k"] * 20)
        await reading.consumer.caught_up()
    assert (await world.effects())[-20:] == ids


async def test_a_reading_that_cannot_reach_the_database_loses_nothing(world: World):
    async with world.reading() as reading:
        await reading.consumer.caught_up()
        for task in world._units:
            task.cancel()
        ids = await world.write(*["k"] * 5)
        await reading.consumer.caught_up()
    assert await world.effects() == ids


async def test_what_nobody_handles_makes_no_transaction_and_the_position_follows(world: World):
    calls = 0

    async def count(work: Work, events: Sequence[Delivered]) -> None:
        nonlocal calls
        calls += 1
        await write_down(work, events)

    key = keys_of(2, 1)[0]
    async with world.reading(count) as reading:
        await reading.consumer.caught_up()
        commits, began = await _moved(world), time.monotonic()
        for _ in range(30):
            await world.write(key, event=Ignored)
        await reading.consumer.caught_up()
        moves, seconds = await _moved(world) - commits, time.monotonic() - began
    assert calls == 0
    assert await world.position(2) == 30
    assert moves <= 5 + seconds, "one a second, and not one for each"


async def test_a_batch_tells_the_orderer_when_it_is_committed(world: World):
    told: list[int] = []

    class Telling(Work):
        def committed(self) -> None:
            told.append(len(self.outgoing))

    consumer = world.consumer(write_down, context_for=Telling)
    task = asyncio.create_task(consumer.run())
    await world.write("k", "k")
    await eventually(lambda: told == [0])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _moved(world: World) -> int:
    await world.admin.execute("select pg_stat_clear_snapshot()")
    return int(
        await world.admin.fetchval(
            "select n_tup_upd from pg_stat_all_tables where relid = 'reader.reader_position'::regclass"
        )
    )
