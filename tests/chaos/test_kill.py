"""What was acknowledged survives `kill -9` of the node and of PostgreSQL, and has its effect once."""

import json
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from tests.support.processes import Victim, persist, victim
from tests.support.rows import penalties

ROWS = 2500
DECIDED = date(2026, 9, 1)
FEW = 40
"""Rows that are far less than the megabyte after which the server writes its log to the disk by itself."""
SHOWN = "select count(*) from query.record"
BEHIND_BUT_QUERY = """
    select (select count(*) from bus.event_queue) + (
        select coalesce(sum(h.number - p.number), 0)
          from bus.event_head h
          join (select stream, part, number from exchange.reader_position
                union all select stream, part, number from matching.reader_position
                union all select stream, part, number from repair.reader_position) p using (stream, part))
"""
DATABASE = "database"
TIMES = int(os.environ.get("CHAOS_TIMES", "1"))
"""How often everything is killed (`make chaos`)."""
IN_ONE = ("node", DATABASE, "node", DATABASE) * TIMES
"""Which of the node's processes is killed in each round, or the postmaster."""
EACH = ("ingestion", DATABASE, "query", "gateway") * TIMES
"""The same where every service is a process of its own."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="creditmesh-kill-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.timeout(600 * TIMES)
@pytest.mark.parametrize(("split", "rounds"), [(False, IN_ONE), (True, EACH)], ids=["one process", "each its own"])
def test_every_acknowledged_row_is_in_the_read_model_exactly_once_whatever_is_killed(
    folder: Path, *, split: bool, rounds: tuple[str, ...]
):
    with victim(folder, split=split) as node:
        hurt(node, rounds)


@pytest.mark.timeout(600 * TIMES)
def test_what_was_projected_and_not_on_the_disk_is_gone_with_its_position_and_comes_again_once(folder: Path):
    with victim(folder, split=True) as node:
        # The server's own writer looks every ten seconds: what is committed without waiting is not on the disk before.
        node.ask("alter system set wal_writer_delay = '10s'")
        node.ask("select pg_reload_conf()")
        sent, lost = 0, False
        while not lost:
            assert sent < FEW * len(IN_ONE), "the disk was never behind: nothing was tried"
            signalled(node, signal.SIGSTOP, ["query"])
            persist(node, penalties(range(sent, sent + FEW), decided=DECIDED), f"few-{sent}")
            sent += FEW
            eventually(lambda: node.ask(BEHIND_BUT_QUERY) == 0)
            others = node.node.children.keys() - {"query"}
            signalled(node, signal.SIGSTOP, others)
            signalled(node, signal.SIGCONT, ["query"])
            eventually(partial(shows, node, sent), every=0.01)
            signalled(node, signal.SIGSTOP, ["query"])
            node.kill_database()
            shown = node.ask(SHOWN)
            assert node.ask("select sum(number) from query.reader_position where stream = 'ingestion'") == shown
            lost = shown < sent
            signalled(node, signal.SIGCONT, node.node.children)
            eventually(partial(shows, node, sent))
        assert node.ask("select count(distinct record) from query.record where rev = 1") == sent


def shows(node: Victim, rows: int) -> bool:
    return node.ask(SHOWN) == rows


def signalled(node: Victim, what: signal.Signals, names: Iterable[str]) -> None:
    for name in names:
        node.node.children[name].process.send_signal(what)


def hurt(node: Victim, rounds: tuple[str, ...]) -> None:
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(10_000)))
    chance = random.Random(seed)
    print(f"seed {seed}")  # noqa: T201 - a failing run is looked at again with CHAOS_SEED
    acknowledged: set[str] = set()
    for number, what in enumerate(rounds):
        body = penalties(range(number * ROWS, (number + 1) * ROWS), decided=DECIDED)
        with ThreadPoolExecutor(1) as sender:
            answer = sender.submit(persist, node, body, f"round-{number}")
            time.sleep(chance.uniform(0.05, 0.9))
            if what == DATABASE:
                node.kill_database()
            else:
                node.kill_process(what)
            lines = answer.result()
        receipt = json.loads(lines[-1]["receipt"]["signed"])
        assert receipt["rows"] == ROWS
        assert receipt["accepted"] == ROWS, receipt
        again = persist(node, body, f"round-{number}")
        assert again == lines, "the retry with the same key answers what stands"
        acknowledged |= {line["record"] for line in lines[:-1]}
    assert len(acknowledged) == ROWS * len(rounds)
    assert node.ask("select count(*) from ingestion.revision") == len(acknowledged)
    eventually(lambda: node.ask("select count(*) from query.record") == len(acknowledged))
    read = "select count(*) from query.record where record = any($1::uuid[]) and rev = 1"
    assert node.ask(read, list(acknowledged)) == len(acknowledged)
    assert node.ask("select count(*) from bus.event_queue") == 0
    holes = "select count(*) from (select max(number) - count(*) as holes from bus.event_order group by stream, part) h"
    assert node.ask(holes + " where holes <> 0") == 0


def eventually(holds, *, every: float = 0.1) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, "it did not come true within a minute"
        time.sleep(every)
