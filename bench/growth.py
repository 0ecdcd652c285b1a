"""What a record and a query cost a city with few records in its tables, and with many: the same, at each size.

Records are handed in as a department does, until so many stand (`GROWTH_RECORDS`), or until no more are handed in to
reach the next size (`GROWTH_SECONDS`): what was reached then is the last. Nothing is written past the services: what
grows is all that a node keeps of a record, its feed and its vault included.
"""

import asyncio
import itertools
import os
import time
from dataclasses import dataclass, field
from statistics import median

from bench import latency, pace
from bench.figures import Table, centile, spread
from bench.ingest import BATCH, REQUESTS, Result, Taking, Way
from bench.query import PATH, question
from bench.standing import Standing, drained
from bench.wire import ask_for, post

RECORDS = int(os.environ.get("GROWTH_RECORDS", "5000000"))
LONGEST_IN_ALL = float(os.environ.get("GROWTH_SECONDS", "inf"))
FIRST, STEP = 50_000, 10
"""How many records the first figures are at; each later size is so many times the one before, the last is `RECORDS`."""
ROUNDS, RATE, SECONDS, CONNECTIONS = 3, 100, 6, 8
SENT, LONGEST = BATCH * REQUESTS, 900.0
SINGLE = 13_500_000
"""The order of the first single record: no file has it, nor its subject."""
NEW, KNOWN = Way("new", 2), Way("known", 2)


@dataclass
class Size:
    """The figures at one size of the tables."""

    records: int
    ways: dict[Way, Result] = field(default_factory=dict)
    single: list[float] = field(default_factory=list)
    queries: list[float] = field(default_factory=list)
    query_cost: tuple[float, float] = (0.0, 0.0)


async def measure(standing: Standing) -> Table:
    """At each size: files about new and about known subjects, single records, and queries about persons long there."""
    sizes: list[Size] = []
    async with standing.session() as session:
        taking = Taking(standing, session)
        records, end = 0, time.monotonic() + LONGEST_IN_ALL
        for wanted in _sizes():
            while records < wanted and time.monotonic() < end:
                await taking.hand_in(NEW)
                records += SENT
            await drained(session, LONGEST)
            size = Size(records)
            for way in (NEW, KNOWN) * ROUNDS:
                await taking.send(way, size.ways.setdefault(way, Result()))
                records += SENT
            await _singly(standing, size, first=SINGLE + 10_000 * len(sizes))
            await drained(session, LONGEST)
            await _asked(standing, size)
            await drained(session, LONGEST)
            sizes.append(size)
            if time.monotonic() > end:
                break
    return _table(sizes)


def _sizes() -> list[int]:
    growing = itertools.takewhile(lambda size: size < RECORDS, (FIRST * STEP**power for power in itertools.count()))
    return [*growing, RECORDS]


async def _singly(standing: Standing, size: Size, *, first: int) -> None:
    every = await pace.records(standing, RATE, seconds=latency.WARM + SECONDS, first=first)
    size.single = [1000 * (each.acknowledged - each.due) for each in latency.after(latency.WARM, every)]


async def _asked(standing: Standing, size: Size) -> None:
    persons = itertools.cycle(range(0, size.records, 2 * max(1, size.records // 20_000)))
    key, url = standing.key, standing.url
    node, server = standing.spent()
    size.queries = await ask_for(
        SECONDS, url, lambda: post(url, PATH, question(next(persons)), key=key), connections=CONNECTIONS
    )
    await asyncio.sleep(0.5)
    count = len(size.queries)
    now_node, now_server = standing.spent()
    size.query_cost = (1e6 * (now_node - node) / count, 1e6 * (now_server - server) / count)


def _table(sizes: list[Size]) -> Table:
    table = Table("growth: one city, by the records that stand there")
    for size in sizes:
        for way, result in size.ways.items():
            table.rows.append(
                {
                    "records": f"{size.records:,}",
                    "": str(way),
                    "a second": spread(result.sustained, ",.0f"),
                    "to the first size": _ratio(sizes[0].ways[way], result),
                    "node us": median(result.node),
                    "server us": median(result.server),
                }
            )
        table.rows.append({"records": f"{size.records:,}", "": f"single records, {RATE}/s", **_times(size.single)})
        node, server = size.query_cost
        rate = len(size.queries) / SECONDS
        asked = {"a second": f"{rate:,.0f}", "to the first size": len(sizes[0].queries) / len(size.queries)}
        asked |= {"node us": node, "server us": server, **_times([1000 * each for each in size.queries])}
        table.rows.append({"records": f"{size.records:,}", "": "queries", **asked})
    table.notes = [
        f"a second: until the read model has them; median of {ROUNDS} (least-greatest).",
        "to the first size: how many times the CPU of node and server a row takes; of queries, how many fewer.",
    ]
    table.samples = {str(size.records): {str(way): vars(result) for way, result in size.ways.items()} for size in sizes}
    return table


def _ratio(first: Result, now: Result) -> float:
    return (median(now.node) + median(now.server)) / (median(first.node) + median(first.server))


def _times(milliseconds: list[float]) -> dict[str, str | float | None]:
    return {"p50 ms": median(milliseconds), "p99 ms": centile(milliseconds, 0.99)}
