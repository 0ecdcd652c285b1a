"""The contract on a real Apache Kafka."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import pytest

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.kafka import bus as kafka_bus
from creditmesh.chassis.bus.kafka import client as kafka
from creditmesh.chassis.bus.kafka.bus import KafkaBus
from creditmesh.chassis.bus.kafka.client import producer
from creditmesh.chassis.bus.kafka.message import topic_of
from creditmesh.chassis.bus.mailboxes import MOST_KEPT
from creditmesh.chassis.bus.metrics import APPLIED, REPEATS
from creditmesh.chassis.bus.position import Position
from tests.contracts.bus.kafka_world import KafkaWorld, opened_on, published_all, running
from tests.contracts.bus.suite import BusContract
from tests.contracts.bus.world import LEASE_CLASS, PARTS, Running, Work, keys_of, standing
from tests.support.eventually import eventually
from tests.support.postgres import Postgres

pytestmark = pytest.mark.kafka


class TestKafka(BusContract):
    @pytest.fixture
    async def world(self, postgres: Postgres, kafka: str) -> AsyncIterator[KafkaWorld]:
        async with opened_on(postgres, kafka) as world:
            yield world

    async def test_what_is_published_comes_by_kafka_and_not_from_the_database(self, world: KafkaWorld):
        before = passed("arrived"), passed("refilled")
        async with world.reading() as reading:
            ids = await world.write(*[key for part in range(PARTS) for key in keys_of(part, 20)])
            await reading.consumer.caught_up()
        assert set(await world.effects()) == set(ids)
        assert (passed("arrived") - before[0], passed("refilled") - before[1]) == (len(ids), 0)

    async def test_a_reader_goes_on_at_its_hint_and_reads_nothing_twice(self, world: KafkaWorld):
        async with world.reading() as reading:
            ids = await world.write(*["k"] * 50)
            await reading.consumer.caught_up()
        before = repeats()
        async with world.reading() as reading:
            ids += await world.write(*["k"] * 5)
            await reading.consumer.caught_up()
        assert await world.effects() == ids
        assert repeats() == before

    async def test_the_services_of_a_process_have_one_client_and_each_message_is_parsed_once(
        self, world: KafkaWorld, monkeypatch: pytest.MonkeyPatch
    ):
        clients = counted(monkeypatch, kafka, "AIOKafkaConsumer")
        parsed = counted(monkeypatch, kafka_bus, "event_of")
        seen: list[Delivered] = []
        async with world.process() as bus, world.reading(bus=bus) as one, second(world, bus, seen) as other:
            ids = await world.write(*[key for part in range(PARTS) for key in keys_of(part, 20)])
            await caught_up(one, other)
        assert (set(await world.effects()), {event.id for event in seen}) == (set(ids), set(ids))
        assert len(clients) == 1
        assert len(parsed) == len(ids)

    async def test_a_reader_that_takes_nothing_holds_nobody_and_keeps_no_more_than_it_has_room_for(
        self, world: KafkaWorld
    ):
        before = passed("refilled")
        seen: list[Delivered] = []
        may = asyncio.Event()
        async with world.process() as bus, world.reading(bus=bus) as one, second(world, bus, seen, may) as other:
            full = bus.mailbox(["source"])
            full.hold(standing(range(PARTS)))
            ids: list[UUID] = []
            for _ in range(5):
                ids += await world.write(*["k"] * (MOST_KEPT // 2))
                await one.consumer.caught_up()
            assert await world.effects() == ids
            assert passed("refilled") - before < len(ids) // 2, "most of it came by Kafka"
            assert seen == []
            may.set()
            await other.consumer.caught_up()
            assert [event.id for event in seen] == ids
            came = await full.take(0.0)
            [part] = {event.part for event in came.events}
            assert len(came.events) <= MOST_KEPT
            assert came.announced == {"source"}
            assert full.overdue(Position("source", part, len(came.events)), 0.0), "what had no room is read at once"
            full.close()

    async def test_a_reader_that_comes_later_reads_the_stream_until_it_meets_what_comes(
        self, world: KafkaWorld, monkeypatch: pytest.MonkeyPatch
    ):
        for patience in ("SECONDS_UNTIL_LATE", "SECONDS_AT_MOST"):
            monkeypatch.setattr(kafka_bus, patience, 600.0)
        seen: list[Delivered] = []
        before = repeats()
        async with world.process() as bus, world.reading(bus=bus) as one:
            ids = await world.write(*["k"] * 50)
            await one.consumer.caught_up()
            async with second(world, bus, seen) as other:
                await other.consumer.caught_up()
                arrived = passed("arrived", "second")
                ids += await world.write(*["k"] * 5)
                await caught_up(one, other)
        assert [event.id for event in seen] == ids
        assert passed("arrived", "second") == arrived + 5
        assert (repeats(), await world.effects()) == (before, ids)

    @pytest.mark.parametrize("rows", [2, 40], ids=["a smaller log", "a bigger log"])
    async def test_the_hint_into_a_log_that_was_wiped_is_harmless(self, world: KafkaWorld, rows: int):
        async with world.reading() as reading:
            ids = await world.write(*["k"] * 20)
            await reading.consumer.caught_up()
        assert await world.admin.fetchval("select max(hint) from reader.reader_position") == 20
        await world.wipe()
        ids += await world.write(*["k"] * rows)
        async with world.reading() as reading:
            ids += await world.write(*["k"] * 3)
            await reading.consumer.caught_up()
        assert await world.effects() == ids

    async def test_a_wipe_beneath_a_reader_that_lives_on_is_noticed_by_the_numbers_alone(self, world: KafkaWorld):
        async with world.reading() as reading:
            ids = await world.write(*["k"] * 20)
            await reading.consumer.caught_up()
            for rows in (30, 3):  # the new log outgrows the old place, or stays below it
                await world.wipe()
                ids += await world.write(*["k"] * rows, lost=range(rows // 2))
                await reading.consumer.caught_up()
            assert reading.uncertain == []
        assert await world.effects() == ids

    @pytest.mark.parametrize("wiped", [True, False], ids=["after a wipe", "after a lost tail"])
    async def test_events_come_by_kafka_again(self, world: KafkaWorld, *, wiped: bool):
        async with world.reading() as reading:
            await world.write(*["k"] * 20)
            await reading.consumer.caught_up()
            await world.write("k", lost=range(1))
            if wiped:
                await world.wipe()
            await reading.consumer.caught_up()

            async def one_more_arrives() -> bool:
                before = passed("arrived")
                await world.write("k")
                await reading.consumer.caught_up()
                return passed("arrived") == before + 1

            await eventually(one_more_arrives)

    async def test_all_that_was_lost_is_refilled_at_once_and_not_a_batch_each_time_patience_ends(
        self, world: KafkaWorld, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(kafka_bus, "SECONDS_UNTIL_LATE", 11.0)  # of six batches
        async with world.reading() as reading:
            ids = await world.write(*["k"] * 3000, lost=range(3000))
            await reading.consumer.caught_up(60)
        assert await world.effects() == ids

    async def test_a_message_of_somebody_else_is_passed_over(self, world: KafkaWorld):
        async with world.reading() as reading:
            ids = await world.write("k")
            async with producer(world.bootstrap, node=world.node) as sender:
                for part in range(PARTS):
                    await (await sender.send(topic_of(world.node, "source"), part, [("ce_id", b"\xff")], b"\x00"))
            ids += await world.write("k")
            await reading.consumer.caught_up()
        assert await world.effects() == ids

    async def test_a_publisher_that_begins_again_at_the_start_repeats_and_nothing_is_doubled(self, world: KafkaWorld):
        async with world.reading() as reading:
            async with running(world.publisher()):
                ids = await world.emit(*[key for part in range(PARTS) for key in keys_of(part, 30)])
                await world.order()
                await eventually(lambda: published_all(world))
            await reading.consumer.caught_up()
            before = repeats()
            await world.admin.execute("update bus.event_published set number = 0")
            async with running(world.publisher()):
                ids += await world.emit("k")
                await world.order()
                await eventually(lambda: published_all(world))
                await reading.consumer.caught_up()
                await eventually(lambda: repeats() >= before + len(ids) - 1)
        assert set(await world.effects()) == set(ids)
        assert len(await world.effects()) == len(ids)

    async def test_control_a_reader_that_never_thinks_itself_overdue_stays_behind_after_a_wipe(
        self, world: KafkaWorld, monkeypatch: pytest.MonkeyPatch
    ):
        async with world.reading() as reading:
            await world.write("k", "k")
            await reading.consumer.caught_up()
            monkeypatch.setattr(KafkaBus, "overdue", lambda *_, **__: False)
            await world.write("k", "k", lost=range(2))
            await world.wipe()
            with pytest.raises(TimeoutError):
                await reading.consumer.caught_up(5)
            monkeypatch.undo()
            await reading.consumer.caught_up()


def second(
    world: KafkaWorld, bus: KafkaBus, seen: list[Delivered], may: asyncio.Event | None = None
) -> AbstractAsyncContextManager[Running]:
    """Another service in the process of this bus; it sees what is committed when it `may`."""

    async def see(work: Work, events: Sequence[Delivered]) -> None:
        del work
        if may is not None and not may.is_set():
            raise TimeoutError
        seen.extend(events)

    return world.reading(see, reader="second", bus=bus, pool=world.second, lock_class=LEASE_CLASS + 2)


async def caught_up(*readings: Running) -> None:
    await asyncio.gather(*(reading.consumer.caught_up() for reading in readings))


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[None]:
    """One entry for each call."""
    calls: list[None] = []
    real = getattr(module, name)

    def counting(*args: Any, **more: Any) -> Any:
        calls.append(None)
        return real(*args, **more)

    monkeypatch.setattr(module, name, counting)
    return calls


def passed(way: str, reader: str = "reader") -> float:
    return APPLIED.labels(reader, "source", way)._value.get()


def repeats() -> float:
    return REPEATS.labels("reader", "source")._value.get()
