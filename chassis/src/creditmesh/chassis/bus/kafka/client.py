"""Apache Kafka beside the embedded bus: everything that touches its client library, and nothing else does.

PostgreSQL stays the truth. No consumer group, no committed offsets, no idempotent producer (after a wipe it locks
itself out, and the numbers remove repeats anyway), no transactions, no automatic topics.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, OffsetOutOfRangeError, ProducerClosed, TopicAlreadyExistsError, for_code

from creditmesh.chassis.bus.kafka.bus import Client, Message, OutOfLog
from creditmesh.chassis.bus.kafka.message import Headers, topic_of
from creditmesh.chassis.bus.kafka.topics import Topic, WrongTopic
from creditmesh.chassis.bus.mailboxes import MOST_AT_ONCE
from creditmesh.chassis.bus.position import Place

CONSUMER = {
    "group_id": None,
    "auto_offset_reset": "none",
    "enable_auto_commit": False,
    "check_crcs": True,
    "fetch_max_wait_ms": 100,
    "request_timeout_ms": 5000,
    "metadata_max_age_ms": 5000,
}
PRODUCER = {
    "acks": "all",
    "enable_idempotence": False,
    "linger_ms": 2,
    "max_batch_size": 262_144,
    "request_timeout_ms": 3000,
    "metadata_max_age_ms": 5000,
}
SECONDS_TO_STOP = 3.0
SECONDS_TO_SHOW = 10.0


@asynccontextmanager
async def consumer(bootstrap: str, *, node: str) -> AsyncIterator[Client]:
    """A connected client, ended on leaving."""
    made = AIOKafkaConsumer(bootstrap_servers=bootstrap, client_id=f"{node}-reader", **CONSUMER)
    async with _started(made, made._client, stop=made.stop, given_up=partial(_fetching, made)):
        yield _Consumer(made, node)


def _fetching(made: AIOKafkaConsumer) -> Iterable["asyncio.Task[Any]"]:
    fetcher = made._fetcher
    return () if fetcher is None else (fetcher._fetch_task, *fetcher._pending_tasks)


class _Consumer:
    def __init__(self, consumer: AIOKafkaConsumer, node: str) -> None:
        self._consumer = consumer
        self._node = node
        self._places: dict[TopicPartition, Place] = {}

    async def place(self, offsets: Mapping[Place, int]) -> None:
        self._places = {self._partition(place): place for place in offsets}
        if not offsets:
            self._consumer.unsubscribe()
            return
        begin = await self._consumer.beginning_offsets(list(self._places))
        end = await self._consumer.end_offsets(list(self._places))
        # Assigning forgets where every partition stood, and nothing may be fetched before all of them are sought.
        self._consumer.assign(list(self._places))
        for partition, place in self._places.items():
            offset = offsets[place]
            known = begin[partition] <= offset <= end[partition]
            self._consumer.seek(partition, offset if known else begin[partition])

    async def poll(self, seconds: float) -> Sequence[Message]:
        try:
            found = await self._consumer.getmany(timeout_ms=int(seconds * 1000), max_records=MOST_AT_ONCE)
        except OffsetOutOfRangeError as error:
            raise OutOfLog([self._places[partition] for partition in error.args[0]]) from error
        return [
            Message(self._places[partition], record.offset, list(record.headers), record.value)
            for partition, records in found.items()
            for record in records
        ]

    async def ends(self, places: Collection[Place]) -> Mapping[Place, int]:
        ends = await self._consumer.end_offsets([self._partition(place) for place in places])
        return {self._places[partition]: offset for partition, offset in ends.items()}

    def _partition(self, place: Place) -> TopicPartition:
        stream, part = place
        return TopicPartition(topic_of(self._node, stream), part)


@asynccontextmanager
async def producer(bootstrap: str, *, node: str) -> AsyncIterator["Producer"]:
    """A connected producer, ended on leaving."""
    made = AIOKafkaProducer(bootstrap_servers=bootstrap, client_id=f"{node}-publisher", **PRODUCER)
    async with _started(made, made.client, stop=made.stop, given_up=partial(_sending, made)):
        yield Producer(made)


def _sending(made: AIOKafkaProducer) -> Iterable["asyncio.Task[Any]"]:
    made._message_accumulator.fail_all(ProducerClosed())
    task = made._sender.sender_task
    return () if task is None else (task,)


class Producer:
    """Sends to explicit partitions."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has; 0 if it is not there."""
        try:
            return len(await self._producer.partitions_for(topic))
        except KafkaError:
            return 0

    async def send(self, topic: str, part: int, headers: Headers, data: bytes) -> Awaitable[object]:
        """Hand a message to the client; what is returned ends when all replicas in sync have it, or fails."""
        sent: Awaitable[object] = await self._producer.send(topic, data, partition=part, headers=headers)
        return sent


