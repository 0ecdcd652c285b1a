"""What nodes cost that nobody uses: CPU, memory, commits and log."""

import asyncio
import time

from bench import cost
from bench.figures import Table
from bench.standing import Sessions, Standing, chain_drained

SECONDS, SETTLE = 20, 5
_COUNTS = """
select d.xact_commit as commits, d.xact_rollback as rollbacks, w.wal_bytes::float8 as "WAL bytes"
  from pg_stat_database d, pg_stat_wal w where d.datname = current_database()
"""


async def measure(standing: Standing) -> Table:
    """So many seconds of rest, after a few for what the start left to do: of each node, and of PostgreSQL."""
    async with standing.sessions() as sessions:
        if len(sessions) > 1:
            await chain_drained(sessions)
        await asyncio.sleep(SETTLE)
        before, began = await _counts(sessions), time.perf_counter()
        spent = standing.spent_by_node()
        await asyncio.sleep(SECONDS)
        seconds = time.perf_counter() - began
        after = await _counts(sessions)
    table = Table(f"idle: {', '.join(standing.codes)}, one process each, {SECONDS} s")
    used = {name: 100 * (now - spent[name]) / seconds for name, now in standing.spent_by_node().items()}
    for name, share in used.items():
        table.rows.append({"": name, "CPU % of a core": share})
        if name in sessions:
            table.rows[-1]["RSS MB"] = cost.memory(standing.at(name).processes)
    table.rows[-1] |= {"RSS MB": cost.private(standing.postgres)}
    table.rows[-1] |= {f"{name}/s": (after[name] - before[name]) / seconds for name in before}
    table.notes = [
        "commits: also of transactions that only read; what is flushed shows as WAL.",
        "RSS of PostgreSQL: its shared pages counted once; it holds the database of every node.",
    ]
    return table


async def _counts(sessions: Sessions) -> dict[str, float]:
    counts = {"commits": 0.0, "rollbacks": 0.0}
    for session in sessions.values():
        await session.execute("select pg_stat_force_next_flush()")
        [row] = await session.fetch(_COUNTS)
        counts = {name: counts[name] + row[name] for name in counts} | {name: row[name] for name in ("WAL bytes",)}
    return counts
