"""What a city acknowledged is at its province and at the nation exactly once, whatever was killed on the way."""

import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from tests.support.processes import Victim, chain, persist
from tests.support.rows import penalties

ROWS = 1000
DECIDED = date(2026, 9, 1)
DATABASE = "database"
ROUNDS = ("province", "nation", DATABASE, "city", "province")
"""Which node's process is killed in each round, or the postmaster that serves all of them."""
COPIES = (("city", "province"), ("province", "nation"))


@pytest.fixture
def nodes() -> Iterator[dict[str, Victim]]:
    with tempfile.TemporaryDirectory(prefix="creditmesh-chain-") as folder:
        Path(folder).chmod(0o755)
        with chain(Path(folder)) as nodes:
            yield nodes


@pytest.mark.timeout(600)
def test_every_acknowledged_row_is_at_every_tier_exactly_once_whatever_is_killed(nodes: dict[str, Victim]):
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(10_000)))
    chance = random.Random(seed)
    print(f"seed {seed}")  # noqa: T201 - a failing run is looked at again with CHAOS_SEED
    acknowledged: set[str] = set()
    for number, what in enumerate(ROUNDS):
        body = penalties(range(number * ROWS, (number + 1) * ROWS), decided=DECIDED)
        with ThreadPoolExecutor(1) as sender:
            answer = sender.submit(persist, nodes["city"], body, f"round-{number}")
            time.sleep(chance.uniform(0.05, 1.5))
            if what == DATABASE:
                nodes["city"].kill_database()
            else:
                nodes[what].kill_process("node")
            acknowledged |= {line["record"] for line in answer.result()[:-1]}
    assert len(acknowledged) == ROWS * len(ROUNDS)
    for code, node in nodes.items():
        eventually(lambda node=node: node.ask("select count(*) from query.record") == len(acknowledged), code)
        read = "select count(*) from query.record where record = any($1::uuid[]) and rev = 1"
        assert node.ask(read, list(acknowledged)) == len(acknowledged), code
        assert node.ask("select count(*) from ingestion.revision") == len(acknowledged), code
    for origin, holder in COPIES:
        assert head(nodes[origin]) == copied(nodes[holder], origin), "they hold the same history, by 32 bytes"
        once = "select count(*) = count(distinct (record, rev)) and count(*) = $1 from exchange.received"
        assert nodes[holder].ask(once, len(acknowledged)), "every entry came once"
        eventually(lambda holder=holder: nodes[holder].ask(UNSENT) == 0, f"{holder} has acknowledged")


UNSENT = "select count(*) from exchange.acknowledgement_made where sent_at is null"


def head(node: Victim) -> object:
    """The root of the node's own feed for who is above."""
    return node.ask("select root from exchange.feed_checkpoint where feed = 'up' order by size desc limit 1")


def copied(node: Victim, peer: str) -> object:
    """The root of the node's verified copy of that feed."""
    statement = "select root from exchange.copy_checkpoint where peer = $1 and feed = 'up' order by size desc limit 1"
    return node.ask(statement, peer)


def eventually(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < end, f"{what}: it did not come true within a minute and a half"
        time.sleep(0.1)