async def apply(bootstrap: str, topics: Sequence[Topic], *, anew: bool = False) -> list[str]:
    """Make the topics that are missing, and say which those were; `anew` deletes what is there first.

    WrongTopic if one has another number of partitions; OSError (a TimeoutError is one) if no broker does it.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        async with _started(admin, admin._client, stop=admin.close):
            if anew:
                await _delete(admin, [topic.name for topic in topics])
            return await _make(admin, topics)
    except KafkaError as error:
        raise ConnectionError(f"Kafka at {bootstrap} does not do it: {error}") from error


async def _delete(admin: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    await admin.delete_topics(list(names))
    while set(names) & set(await admin.list_topics()):  # noqa: ASYNC110 - the cluster's own time
        await asyncio.sleep(0.1)


async def _make(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> list[str]:
    missing = await _missing(admin, topics)
    if missing:
        await _create(admin, missing)
        async with asyncio.timeout(SECONDS_TO_SHOW):
            while await _missing(admin, topics):  # noqa: ASYNC110 - the cluster's own time
                await asyncio.sleep(0.1)
    return [topic.name for topic in missing]


async def _missing(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> list[Topic]:
    there = {each["topic"]: len(each["partitions"]) for each in await admin.describe_topics()}
    for topic in topics:
        if there.get(topic.name, topic.partitions) != topic.partitions:
            raise WrongTopic(topic.name, partitions=there[topic.name], parts=topic.partitions)
    return [topic for topic in topics if topic.name not in there]


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    answer = await admin.create_topics(
        [
            NewTopic(
                topic.name,
                num_partitions=topic.partitions,
                replication_factor=topic.replicas,
                topic_configs=dict(topic.config),
            )
            for topic in topics
        ]
    )
    for name, code, *said in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(f"{name}: {said[0] if said else ''}")


class _Library(Protocol):
    async def start(self) -> None: ...


Stop = Callable[[], Coroutine[Any, Any, None]]
Tasks = Callable[[], Iterable["asyncio.Task[Any]"]]


@asynccontextmanager
async def _started(
    made: _Library, client: AIOKafkaClient, *, stop: Stop, given_up: Tasks = tuple
) -> AsyncIterator[None]:
    """Start it, and leave nothing of it running, however far it came; what ends slowly ends beside who leaves it.

    `given_up`: its tasks that may be left when it could not be stopped.
    """
    # A task of its own: a start that is cancelled loses the connection on which it asks.
    starting = asyncio.create_task(made.start())
    try:
        await asyncio.shield(starting)
        yield
    finally:
        ending = asyncio.create_task(_end(starting, client, stop=stop, given_up=given_up))
        await asyncio.wait({ending}, timeout=SECONDS_TO_STOP)


async def _end(starting: "asyncio.Task[None]", client: AIOKafkaClient, *, stop: Stop, given_up: Tasks) -> None:
    """Stop it, then end its tasks and its connections, whatever became of that.

    The library's own stop() waits for a broker that is gone, swallows the cancellation of a deadline around it, and
    comes to no connection where it has cancelled a fetch that had not begun or was at rest.
    """
    await asyncio.wait({starting})  # it has limits of its own
    await _finish(starting, asyncio.create_task(stop()))
    left = list(given_up())
    for task in left:
        task.cancel()
    await _finish(*left, asyncio.create_task(client.close()))


async def _finish(*tasks: "asyncio.Task[Any]") -> None:
    """Give them a while, then cancel them; an error of a client that is given up interests nobody."""
    await asyncio.wait(tasks, timeout=SECONDS_TO_STOP)
    for task in tasks:
        task.cancel()
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
