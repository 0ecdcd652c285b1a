"""How many records a second go from files handed in at the city into the nation's answers, all services on.

For some seconds files are sent as fast as the city takes them; then it waits until the nation has every record. Where
the chain is narrow shows at the end of sending: how far behind each reader of each node is, and each copy of a feed.
"""

import asyncio
import time

from bench.figures import Table
from bench.ingest import BATCH, REQUESTS, Result, Taking, Way
from bench.standing import Sessions, Standing, chain_drained, copies_behind, lags

SECONDS, LONGEST = 15.0, 300.0
WAY = Way("new", 2)
_COUNT = "select count(*) from query.record"


async def measure(standing: Standing) -> Table:
    """Rates, CPU a record of each node and of PostgreSQL, and what was behind when sending ended."""
    async with standing.sessions() as sessions:
        taking = Taking(standing, sessions["city"], orders=7_000_000, subjects=500_000)
        await taking.send(WAY, Result())
        await chain_drained(sessions, LONGEST)
        already = await sessions["nation"].fetchval(_COUNT)
        spent, began = standing.spent_by_node(), time.perf_counter()
        count = 0
        while time.perf_counter() < began + SECONDS:
            await taking.hand_in(WAY)
            count += REQUESTS * BATCH
        accepted = time.perf_counter() - began
        behind = await _behind(sessions)
        await _arrived(sessions, already + count)
        arrived = time.perf_counter() - began
        await chain_drained(sessions, LONGEST)
        took = {name: now - spent[name] for name, now in standing.spent_by_node().items()}
    table = Table(f"sustained: NDJSON of {BATCH:,} rows a request at the city, {WAY}")
    table.rows = [
        {"": "accepted at the city", "records": count, "records/s": count / accepted},
        {"": "in the nation's answers", "records": count, "records/s": count / arrived},
    ]
    table.rows += [{"": f"CPU of {name}", "us a record": 1e6 * each / count} for name, each in took.items()]
    table.rows += [{"": name, "behind": each} for name, each in sorted(behind.items(), key=lambda b: -b[1]) if each]
    table.notes = ["behind: events or entries that a reader or a copy had before it when the last file was accepted."]
    return table


async def _behind(sessions: Sessions) -> dict[str, int]:
    readers = {code: await lags(session) for code, session in sessions.items()}
    found = {f"{reader} of {code}": each for code, of in readers.items() for reader, each in of.items()}
    queued = {
        f"orderer of {code}": await session.fetchval("select count(*)::int from bus.event_queue")
        for code, session in sessions.items()
    }
    return {**found, **queued, **await copies_behind(sessions)}


async def _arrived(sessions: Sessions, count: int) -> None:
    async with asyncio.timeout(LONGEST):
        while await sessions["nation"].fetchval(_COUNT) < count:  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.2)
