"""A broker that is killed, wiped or gone, beneath readers and publishers that live on."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka.errors import KafkaError

from creditmesh.chassis.bus.kafka import client as library
from creditmesh.chassis.bus.kafka.publisher import EXIT
from creditmesh.chassis.bus.metrics import APPLIED
from tests.contracts.bus.kafka_world import KafkaWorld, opened_on, published_all
from tests.contracts.bus.worker import SLOW
from tests.contracts.bus.world import PARTS, keys_of
from tests.support.eventually import eventually
from tests.support.kafka import Broker
from tests.support.left import none_left_running
from tests.support.postgres import Postgres, url_of

pytestmark = pytest.mark.kafka
ROOT = Path(__file__).parents[2]
KEYS = [key for part in range(PARTS) for key in keys_of(part, 5)]


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    own = Broker(tmp_path_factory.mktemp("broker") / "kafka")
    own.start()
    yield own
    own.wipe()


@pytest.fixture
async def world(postgres: Postgres, own_broker: Broker) -> AsyncIterator[KafkaWorld]:
    async with opened_on(postgres, own_broker.start()) as world:
        yield world


@contextlib.asynccontextmanager
async def process(*line: str) -> AsyncIterator[Process]:
    made = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *line,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield made
    finally:
        if made.returncode is None:
            made.kill()
        await made.wait()


def relay(world: KafkaWorld, lease: float = 5.0) -> contextlib.AbstractAsyncContextManager[Process]:
    return process(
        "tests.contracts.bus.relay", url_of(world.database.addresses["relay"]), world.node, world.bootstrap, str(lease)
    )


async def relayed(world: KafkaWorld, codes: list[int]) -> None:
    """A relay that is started again whenever it ends, as a supervisor would."""
    while True:
        async with relay(world) as one:
            codes.append(await one.wait())
        await asyncio.sleep(0.2)


async def in_thread(call) -> None:
    await asyncio.get_running_loop().run_in_executor(None, call)


async def test_an_uncertain_send_ends_the_process_and_the_next_one_publishes_the_rest(
    world: KafkaWorld, own_broker: Broker
):
    ids = []
    async with world.reading() as reading:
        async with relay(world) as first:
            ids += await world.emit(*KEYS)
            await world.order()
            await eventually(lambda: published_all(world))
            await in_thread(own_broker.kill)
            ids += await world.emit(*KEYS)
            await world.order()
            assert await asyncio.wait_for(first.wait(), 60) == EXIT
        await reading.consumer.caught_up()  # without Kafka, from the stream
        async with relay(world):
            await in_thread(own_broker.start)
            ids += await world.emit(*KEYS)
            await world.order()
            await eventually(lambda: published_all(world))
            await reading.consumer.caught_up()
    assert await exactly_once(world, ids)


async def test_an_acknowledgement_that_does_not_come_ends_the_process_before_its_lease_and_kafkas_own_limit(
    world: KafkaWorld, own_broker: Broker
):
    async with relay(world, lease=3.0) as one:
        await world.emit("k")
        await world.order()
        await eventually(lambda: published_all(world))
        pid = int((own_broker.data / "pid").read_text())
        os.kill(pid, signal.SIGSTOP)
        try:
            await world.emit("k")
            await world.order()
            assert await asyncio.wait_for(one.wait(), 60) == EXIT
        finally:
            os.kill(pid, signal.SIGCONT)
        assert one.stdout is not None
        assert b"TimeoutError" in await one.stdout.read()


async def test_a_wipe_beneath_clients_that_live_on_loses_and_doubles_nothing(world: KafkaWorld, own_broker: Broker):
    ids: list[object] = []
    codes: list[int] = []
    supervisor = asyncio.create_task(relayed(world, codes))
    over = asyncio.Event()
    writer = asyncio.create_task(_write_until(over, world, ids))
    try:
        async with world.reading() as reading:
            await eventually(_arrives())  # by Kafka, not by refill
            await in_thread(own_broker.wipe)
            await eventually(_grows(ids, 5 * len(KEYS)))
            await in_thread(own_broker.start)
            await library.apply(world.bootstrap, world.topics)
            await eventually(_arrives())
            over.set()
            await writer
            await reading.consumer.caught_up()
    finally:
        over.set()
        supervisor.cancel()
        await asyncio.gather(writer, supervisor, return_exceptions=True)
    assert set(codes) <= {EXIT}  # or it is back before a send of theirs has become uncertain
    assert await exactly_once(world, ids)


async def test_an_owner_that_slept_with_a_fetched_batch_doubles_nothing_when_it_wakes(world: KafkaWorld):
    line = (
        "tests.contracts.bus.worker",
        url_of(world.database.addresses["reader"]),
        "0.8",
        world.node,
        world.bootstrap,
    )
    async with process(*line) as sleeper:
        ids = await world.write("k")
        watcher = world.consumer()  # never run: it only asks
        await watcher.caught_up()
        ids += await world.write(SLOW, *KEYS)
        assert sleeper.stdout is not None
        assert await sleeper.stdout.readline() == b"slow\n"
        os.kill(sleeper.pid, signal.SIGSTOP)
        async with world.reading(connected=False) as reading:
            ids += await world.write(*KEYS)
            await reading.consumer.caught_up()
            os.kill(sleeper.pid, signal.SIGCONT)
            await sleeper.wait()
            ids += await world.write(*KEYS)
            await reading.consumer.caught_up()
    assert await exactly_once(world, ids)


async def test_a_consumer_that_is_left_while_the_broker_is_gone_leaves_nothing_running(
    world: KafkaWorld, own_broker: Broker, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.ERROR, logger="aiokafka")  # a node's own logs, set up before, leave it out
    async with none_left_running(), library.consumer(world.bootstrap, node=world.node) as client:
        await client.place({("source", part): 0 for part in range(PARTS)})
        await in_thread(own_broker.kill)
        await eventually(lambda: "Failed fetch messages" in caplog.text)  # now it rests until it tries again


async def test_a_producer_that_is_left_while_no_broker_takes_its_message_leaves_nothing_running(
    world: KafkaWorld, own_broker: Broker
):
    [topic] = [each.name for each in world.topics]
    async with none_left_running():
        async with library.producer(world.bootstrap, node=world.node) as producer:
            assert await producer.partitions(topic) == PARTS
            await in_thread(own_broker.kill)
            sent = await producer.send(topic, 0, [], b"{}")
        with pytest.raises(KafkaError):
            await sent  # who waits for it is told


async def test_a_client_that_is_cancelled_while_it_starts_leaves_nothing_running(world: KafkaWorld):
    async with none_left_running(), answering_once(world.bootstrap) as (bootstrap, silent):
        starting = asyncio.create_task(_started(bootstrap))
        await silent.wait()
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting


async def _started(bootstrap: str) -> None:
    async with library.consumer(bootstrap, node="any"):
        raise AssertionError("it has nothing to start with")


@contextlib.asynccontextmanager
async def answering_once(bootstrap: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A broker that says what it speaks, and is silent when it is asked more."""
    silent = asyncio.Event()
    host, _, port = bootstrap.rpartition(":")

    async def connected(reader: StreamReader, writer: StreamWriter) -> None:
        source, sink = await asyncio.open_connection(host, int(port))
        sink.write(await _frame(reader))
        writer.write(await _frame(source))
        sink.close()
        await _frame(reader)
        silent.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", silent
    finally:
        server.close()


async def _frame(reader: StreamReader) -> bytes:
    size = await reader.readexactly(4)
    return size + await reader.readexactly(int.from_bytes(size))


async def exactly_once(world: KafkaWorld, ids: list[object]) -> bool:
    """Every event had its effect once, and those of each key in the order in which they were written."""
    effects = await world.effects()
    assert len(effects) == len(ids)
    assert set(effects) == set(ids)
    order = "select count(*) from (select number < lag(number) over (partition by stream, part order by place) as back"
    return await world.admin.fetchval(order + " from reader.effect) each where back") == 0


async def _write_until(over: asyncio.Event, world: KafkaWorld, ids: list[object]) -> None:
    while not over.is_set():  # not cancelled: a transaction cut off at its begin would hide what comes after it
        ids += await world.emit(*KEYS)
        await world.order()
        await asyncio.sleep(0.05)


def _grows(ids: list[object], by: int):
    end = len(ids) + by
    return lambda: len(ids) >= end


def _arrives():
    counter = APPLIED.labels("reader", "source", "arrived")._value
    before = counter.get()
    return lambda: counter.get() > before
