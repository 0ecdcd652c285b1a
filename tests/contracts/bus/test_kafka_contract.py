"""The contract on a real Apache Kafka."""

from collections.abc import AsyncIterator

import pytest

from creditmesh.chassis.bus.arrivals import KafkaArrivals
from creditmesh.chassis.bus.kafka import producer
from creditmesh.chassis.bus.message import topic_of
from creditmesh.chassis.bus.metrics import APPLIED, REPEATS
from tests.contracts.bus.kafka_world import KafkaWorld, opened_on, published_all, running
from tests.contracts.bus.suite import BusContract
from tests.contracts.bus.world import PARTS, keys_of
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
            assert reading.doubts == []
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

            await eventually(one_more_arrives, within=30)

    async def test_all_that_was_lost_is_refilled_at_once_and_not_a_batch_each_time_patience_ends(
        self, world: KafkaWorld
    ):
        async with world.reading() as reading:
            ids = await world.write(*["k"] * 3000, lost=range(3000))
            await reading.consumer.caught_up(10)
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
            monkeypatch.setattr(KafkaArrivals, "overdue", lambda *_, **__: False)
            await world.write("k", "k", lost=range(2))
            await world.wipe()
            with pytest.raises(TimeoutError):
                await reading.consumer.caught_up(5)
            monkeypatch.undo()
            await reading.consumer.caught_up()


def passed(way: str) -> float:
    return APPLIED.labels("reader", "source", way)._value.get()


def repeats() -> float:
    return REPEATS.labels("reader", "source")._value.get()
