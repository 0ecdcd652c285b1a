"""What a small statement costs its process: through SQLAlchemy's `execute`, and through `fetch` beneath it."""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from statistics import median

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.figures import Table
from bench.standing import Standing
from creditmesh.chassis.database.engine import engine
from creditmesh.chassis.database.fetch import fetch

TIMES, ROUNDS = 1000, 7
_HEADS = text("select part, number, last from bus.heads(:stream)")
_VALUES = {"stream": "ingestion"}


async def measure(standing: Standing) -> Table:
    """The same statement of twelve rows, in turns, in transactions that have begun."""
    url = standing.sandbox.server.admin_url.set(database=standing.node.settings.node)
    pool = engine(url, application_name="bench")
    rounds: dict[str, list[float]] = {"execute": [], "fetch": []}
    try:
        async with pool.begin() as connection:
            ways = {"execute": partial(_executed, connection), "fetch": partial(fetch, connection, _HEADS, _VALUES)}
            for way in ways.values():
                await _timed(way)
            for _ in range(ROUNDS):
                for name, way in ways.items():
                    rounds[name].append(await _timed(way))
    finally:
        await pool.dispose()
    table = Table("statements: CPU of the process for one statement of twelve rows", samples=rounds)
    table.rows = [{"": name, "us": median(times), "least": min(times)} for name, times in rounds.items()]
    return table


async def _executed(connection: AsyncConnection) -> object:
    return (await connection.execute(_HEADS, _VALUES)).all()


async def _timed(way: Callable[[], Awaitable[object]]) -> float:
    began = time.process_time()
    for _ in range(TIMES):
        await way()
    return (time.process_time() - began) / TIMES * 1e6
