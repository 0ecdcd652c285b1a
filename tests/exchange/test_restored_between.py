"""A node between others was restored: what a child replaced or ended in the lost time is so there too."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

from creditmesh.catalogue import operations as catalogue
from creditmesh.catalogue.objects import entry_of
from creditmesh.exchange.operations import restoring
from creditmesh.exchange.operations.comparing import compared
from creditmesh.schemas.events import HolderChanged
from tests.exchange.conftest import neighbour, row_of
from tests.exchange.test_restoring import correct, penalty, resident, restored, submit, withdraw
from tests.support.chain import Chain, Place, chained, copied, size_of
from tests.support.eventually import eventually
from tests.support.node import TestNode
from tests.support.postgres import Postgres
from tests.support.restoring import copied as database_copied
from tests.support.restoring import put_back, started

PLACES = (
    Place(code="nation", tier="nation"),
    Place(code="province", tier="province", above="nation"),
    Place(code="city", tier="city", above="province"),
)
CONTENT = """
    select record, rev from exchange.feed_entry
     where feed = 'up' and body is not null and change in ('accepted', 'corrected') order by index
"""
LOST = "select count(*) from exchange.lost_entry"
LOST_COPIES = "select record, rev from exchange.lost_entry where feed = 'up' and why = 'copy'"
WRITES_NOTHING = "select pg_current_xact_id_if_assigned() is null"
SAID = "insert into exchange.sent_revision (record, rev, peer, index, change) values ($1, $2, $3, $4, $5)"
TOLD = """
    insert into exchange.acknowledgement_made (peer, feed, first, until, data, beyond, sent_at, stream)
    select $1, 'up', cast($2 as bigint), cast($2 as bigint) + 1, m.data, '{}', newest.at + $3, m.stream
      from (select max(cast(cast(line as json) ->> 'at' as timestamptz)) as at
              from exchange.feed_entry where feed = 'up') newest
     cross join (select data, stream from exchange.acknowledgement_made where peer = 'city' limit 1) m
"""
ANSWERED = """
    select coalesce(max(upper(r)), 0) from exchange.answer cross join unnest(applied) r
     where feed = 'up' and node = 'nation'
"""


async def test_what_a_child_replaced_and_ended_in_the_lost_time_is_found_again(postgres: Postgres, tmp_path: Path):
    async with chained(postgres, tmp_path, *PLACES) as chain:
        city, province, nation = chain["city"], chain["province"], chain["nation"]
        stays = await submit(city, 1)
        await chain.settled()
        await database_copied(province)
        corrected, ended = await submit(city, 2), await submit(city, 3)
        today = city.host.clock.legal_date()
        row = penalty("示市监罚〔2026〕2号", today=today, CF_XDR_ZJHM=resident(2), CF_SY="未按期公示年报。")
        await correct(city, corrected, row)
        await answered_by_the_nation_alone(chain, ended)
        await put_back(province)
        await started(city)
        await eventually(lambda: _is_behind(province))
        assert (await restored(province))[1:] == []
        await eventually(lambda: _nothing_is_lost(province))
        await submit(city, 4)  # who has answered is asked again
        await eventually(lambda: _is_complete(city, ended))
        await chain.settled()
        await eventually(lambda: _says_of(province, {stays: [1], corrected: [2], ended: []}))
        for node in (city, nation):
            assert [await newest_at(node, each) for each in (corrected, ended)] == [(2, "published"), (2, "withdrawn")]


async def test_lost_copies_are_settled_by_the_same_that_their_senders_said_since(postgres: Postgres, tmp_path: Path):
    async with chained(postgres, tmp_path, *PLACES) as chain:
        city, province = chain["city"], chain["province"]
        await submit(city, 1)
        await chain.settled()
        await database_copied(province)
        corrected, ended = await submit(city, 2), await submit(city, 3)
        today = city.host.clock.legal_date()
        row = penalty("示市监罚〔2026〕2号", today=today, CF_XDR_ZJHM=resident(2), CF_SY="未按期公示年报。")
        await correct(city, corrected, row)
        await answered_by_the_nation_alone(chain, ended)
        await put_back(province)
        await eventually(lambda: _is_behind(province))
        await fetched_back(province)
        gone = {(corrected, 1), (corrected, 2), (ended, 1), (ended, 2)}
        assert await lost_copies(province) == gone
        other = row_of("cityb", neighbour("cityb", tmp_path / "other").keys, place="below", order=703)
        async with province.context("catalogue") as ctx:
            await catalogue.publish(ctx, [entry_of("party", other | {"sends_for": ["cityb"]})], issued_by="province")
        await province.settled()
        hour = timedelta(hours=1)
        await was_answered_for(province, (ended, 2), "withdrawn", by="cityb", place=0, after=hour)
        await was_answered_for(province, (corrected, 2), "waits", by="city", place=0, after=hour)
        await was_answered_for(province, (corrected, 1), "accepted", by="city", place=1, after=-hour)
        async with province.context("exchange") as ctx:
            await restoring.settle_copies(ctx, 0)
            assert await (await ctx.session()).value(WRITES_NOTHING), "every process looks, each second"
        assert await lost_copies(province) == gone
        await started(city)
        assert (await restored(province))[1:] == []
        await eventually(lambda: _nothing_is_lost(province))
        await submit(city, 4)
        await eventually(lambda: _is_complete(city, ended))


async def fetched_back(node: TestNode) -> None:
    """All of `up`, while others who read feeds of the node are away."""
    size, holds = 0, 1
    while size < holds:
        async with node.context("exchange") as ctx:
            page = await restoring.restore_page(ctx, "up")
        size, holds = page.size, page.holds or page.size


async def was_answered_for(
    node: TestNode, revision: tuple[str, int], change: str, *, by: str, place: int, after: timedelta
) -> None:
    """A peer has said that at this place, and was told so long after the newest entry of the node's own feed."""
    async with node.database.session() as session:
        await session.execute(SAID, UUID(revision[0]), revision[1], by, place, change)
        await session.execute(TOLD, by, place, after)


