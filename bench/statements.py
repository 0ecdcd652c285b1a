"""What a small statement costs its process, by what stands above the driver, and rows by how they are added."""

import time
from collections.abc import Awaitable, Callable
from functools import partial
from statistics import median

import asyncpg

from bench.figures import Table
from bench.standing import Standing
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import COPY_FROM, Session

TIMES, ROUNDS = 1000, 7
_HEADS = "select part, number, last from bus.heads(:stream)"
_ADDED = ("number", "text")
_VALUES = {"stream": "ingestion"}

Way = Callable[[], Awaitable[object]]


async def measure(standing: Standing) -> Table:
    """The same statement of twelve rows in turns, one session or one from a pool; then small writes."""
    address = standing.sandbox.server.admin.of(standing.node.settings.node)
    pool = Pool(address, application_name="bench")
    async with (
        pool.session() as session,
        asyncpg.create_pool(
            address.dsn, user=address.user, password=address.password, database=address.database, max_size=4
        ) as drivers,
    ):
        await session.script("create temporary table added (number integer, text text)")
        ways: dict[str, Way] = {
            "the driver": partial(session.driver.fetch, _HEADS.replace(":stream", "$1"), "ingestion"),
            "a session": partial(session.fetch, _HEADS, _VALUES),
            "a session of our pool": partial(_pooled, pool),
            "a connection of the driver's pool": partial(drivers.fetch, _HEADS.replace(":stream", "$1"), "ingestion"),
            f"{COPY_FROM - 1} rows inserted": partial(_added, session, COPY_FROM - 1),
            f"{COPY_FROM} rows copied": partial(_added, session, COPY_FROM),
        }
        rounds = await _rounds(ways)
    await pool.close()
    table = Table("statements: CPU of the process for one statement", samples=rounds)
    table.rows = [{"": name, "us": median(times), "least": min(times)} for name, times in rounds.items()]
    return table


async def _rounds(ways: dict[str, Way]) -> dict[str, list[float]]:
    rounds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, way in ways.items():
            spent = await _timed(way)
            if number:
                rounds[name].append(spent)
    return rounds


async def _pooled(pool: Pool) -> None:
    async with pool.session() as session:
        await session.fetch(_HEADS, _VALUES)


async def _added(session: Session, rows: int) -> None:
    await session.copy("pg_temp.added", _ADDED, [(number, "text") for number in range(rows)])


async def _timed(way: Way) -> float:
    began = time.process_time()
    for _ in range(TIMES):
        await way()
    return (time.process_time() - began) / TIMES * 1e6
