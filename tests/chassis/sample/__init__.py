"""A service's package with nothing but migrations, for the tests of the chassis."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from creditmesh.chassis.database.migrations import Package

SAMPLE = Package(name="sample", package="tests.chassis.sample", vault=frozenset({"resolve", "open"}))
OTHER = Package(name="other", package="tests.chassis.sample.other")
"""Another service of the same node, with a table of its own and no part in the vault."""


async def count(pool: AsyncEngine) -> int:
    """How many facts stand in its table, for another session than the one that wrote them."""
    async with pool.connect() as connection:
        return int(await connection.scalar(text("select count(*) from sample.fact")) or 0)
