"""A service's package with nothing but migrations, for the tests of the chassis."""

from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.versions import Package

SAMPLE = Package(name="sample", package="tests.chassis.sample", vault=frozenset({"resolve", "open"}))
OTHER = Package(name="other", package="tests.chassis.sample.other")
"""Another service of the same node, with a table of its own and no part in the vault."""


async def count(pool: Pool) -> int:
    """How many facts stand in its table, for another session than the one that wrote them."""
    async with pool.session() as session:
        return int(await session.value("select count(*) from sample.fact"))
