"""What a node costs that nobody uses: CPU, memory, commits and log."""

import asyncio
import time

import asyncpg

from bench import cost
from bench.figures import Table
from bench.standing import Standing

SECONDS, SETTLE = 20, 5
_COUNTS = """
select d.xact_commit, d.xact_rollback, w.wal_bytes::float8 as wal, w.wal_records
  from pg_stat_database d, pg_stat_wal w where d.datname = current_database()
"""


async def measure(standing: Standing) -> Table:
    """So many seconds of rest, after a few for what the start left to do."""
    await asyncio.sleep(SETTLE)
    async with standing.session() as session:
        before, began = await _counts(session), time.perf_counter()
        node, server = standing.spent()
        await asyncio.sleep(SECONDS)
        seconds = time.perf_counter() - began
        after = await _counts(session)
    node_after, server_after = standing.spent()
    table = Table(f"idle: a node of one process, {SECONDS} s")
    table.rows = [
        {
            "": "node",
            "CPU % of a core": 100 * (node_after - node) / seconds,
            "RSS MB": cost.memory(standing.processes),
        },
        {
            "": "PostgreSQL",
            "CPU % of a core": 100 * (server_after - server) / seconds,
            "RSS MB": cost.private(standing.postgres),
            "commits/s": (after["xact_commit"] - before["xact_commit"]) / seconds,
            "rollbacks/s": (after["xact_rollback"] - before["xact_rollback"]) / seconds,
            "WAL bytes/s": (after["wal"] - before["wal"]) / seconds,
            "WAL records/s": (after["wal_records"] - before["wal_records"]) / seconds,
        },
    ]
    table.notes = [
        "commits: also of transactions that only read; what is flushed shows as WAL.",
        "RSS of PostgreSQL: its shared pages counted once.",
    ]
    return table


async def _counts(session: asyncpg.Connection) -> asyncpg.Record:
    await session.execute("select pg_stat_force_next_flush()")
    row: asyncpg.Record | None = await session.fetchrow(_COUNTS)
    assert row is not None
    return row
