"""NDJSON through the gateway of a whole node in one process, against raw COPY of the very rows it made.

Each round sends fresh rows about subjects the node knows (but has not in memory) with one request in flight, then with
two, then with two about subjects it has never seen. After each it waits until the node is idle and copies the very same
revisions, in transactions of the same size, into a table of the same definition beside it, so that both tables have the
same contents all along.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from uuid import UUID

import asyncpg

from bench import cost
from bench.figures import Table, centile, spread
from bench.rows import ITEM, penalties, receipt_in
from bench.standing import Standing, drained
from bench.wire import Wire, post

ROUNDS, SECONDS = 5, 60.0
"""As many rounds, or as begin in that time."""
BATCH, REQUESTS, CHUNK = 5000, 2, 1000

_BESIDE = """
create schema bench;
create table bench.revision (like ingestion.revision including all) partition by list (part);
do $$ begin
    for part in 0 .. (select parts - 1 from bus.node) loop
        execute format('create table bench.revision_%s partition of bench.revision for values in (%s)', part, part);
    end loop;
end $$;
"""
_COLUMNS = """
select array_agg(attname::text order by attnum) from pg_attribute
 where attrelid = 'ingestion.revision'::regclass and attnum > 0 and attgenerated = ''
"""


@dataclass
class Result:
    """What one way did in each round."""

    rates: list[float] = field(default_factory=list)
    sustained: list[float] = field(default_factory=list)
    node: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    batches: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Way:
    """How rows are sent."""

    subjects: str
    in_flight: int

    def __str__(self) -> str:
        return f"{self.in_flight} in flight, {self.subjects} subjects"


WAYS = (Way("known", 1), Way("known", 2), Way("new", 2))


async def measure(standing: Standing) -> Table:
    """All ways, interleaved with COPY."""
    results = {way: Result() for way in WAYS}
    copies = Result()
    async with standing.session() as session:
        await session.execute(_BESIDE)
        taking = Taking(standing, session)
        for _ in WAYS:
            await taking.send(Way("new", 2), Result())
            await taking.copy()
        end = time.monotonic() + SECONDS
        for _ in range(ROUNDS):
            for way, made in results.items():
                await taking.send(way, made)
                copy = await taking.copy()
                copies.rates += copy.rates
                copies.node += copy.node
                copies.server += copy.server
                made.ratios.append(made.rates[-1] / copy.rates[0])
            if time.monotonic() > end:
                break
    return _table(results, copies)


class Taking:
    """One node being sent rows, and the table beside its own."""

    def __init__(self, standing: Standing, session: asyncpg.Connection, *, orders: int = 0, subjects: int = 0) -> None:
        """Rows begin with these orders and subjects: two on one node must not send the same."""
        self._standing = standing
        self._session = session
        self._orders, self._subjects, self._again = orders, subjects, 0
        self._sent: list[UUID] = []

    async def send(self, way: Way, result: Result) -> None:
        """Send fresh rows and wait until the node has nothing left to do."""
        count = BATCH * REQUESTS
        before = self._standing.spent()
        began = time.perf_counter()
        result.batches += await self.hand_in(way)
        acknowledged = time.perf_counter() - began
        await drained(self._session)
        sustained = time.perf_counter() - began
        node, server = (after - then for after, then in zip(self._standing.spent(), before, strict=True))
        result.rates.append(count / acknowledged)
        result.sustained.append(count / sustained)
        result.node.append(node / count * 1e6)
        result.server.append(server / count * 1e6)

    async def hand_in(self, way: Way) -> list[float]:
        """Send fresh rows; how long each request took."""
        requests = [self._request(way) for _ in range(REQUESTS)]
        wires = [await Wire.to(self._standing.url) for _ in range(way.in_flight)]
        taken = await asyncio.gather(*(self._some(wire, requests[n :: len(wires)]) for n, wire in enumerate(wires)))
        for wire in wires:
            wire.close()
        return [seconds for each in taken for seconds in each]

    async def copy(self) -> Result:
        """Copy what was just made, in transactions of the node's size."""
        columns = await self._session.fetchval(_COLUMNS)
        rows: Sequence[asyncpg.Record] = await self._session.fetch(
            f"select {', '.join(columns)} from ingestion.revision where submission = any($1) order by id", self._sent
        )
        self._sent.clear()
        chunks = [[tuple(row) for row in rows[n : n + CHUNK]] for n in range(0, len(rows), CHUNK)]
        before, own = cost.seconds(self._standing.postgres), time.process_time()
        began = time.perf_counter()
        for chunk in chunks:
            await self._session.copy_records_to_table("revision", schema_name="bench", columns=columns, records=chunk)
        seconds = time.perf_counter() - began
        server, own = cost.seconds(self._standing.postgres) - before, time.process_time() - own
        each = 1e6 / len(rows)
        return Result(rates=[len(rows) / seconds], node=[own * each], server=[server * each])

    def _request(self, way: Way) -> bytes:
        orders = range(self._orders, self._orders + BATCH)
        self._orders += BATCH
        if way.subjects == "new":
            subjects = range(self._subjects, self._subjects + BATCH)
            self._subjects += BATCH
        else:  # in turn, so that each was last used before more others than a process keeps in memory
            subjects = range(self._again, self._again + BATCH)
            self._again = (self._again + BATCH) % self._subjects
        path, key = f"/v1/items/{ITEM}/records", self._standing.key
        body = penalties(orders, subjects)
        return post(self._standing.url, path, body, key=key, kind="application/x-ndjson")

    async def _some(self, wire: Wire, requests: Sequence[bytes]) -> list[float]:
        taken = []
        for request in requests:
            began = time.perf_counter()
            status, body = await wire.ask(request)
            taken.append(time.perf_counter() - began)
            receipt = receipt_in(body) if status == 200 else {}
            assert receipt.get("accepted") == BATCH, (status, receipt or body)
            self._sent.append(UUID(receipt["submission"]))
        return taken


def _table(results: dict[Way, Result], copies: Result) -> Table:
    table = Table(f"ingest: NDJSON of {BATCH:,} rows a request through the gateway, one process")
    table.rows.append(
        {
            "way": f"raw COPY, {CHUNK:,} rows a transaction",
            "rows/s": spread(copies.rates, ",.0f"),
            "to COPY": "1.00",
            "to the read model/s": None,
            "node us/row": median(copies.node),
            "server us/row": median(copies.server),
        }
    )
    for way, result in results.items():
        table.rows.append(
            {
                "way": str(way),
                "rows/s": spread(result.rates, ",.0f"),
                "to COPY": spread(result.ratios),
                "to the read model/s": median(result.sustained),
                "node us/row": median(result.node),
                "server us/row": median(result.server),
                "batch p50 s": median(result.batches),
                "p99 s": centile(result.batches, 0.99),
            }
        )
    table.notes = [
        f"{len(copies.rates) // len(WAYS)} rounds after one that does not count; median (least-greatest).",
        "us/row: CPU until the node is idle again, ordering and the read model included; node: of COPY, its client.",
    ]
    table.samples = {"copy": vars(copies), **{str(way): vars(result) for way, result in results.items()}}
    return table
