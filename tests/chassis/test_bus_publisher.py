"""The publisher: what it sends, when it waits, when it hands over."""

from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from creditmesh.chassis.bus.kafka import client as kafka
from creditmesh.chassis.bus.kafka.message import event_of, topic_of
from creditmesh.chassis.bus.kafka.topics import WrongTopic, topics_of
from creditmesh.chassis.bus.metrics import LEFT_OUT
from creditmesh.chassis.packing import FRAME
from tests.contracts.bus.kafka_world import KafkaWorld, opened_on, published_all, running
from tests.contracts.bus.world import PARTS, Ignored, Noted, keys_of
from tests.support.eventually import eventually
from tests.support.postgres import Postgres

pytestmark = pytest.mark.kafka


@pytest.fixture
async def world(postgres: Postgres, kafka: str) -> AsyncIterator[KafkaWorld]:
    async with opened_on(postgres, kafka) as world:
        yield world


async def records(world: KafkaWorld) -> list[ConsumerRecord]:
    """All that the topic holds, by part and offset."""
    parts = [TopicPartition(topic_of(world.node, "source"), part) for part in range(PARTS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=world.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        await consumer.seek_to_beginning(*parts)
        found: list[ConsumerRecord] = []
        while len(found) < sum(ends.values()):
            for some in (await consumer.getmany(timeout_ms=500)).values():
                found += some
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        await consumer.stop()


async def test_every_event_is_on_its_part_once_in_order_and_without_a_key(world: KafkaWorld):
    async with running(world.publisher()):
        ids = await world.emit(*[key for part in range(PARTS) for key in keys_of(part, 30)])
        ids += await world.emit(*["k"] * 5, event=Noted)
        ids += await world.emit("k", event=Ignored)
        await world.order()
        await eventually(lambda: published_all(world))
    found = await records(world)
    events = [event_of(each.headers, each.value, stream="source", part=each.partition) for each in found]
    assert sorted(event.id for event in events) == sorted(ids)
    assert {each.key for each in found} == {None}
    for part in range(PARTS):
        of_part = [event for event in events if event.part == part]
        assert [event.number for event in of_part] == list(range(1, len(of_part) + 1))
        assert [event.before for event in of_part] == [None, *[event.id for event in of_part[:-1]]]
    assert {event.traceparent for event in events} == {"00-t-s-1"}
    assert {event.legal_date.isoformat() for event in events} == {"2024-02-29"}


async def test_one_publishes_and_when_it_ends_the_other_goes_on_where_it_stood(world: KafkaWorld):
    one, other = world.publisher(), world.publisher()
    async with running(other):
        async with running(one):
            await eventually(lambda: {one.state, other.state} == {"publishing", "standing by"})
            ids = await world.emit(*["k"] * 10)
            await world.order()
            await eventually(lambda: published_all(world))
        await eventually(lambda: other.state == "publishing")
        ids += await world.emit(*["k"] * 10)
        await world.order()
        await eventually(lambda: published_all(world))
    assert len(await records(world)) == len(ids)


async def test_a_kafka_that_cannot_be_reached_is_waited_for_and_ends_nothing(world: KafkaWorld):
    ended: list[int] = []
    world.bootstrap, bootstrap = "127.0.0.1:9", world.bootstrap
    publisher = world.publisher(end=ended.append)
    async with running(publisher):
        await eventually(lambda: publisher.state == "connecting")
        await world.emit("k")
        await world.order()
        assert not await published_all(world)
        assert publisher.state == "connecting"
    world.bootstrap = bootstrap
    assert ended == []


async def test_a_topic_that_is_missing_or_has_other_partitions_is_waited_for(world: KafkaWorld):
    ended: list[int] = []
    [right] = world.topics
    [wrong] = topics_of(world.node, ["source"], parts=PARTS + 1, replicas=1, min_isr=1)
    await kafka.apply(world.bootstrap, [wrong], anew=True)
    publisher = world.publisher(end=ended.append)
    async with running(publisher):
        await world.emit("k")
        await world.order()
        await eventually(lambda: publisher.state == "connecting")
        with pytest.raises(WrongTopic, match="5 partitions and the node 4 parts"):
            await kafka.apply(world.bootstrap, [right])
        assert not await published_all(world)
        assert await kafka.apply(world.bootstrap, [right], anew=True) == [right.name]
        assert await kafka.apply(world.bootstrap, [right]) == []
        await eventually(lambda: published_all(world))
    assert ended == []
    assert len(await records(world)) == 1


async def test_an_event_too_large_for_kafka_comes_from_the_stream(world: KafkaWorld):
    before = LEFT_OUT.labels("source")._value.get()
    async with running(world.publisher()), world.reading() as reading:
        ids = await world.emit("k")
        ids += await world.emit("k" * 1_000_000)
        ids += await world.emit("k")
        await world.order()
        await reading.consumer.caught_up()
    assert set(await world.effects()) == set(ids)
    assert LEFT_OUT.labels("source")._value.get() == before + 1
    assert len(await records(world)) == 2


async def test_an_event_that_cannot_be_read_is_left_out_and_no_other_is(world: KafkaWorld):
    ended: list[int] = []
    before = LEFT_OUT.labels("source")._value.get()
    ids = await world.emit("k", *[key for part in range(PARTS) for key in keys_of(part, 3)], "k")
    await world.admin.execute("update bus.event set data = $2 where id = $1", ids[0], FRAME + bytes(20))
    await world.order()
    async with running(world.publisher(end=ended.append)):
        await eventually(lambda: published_all(world))
    assert ended == []
    assert LEFT_OUT.labels("source")._value.get() == before + 1
    found = await records(world)
    events = [event_of(each.headers, each.value, stream="source", part=each.partition) for each in found]
    assert {event.id for event in events} == {*ids[1:]}


async def test_a_session_that_ends_is_no_reason_to_end_the_process(world: KafkaWorld):
    ended: list[int] = []
    publisher = world.publisher(end=ended.append)
    async with running(publisher):
        await eventually(lambda: publisher.state == "publishing")
        await world.admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'publisher%' and datname = current_database()"
        )
        ids = await world.emit(*["k"] * 3)
        await world.order()
        await eventually(lambda: published_all(world))
    assert ended == []
    assert len({each.headers[2][1] for each in await records(world)}) == len(ids)
