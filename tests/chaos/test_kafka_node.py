"""A node over Kafka, every service a process of its own, whose broker is killed and wiped in the middle of its work."""

import asyncio
import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from creditmesh.chassis.bus.event import part_of
from creditmesh.node import run_files, topics
from creditmesh.node.declaration import NODE
from tests.support.canary import Secret, sightings
from tests.support.kafka import Broker
from tests.support.processes import Victim, persist, victim
from tests.support.rows import penalties, penalty

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]
ROWS = 1500
DECIDED = date(2026, 9, 1)
WAITING = "select sum(h.number - p.number) from bus.event_head h join bus.event_published p using (stream, part)"


@pytest.fixture(scope="module")
def own_broker() -> Iterator[Broker]:
    with tempfile.TemporaryDirectory(prefix="creditmesh-kafka-") as folder:
        own = Broker(Path(folder))
        own.start()
        yield own
        own.wipe()


@pytest.fixture(scope="module")
def node(own_broker: Broker) -> Iterator[Victim]:
    with (
        tempfile.TemporaryDirectory(prefix="creditmesh-kafka-") as folder,
        pytest.MonkeyPatch.context() as environment,
    ):
        Path(folder).chmod(0o755)
        environment.setenv("KAFKA_BOOTSTRAP", own_broker.bootstrap)
        with victim(Path(folder), bus="kafka", split=True) as made:
            yield made


def test_a_submission_while_the_broker_is_killed_and_wiped_is_in_the_read_model_exactly_once(
    node: Victim, own_broker: Broker
):
    acknowledged: set[str] = set()
    for number, harm in enumerate((None, own_broker.kill, own_broker.wipe)):
        body = penalties(range(number * ROWS, (number + 1) * ROWS), decided=DECIDED)
        with ThreadPoolExecutor(1) as sender:
            answer = sender.submit(persist, node, body, f"round-{number}")
            if harm is not None:
                harm()
            lines = answer.result()
        assert json.loads(lines[-1]["receipt"]["signed"])["accepted"] == ROWS
        acknowledged |= {line["record"] for line in lines[:-1]}
        all_of_them = len(acknowledged)
        eventually(lambda n=all_of_them: node.ask("select count(*) from query.record") == n)  # Kafka or not
        own_broker.start()
        asyncio.run(topics.apply(node.node.settings))
    before = passed(node)
    orders = itertools.count(10_000)

    def more_arrives() -> bool:
        order = next(orders)
        [line, _] = persist(node, penalties(range(order, order + 1), decided=DECIDED), f"after-{order}")
        acknowledged.add(line["record"])
        return passed(node)["arrived"] > before["arrived"]

    eventually(more_arrives)
    eventually(lambda: node.ask("select count(*) from query.record") == len(acknowledged))
    read = "select count(*) from query.record where record = any($1::uuid[]) and rev = 1"
    assert node.ask(read, list(acknowledged)) == len(acknowledged) > 3 * ROWS
    assert before["arrived"] > 0
    assert before["refilled"] > 0
    assert node.ask("select count(*) from query.dead_letter") == 0
    assert node.node.children["relay"].restarts >= 1
    assert node.sandbox.alive


def test_nothing_that_names_a_person_is_in_a_header_and_a_planted_name_is_found(node: Victim, own_broker: Broker):
    order = 20_000
    persist(node, penalties(range(order, order + 50), decided=DECIDED), "canaries")
    row = penalty(order, decided=DECIDED)
    who = [Secret(field, row[field]) for field in ("CF_XDR_MC", "CF_XDR_ZJHM")]
    what = [Secret(field, row[field]) for field in ("CF_WSH", "CF_SY", "CF_NR")]
    eventually(lambda: node.ask(WAITING) == 0)
    found = asyncio.run(records(own_broker.bootstrap))
    headers = [(f"header {name}", value) for record in found for name, value in record.headers]
    assert len(found) >= 50
    assert {record.key for record in found} == {None}
    assert sightings(headers, who + what) == []
    assert sightings([("body", record.value) for record in found], who) == []
    planted = [*headers, ("header ce_key", f"x {row['CF_XDR_MC']} y".encode())]
    assert [sighting.secret for sighting in sightings(planted, who + what)] == ["CF_XDR_MC"]


def test_a_dead_letter_is_listed_on_a_node_whose_services_are_processes_of_their_own(node: Victim):
    key, ids = "a key", [uuid4(), uuid4()]
    for each in ids:
        node.ask(
            "insert into bus.event values ('ingestion', $1, $2, 'access.recorded', 1, $3, now(), now(), null, '{}')",
            part_of(key, 12),
            each,
            key,
        )
        queued = (
            "insert into bus.event_queue (stream, part, type, event) values ('ingestion', $1, 'access.recorded', $2)"
        )
        node.ask(queued, part_of(key, 12), each)
    eventually(lambda: node.ask("select count(*) from query.dead_letter") == 2)
    listed = node.command("dead", "list")
    assert listed.returncode == 0, listed.stderr
    lines = [line.split() for line in listed.stdout.splitlines() if "access.recorded" in line]
    (line,) = lines
    number = node.ask("select number from bus.event_order where event = $1", ids[0])
    assert [cell for cell in line if cell.isalnum()][:4] == ["query", "ingestion", str(part_of(key, 12)), str(number)]
    assert "ValidationError" in listed.stdout
    assert key not in listed.stdout


async def records(bootstrap: str) -> list[ConsumerRecord]:
    """All that the node's topics hold."""
    parts = [TopicPartition(f"city.{stream}", part) for stream in NODE.streams for part in range(12)]
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign(parts)
        total = sum((await consumer.end_offsets(parts)).values())
        await consumer.seek_to_beginning(*parts)
        found: list[ConsumerRecord] = []
        while len(found) < total:
            for some in (await consumer.getmany(timeout_ms=500)).values():
                found += some
        return found
    finally:
        await consumer.stop()


def passed(node: Victim) -> dict[str, float]:
    """How many events the query service has passed, by the way they came."""
    [query] = [found for found in run_files.read(node.node.settings.state) if "query" in found.services]
    text = httpx.get(f"{query.operator}/metrics", timeout=60).text
    ways = {"arrived": 0.0, "refilled": 0.0}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == "creditmesh_bus_applied_total":
                ways[sample.labels["way"]] += sample.value
    return ways


def eventually(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, "it did not come true within a minute"
        time.sleep(0.1)
