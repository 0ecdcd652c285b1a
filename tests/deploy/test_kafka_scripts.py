"""The scripts that obtain and run Apache Kafka."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.support.kafka import MISSING, SCRIPT, Broker

MAVEN_THAT_BREAKS = """#!/bin/sh
for word in "$@"; do case $word in -DoutputDirectory=*) out=${word#-DoutputDirectory=};; esac; done
/bin/mkdir -p "$out"; echo half > "$out/kafka_2.13-4.3.0.jar"; echo "[ERROR] connection lost"; exit 1
"""


def run_in(home: Path, *, path: str) -> subprocess.CompletedProcess[str]:
    scripts = home / "deploy" / "kafka"
    shutil.copytree(SCRIPT.parent, scripts, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    line = [sys.executable, str(scripts / "kafka.py"), "get"]
    return subprocess.run(line, check=False, capture_output=True, text=True, env={"PATH": path}, timeout=60)  # noqa: S603


def test_a_machine_without_java_is_told_so_in_one_line_and_code_3(tmp_path):
    done = run_in(tmp_path, path="/nonexistent")
    assert done.returncode == MISSING
    assert "java" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.kafka
@pytest.mark.skipif(shutil.which("java") is None, reason="KAFKA-SKIPPED: no java on the PATH")
def test_a_machine_without_maven_is_told_so_in_one_line_and_code_3(tmp_path):
    done = run_in(tmp_path, path=_tools(tmp_path, maven=None))
    assert done.returncode == MISSING
    assert "mvn" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.kafka
@pytest.mark.skipif(shutil.which("java") is None, reason="KAFKA-SKIPPED: no java on the PATH")
def test_a_half_download_is_never_taken_for_whole(tmp_path):
    path = _tools(tmp_path, maven=MAVEN_THAT_BREAKS)
    for _ in range(2):
        done = run_in(tmp_path, path=path)
        assert done.returncode == 1
        assert "connection lost" in done.stderr
    assert not list((tmp_path / ".kafka").glob("*/*.jar"))


@pytest.mark.kafka
async def test_a_killed_broker_comes_back_with_its_messages_and_a_wiped_one_without(broker: Broker):
    address = broker.bootstrap
    await _say(address, b"one")
    broker.kill()
    assert broker.start() == address
    assert await _end(address) == 1
    broker.wipe()
    assert broker.start() == address
    await _say(address, b"another")
    assert await _end(address) == 1


def _tools(folder: Path, *, maven: str | None) -> str:
    tools = folder / "tools"
    tools.mkdir()
    (tools / "java").symlink_to(os.path.realpath(shutil.which("java") or "java"))
    if maven is not None:
        (tools / "mvn").write_text(maven)
        (tools / "mvn").chmod(0o755)
    return str(tools)


async def _say(address: str, message: bytes) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic("words", num_partitions=1, replication_factor=1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=address, acks="all")
    await producer.start()
    await producer.send_and_wait("words", message, partition=0)
    await producer.stop()


async def _end(address: str) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=address)
    await consumer.start()
    words = TopicPartition("words", 0)
    end = (await consumer.end_offsets([words]))[words]
    await consumer.stop()
    return end
