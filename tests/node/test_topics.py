"""`creditmesh-node topics` and `relay`, as an operator types them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
import yaml
from typer.testing import CliRunner, Result

from creditmesh.chassis.bus.declare import declare_streams
from creditmesh.chassis.bus.kafka.client import apply
from creditmesh.chassis.bus.kafka.topics import topics_of
from creditmesh.chassis.database.session import Session
from creditmesh.node.cli import app
from tests.support.postgres import Database, Postgres

TOPICS = ("catalogue", "exchange", "ingestion", "matching", "query", "repair")


@pytest.fixture(scope="module")
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    node = f"t{uuid4().hex[:10]}"

    async def declare(session: Session) -> None:
        await declare_streams(session, node=node, streams=[])

    made = await postgres.database(node=node, declare=declare)
    yield made
    await made.close()


@pytest.fixture
def settings(postgres: Postgres, database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    given = {
        "NODE": database.node,
        "PARTS": str(database.parts),
        "STATE": str(postgres.folder),
        "DATABASE": postgres.server.tcp.of(database.name).url,
        "BUS__KIND": "kafka",
        "BUS__BOOTSTRAP": "127.0.0.1:9",
        "BUS__REPLICATION": "1",
        "BUS__MIN_ISR": "1",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"CREDITMESH_{name}", value)
    return monkeypatch


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def test_the_declaration_names_a_topic_for_every_service_that_emits(settings, database: Database):
    done = run("topics", "print")
    assert done.exit_code == 0
    topics = yaml.safe_load(done.stdout)["topics"]
    assert [topic["name"] for topic in topics] == [f"{database.node}.{stream}" for stream in TOPICS]
    assert {topic["partitions"] for topic in topics} == {12}
    assert {topic["replicas"] for topic in topics} == {1}
    for topic in topics:
        assert topic["config"]["cleanup.policy"] == "delete"
        assert topic["config"]["min.insync.replicas"] == "1"


@pytest.mark.kafka
def test_topics_are_made_once_and_again_when_they_are_to_be_anew(settings, database: Database, kafka: str):
    settings.setenv("CREDITMESH_BUS__BOOTSTRAP", kafka)
    everything = "made " + ", ".join(f"{database.node}.{stream}" for stream in TOPICS)
    assert run("topics", "apply").stdout.split() == everything.split()
    assert run("topics", "apply").stdout.strip() == "all topics are there"
    assert run("topics", "apply", "--anew").stdout.split() == everything.split()


@pytest.mark.kafka
def test_a_topic_with_other_partitions_than_the_node_has_parts_is_refused_and_left_alone(
    settings, database: Database, kafka: str
):
    settings.setenv("CREDITMESH_BUS__BOOTSTRAP", kafka)
    wrong = topics_of(database.node, TOPICS, parts=5, replicas=1, min_isr=1)
    asyncio.run(apply(kafka, wrong, anew=True))
    done = run("topics", "apply")
    assert done.exit_code == 2
    assert "has 5 partitions and the node 12 parts" in " ".join(done.stderr.split())
    assert asyncio.run(apply(kafka, wrong)) == []


def test_settings_with_other_parts_than_the_node_are_refused(settings):
    settings.setenv("CREDITMESH_PARTS", "24")
    done = run("topics", "apply")
    assert done.exit_code == 2
    assert "12 parts" in " ".join(done.stderr.split())


def test_a_kafka_that_does_not_answer_is_said_so(settings):
    done = run("topics", "apply")
    assert done.exit_code == 2
    assert "127.0.0.1:9" in done.stderr


def test_a_database_that_does_not_answer_is_said_so(settings):
    settings.setenv("CREDITMESH_DATABASE", "postgresql://127.0.0.1:9/city")
    done = run("topics", "apply")
    assert done.exit_code == 2
    assert "cannot be read" in " ".join(done.stderr.split())


@pytest.mark.parametrize("words", [("topics", "apply"), ("topics", "print"), ("relay",)])
def test_the_embedded_bus_has_no_topics_and_nothing_to_relay(settings, words: tuple[str, ...]):
    settings.setenv("CREDITMESH_BUS__KIND", "embedded")
    done = run(*words)
    assert done.exit_code == 2
    assert "embedded" in done.stderr
