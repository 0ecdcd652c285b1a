"""A process that is told to stop while it works ends in good order: in time, with code 0, and nothing lost."""

import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Self

import httpx
import orjson
import pytest

from tests.support.processes import Victim, victim
from tests.support.rows import ITEM, penalties

SENDERS, ROWS = 3, 60
DECIDED = date(2026, 9, 1)
DRAINED = 15.0
"""Seconds: those a process waits for requests under way (10), and some for its units and pools."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="creditmesh-stop-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


class Load:
    """Senders that go on until told: what they sent, what they were told, and how often they were not answered."""

    def __init__(self, node: Victim) -> None:
        self._url, self._key = node.url, node.key
        self.acknowledged: dict[str, list[str]] = {}
        self.statuses: Counter[int] = Counter()
        self.cut_off = 0
        self._lock, self._over = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,)) for number in range(SENDERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def underway(self) -> None:
        """Wait until some submissions were acknowledged and more are on their way."""
        end = time.monotonic() + 60
        while len(self.acknowledged) < 2 * SENDERS:
            assert time.monotonic() < end
            time.sleep(0.01)

    def on(self) -> None:
        """Wait until the senders have come through again."""
        before, end = len(self.acknowledged), time.monotonic() + 60
        while len(self.acknowledged) <= before + SENDERS:
            assert time.monotonic() < end, "the senders did not come through again"
            time.sleep(0.05)

    def _send(self, number: int) -> None:
        with httpx.Client(timeout=60) as client:
            turn = 0
            while not self._over.is_set():
                self._one(client, f"{number}-{turn}", (number * 10_000 + turn) * ROWS)
                turn += 1

    def _one(self, client: httpx.Client, key: str, first: int) -> None:
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Idempotency-Key": key,
            "Content-Type": "application/x-ndjson",
        }
        body = penalties(range(first, first + ROWS), decided=DECIDED)
        try:
            answer = client.post(f"{self._url}/v1/items/{ITEM}/records", content=body, headers=headers)
        except httpx.TransportError:
            with self._lock:
                self.cut_off += 1
            time.sleep(0.05)
            return
        with self._lock:
            self.statuses[answer.status_code] += 1
            if answer.status_code == 200:
                lines = [orjson.loads(line) for line in answer.content.splitlines()]
                assert orjson.loads(lines[-1]["receipt"]["signed"])["accepted"] == ROWS
                self.acknowledged[key] = [line["record"] for line in lines[:-1]]
        if answer.status_code == 503:
            assert answer.headers["retry-after"]
            assert {"detail", "detail_zh", "code"} <= answer.json().keys()
            time.sleep(0.05)


def told_to_stop(node: Victim, name: str) -> float:
    """SIGTERM one process; the seconds until it had ended, with code 0."""
    process, began = node.node.children[name].process, time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(DRAINED) == 0
    return time.monotonic() - began


def started_again(node: Victim, name: str) -> None:
    node.node.children[name] = node.node.children[name].restarted()
    node.node.children[name].ready()


def everything_is_there_once(node: Victim, load: Load) -> None:
    known = [record for records in load.acknowledged.values() for record in records]
    assert len(known) == len(set(known)) >= 2 * SENDERS * ROWS
    assert node.ask("select count(*) from ingestion.revision where id = any($1::uuid[])", known) == len(known)
    every = node.ask("select count(*) from ingestion.revision")
    assert node.ask("select count(distinct natural_key) from ingestion.revision") == every, "nothing is there twice"
    end = time.monotonic() + 60
    while node.ask("select count(*) from query.record where rev = 1") != every:
        assert time.monotonic() < end, "the read model did not come to have every record"
        time.sleep(0.1)


@pytest.mark.timeout(300)
def test_a_node_told_to_stop_under_load_drains_and_loses_nothing(folder: Path):
    with victim(folder) as node:
        run = folder / "city" / "run"
        with Load(node) as load:
            load.underway()
            told_to_stop(node, "node")
            assert not list(run.glob("*.json")), "it says no more that it runs"
            started_again(node, "node")
            load.on()
        assert load.statuses.keys() <= {200, 503}, load.statuses
        assert load.cut_off, "the control: it was away for a while"
        everything_is_there_once(node, load)
        log = node.node.children["node"].log.read_text(encoding="utf-8")
        assert '"level": "error"' not in log
        assert "Traceback" not in log
        with httpx.Client(timeout=60) as idle:
            assert idle.get(f"{node.url}/health/ready").status_code == 200
            assert told_to_stop(node, "node") < 5, (
                "nobody asks anything: it does not wait for a connection that is kept open"
            )
