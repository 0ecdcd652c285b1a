"""Looks at copies above are in the persons' logs at a restored node too, also at records of the time that was lost."""

from pathlib import Path
from uuid import UUID, uuid4

from creditmesh.exchange.operations.comparing import compared
from creditmesh.schemas.events import CopiesDisclosed
from tests.exchange.test_restored_between import PLACES
from tests.exchange.test_restoring import chain, restored, submit
from tests.support.chain import Chain, chained, copied, size_of
from tests.support.eventually import eventually
from tests.support.node import TestNode
from tests.support.postgres import Postgres
from tests.support.restoring import copied as database_copied
from tests.support.restoring import put_back

__all__ = ["chain"]
LOGGED = """
select convert_from(data, 'UTF8')::jsonb -> 'records' ->> 0 as record from query.access
 where convert_from(data, 'UTF8')::jsonb ->> 'node' is not null order by entry
"""


async def look(node: TestNode, record: str) -> None:
    """Somebody is shown the copy of this record."""
    async with node.database.session() as session:
        subject = await session.fetchval("select subject from ingestion.revision where record = $1", UUID(record))
    said = {
        "access": uuid4(), "caller": "department", "party": "finance", "officer": "W-1", "purpose": "statutory_duty",
        "ground": "statutory", "outcome": "released", "records": (UUID(record),), "subject": UUID(bytes=subject.bytes),
    }  # fmt: skip
    async with node.context("query") as ctx:
        ctx.emit(CopiesDisclosed.model_validate(said))


async def logged(node: TestNode) -> list[str]:
    async with node.database.session() as session:
        return [row["record"] for row in await session.fetch(LOGGED)]


async def test_a_look_at_a_record_of_the_lost_time_waits_until_that_is_here_again(chain: Chain):
    city, province = chain["city"], chain["province"]
    first = await submit(city, 1)
    await chain.settled()
    await database_copied(city)
    second = await submit(city, 2)
    await chain.settled()
    for record in (first, second):
        await look(province, record)

    async def told() -> bool:
        return sorted(await logged(city)) == sorted([first, second])  # of two persons, in any order

    await eventually(told)
    await put_back(city)
    await eventually(lambda: bool(compared(city.host.equipment["exchange"]).behind("up")))

    async def pulled() -> bool:
        return await copied(city, "province", "down-city") == await size_of(province, "down-city")

    await eventually(pulled)
    await restored(city)
    await eventually(told)


async def test_a_look_that_a_restored_node_between_hands_down_again_stands_once(postgres: Postgres, tmp_path: Path):
    async with chained(postgres, tmp_path, *PLACES) as places:
        city, province, nation = places["city"], places["province"], places["nation"]
        first = await submit(city, 1)
        await places.settled()
        await database_copied(province)
        await places.settled()
        await look(nation, first)
        await submit(city, 2)
        await eventually(lambda: _is_logged(city, [first]))
        await places.settled()
        handed = await size_of(province, "down-city")
        await put_back(province)
        await eventually(lambda: bool(compared(province.host.equipment["exchange"]).behind("down-city")))
        await restored(province)

        async def again() -> bool:
            """It is put into the feed once more, behind what came back of it."""
            return await size_of(province, "down-city") > handed

        await eventually(again)
        await places.settled()
        assert await logged(city) == [first]


async def _is_logged(node: TestNode, records: list[str]) -> bool:
    return await logged(node) == records
