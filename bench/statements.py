"""What a small statement costs its process: by the driver, by a session over it, by a pool's session; rows by copy."""

import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median

import asyncpg

from bench.figures import Table
from bench.standing import Standing
from creditmesh.chassis.database.connecting import connect
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import COPY_FROM, Session

TIMES, ROUNDS = 1000, 7
_HEADS = "select part, number, last from bus.heads(:stream)"
_HEADS_DRIVER = "select part, number, last from bus.heads($1)"
_STREAM = "ingestion"
_VALUES = {"stream": _STREAM}
_COPIED = "create temporary table copied (number integer not null, word text not null)"
Way = Callable[[], Awaitable[object]]


async def measure(standing: Standing) -> Table:
    """The same statement of twelve rows, in turns; and so many rows that are inserted, and one more, which is COPY."""
    address = standing.sandbox.server.admin.of(standing.node.settings.node)
    pool = Pool(address, application_name="bench", size=1)
    rounds: dict[str, list[float]] = {}
    async with _driver_pool(standing) as theirs:
        driver = await connect(address, application_name="bench")
        try:
            ways = await _ways(Session(driver), pool, theirs)
            for _ in range(ROUNDS + 1):
                for name, way in ways.items():
                    rounds.setdefault(name, []).append(await _timed(way))
        finally:
            await driver.close()
            await pool.close()
    samples = {name: times[1:] for name, times in rounds.items()}  # the first round prepares the statements
    table = Table("statements: CPU of the process for one statement of twelve rows, or one copy", samples=samples)
    table.rows = [{"": name, "us": median(times), "least": min(times)} for name, times in samples.items()]
    return table


def _driver_pool(standing: Standing) -> asyncpg.Pool:
    address = standing.sandbox.server.admin.of(standing.node.settings.node)
    return asyncpg.create_pool(
        address.dsn, user=address.user, password=address.password, database=address.database, min_size=1, max_size=1
    )


async def _ways(session: Session, pool: Pool, theirs: asyncpg.Pool) -> Mapping[str, Way]:
    await session.execute(_COPIED)

    async def pooled() -> None:
        async with pool.session() as own:
            await own.fetch(_HEADS, _VALUES)

    async def driver_pooled() -> None:
        async with theirs.acquire() as connection:
            await connection.fetch(_HEADS_DRIVER, _STREAM)

    def copied(count: int) -> Way:
        rows = [(number, str(number)) for number in range(count)]
        return lambda: session.copy("copied", ("number", "word"), rows)

    return {
        "driver": lambda: session.driver.fetch(_HEADS_DRIVER, _STREAM),
        "session": lambda: session.fetch(_HEADS, _VALUES),
        "pool and session": pooled,
        "the driver's own pool": driver_pooled,
        "one row": copied(1),
        f"{COPY_FROM - 1} rows, inserted": copied(COPY_FROM - 1),
        f"{COPY_FROM} rows, COPY": copied(COPY_FROM),
    }


async def _timed(way: Way) -> float:
    began = time.process_time()
    for _ in range(TIMES):
        await way()
    return (time.process_time() - began) / TIMES * 1e6