async def lost_copies(node: TestNode) -> set[tuple[str, int]]:
    async with node.database.session() as session:
        return {(str(row["record"]), row["rev"]) for row in await session.fetch(LOST_COPIES)}


async def answered_by_the_nation_alone(chain: Chain, record: str) -> None:
    """The city withdraws it, and is away before it hears that the nation has that; it has forgotten what it said."""
    city, province, nation = chain["city"], chain["province"], chain["nation"]
    async with nation.database.session() as session, session.transaction():
        await session.execute("lock table ingestion.revision in exclusive mode")
        await withdraw(city, record, 1)
        await eventually(partial(_has_gone_up, chain))
        await eventually(lambda: _has_forgotten(city, record))
        await city.host.stop()
    size = await size_of(province, "up")

    async def answers() -> bool:
        async with province.database.session() as session:
            return int(await session.fetchval(ANSWERED)) == size

    await eventually(answers)


async def newest_at(node: TestNode, record: str) -> tuple[int, str]:
    query = "select rev, state from ingestion.revision where record = $1 order by rev desc limit 1"
    async with node.database.session() as session:
        return tuple(await session.fetchrow(query, UUID(record)))


async def _has_gone_up(chain: Chain) -> bool:
    province, nation = chain["province"], chain["nation"]
    async with province.database.session() as session:
        said = "select count(*) from exchange.feed_entry where feed = 'up' and change in ('corrected', 'withdrawn')"
        both = await session.fetchval(said) == 2
    return both and await copied(nation, "province", "up") == await size_of(province, "up")


async def _has_forgotten(node: TestNode, record: str) -> bool:
    return await _says_of(node, {record: []})


async def _is_behind(node: TestNode) -> bool:
    return bool(compared(node.host.equipment["exchange"]).behind("up"))


async def _nothing_is_lost(node: TestNode) -> bool:
    async with node.database.session() as session:
        return int(await session.fetchval(LOST)) == 0


async def _is_complete(city: TestNode, record: str) -> bool:
    """Whether the nation and the province have proven at the city that they applied the end."""
    query = "select data from repair.propagation where record = $1 and rev = 2"
    async with city.database.session() as session:
        lines = [HolderChanged.model_validate_json(row["data"]) for row in await session.fetch(query, UUID(record))]
    return {each.holder for each in lines if each.proof is not None} == {"province", "nation"}


async def _says_of(node: TestNode, said: dict[str, list[int]]) -> bool:
    """Whether these revisions are all the content of these records that can be read in `up`."""
    async with node.database.session() as session:
        rows = await session.fetch(CONTENT)
    return {each: [row["rev"] for row in rows if str(row["record"]) == each] for each in said} == said
