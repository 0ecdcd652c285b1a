"""When a node answers for what a peer sent: not before every service of it has gone by it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from creditmesh.catalogue import operations as catalogue
from creditmesh.catalogue.objects import entry_of
from creditmesh.chassis.packing import unpack
from creditmesh.exchange.operations import answering
from creditmesh.exchange.store import catching_up
from creditmesh.schemas.events import PageReceived
from tests.support.cast import ITEM, penalty, resident
from tests.support.chain import Chain, Place, chained, size_of
from tests.support.eventually import eventually
from tests.support.node import TestNode, department
from tests.support.postgres import Postgres

MARKET = department("market_regulation")
PLACES = (Place(code="province", tier="province"), Place(code="city", tier="city", above="province"))


@pytest.fixture(scope="module")
async def chain(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chain]:
    async with chained(postgres, tmp_path_factory.mktemp("chain"), *PLACES) as made:
        yield made


async def accepted(city: TestNode, decision: str, item: str = ITEM) -> UUID:
    row = penalty(decision, today=city.host.clock.legal_date(), CF_XDR_ZJHM=resident(30))
    answer = await city.client("ingestion", MARKET).post(f"/v1/items/{item}/records", json=[row])
    assert answer.status_code == 200, answer.text
    return UUID(orjson.loads(answer.content.splitlines()[0])["record"])


async def withdrawn(city: TestNode, record: UUID) -> None:
    client = city.client("ingestion", MARKET)
    answer = await client.post(
        f"/v1/records/{record}/withdrawal", json={"reason": "revoked"}, headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 200, answer.text


async def answered(city: TestNode) -> bool:
    """Whether the province has answered for all that the city's feed has."""
    query = "select upper(applied + refused) from exchange.answer where feed = 'up' and node = 'province'"
    async with city.database.session() as session:
        return await session.fetchval(query) == await size_of(city, "up")


async def test_a_node_answers_for_an_ending_when_its_queries_go_by_it_and_not_before(chain: Chain):
    city, province = chain["city"], chain["province"]
    record = await accepted(city, "示市监罚〔2026〕301号")
    await chain.settled()
    judged = "select count(*) from ingestion.revision where record = $1 and state = 'withdrawn'"
    shown = "select state from query.record where record = $1"
    async with province.database.session() as stalled, province.database.session() as looking:
        async with stalled.transaction():
            await stalled.execute("select from query.record where record = $1 for update", record)
            await withdrawn(city, record)
            await eventually(lambda: looking.fetchval(judged, record))
            await asyncio.sleep(2)  # what must not come has had its time
            assert await looking.fetchval(shown, record) == "published"
            assert not await answered(city), "it has answered for a withdrawal, and a query would show the record"
        await eventually(lambda: answered(city))
        assert await looking.fetchval(shown, record) == "withdrawn"


async def test_an_ending_is_not_answered_for_while_its_person_is_parked_anywhere_in_the_node(chain: Chain):
    city, province = chain["city"], chain["province"]
    record = await accepted(city, "示市监罚〔2026〕302号")
    await chain.settled()
    letter = (
        "insert into repair.dead_letter (stream, part, number, id, type, version, key, at, legal_date, data, error)"
        " select 'ingestion', part, 0, gen_random_uuid(), 'record.changed', 1, subject::text, now(), current_date, '{}'"
        "     , 'x'"
        "   from query.record where record = $1"
    )
    shown = "select state from query.record where record = $1"
    async with province.database.session() as session:
        await session.execute(letter, record)
        await withdrawn(city, record)
        await eventually(lambda: _is(session, shown, record, "withdrawn"))
        await asyncio.sleep(2)  # what must not come has had its time
        assert not await answered(city), "it has answered for a withdrawal that repair has not applied"
        await session.execute("delete from repair.dead_letter")
        await eventually(lambda: answered(city))


async def test_what_an_answer_relies_on_is_on_the_disk_before_it_leaves(chain: Chain):
    made = """
        insert into exchange.acknowledgement_made
               (peer, feed, first, until, data, beyond, ends, tracked, records, stream)
        select 'nobody', 'up', 0, 1, '{}', array_agg(number order by part), '{}', '{}', '{}', 'ingestion'
          from bus.heads('ingestion')
    """
    async with chain["province"].host.equipment["exchange"].pool.session() as session:
        await session.begin()
        await session.execute(made)
        await session.commit(lasting=False)
        inserted = await session.value("select pg_current_wal_insert_lsn()")
        waiting = await answering.unsent(session, "nobody", "up", limit=10)
        assert len(waiting.ready) == 1
        assert await session.value("select pg_current_wal_flush_lsn() >= :lsn", {"lsn": inserted})
        await session.execute("update exchange.acknowledgement_made set sent_at = now() where peer = 'nobody'")


async def test_the_node_above_knows_who_has_taken_over_that_an_item_is_withdrawn(chain: Chain):
    province, city = chain["province"], chain["city"]
    local = city.host.followed.item(ITEM, on=city.host.clock.legal_date()).model_copy(update={"code": "passing"})
    async with province.context("catalogue") as ctx:
        await catalogue.publish(ctx, [entry_of("item", local.model_dump(mode="json"))], issued_by="nation")
    async with province.context("catalogue") as ctx:
        await catalogue.withdraw(ctx, "item", "passing", basis="repealed")

    async def known() -> bool:
        size = await size_of(province, "down")
        feeds = (await province.operator().get("/v1/admin/feeds")).json()["items"]
        [down] = [each for each in feeds if (each["feed"], each["peer"]) == ("down", None)]
        applied = [{"first": 0, "until": size}]
        return size > 0 and down["answers"] == [{"node": "city", "applied": applied, "refused": []}]

    await eventually(known)
    assert city.host.followed.item("passing", on=city.host.clock.legal_date()) is None


async def test_what_was_refused_is_not_kept_and_what_was_accepted_is(chain: Chain):
    city, province = chain["city"], chain["province"]
    unheard = city.host.followed.item(ITEM, on=city.host.clock.legal_date()).model_copy(update={"code": "unheard"})
    async with city.context("catalogue") as ctx:
        await catalogue.publish(ctx, [entry_of("item", unheard.model_dump(mode="json"))], issued_by="nation")
    await city.settled()
    known, refused = (
        await accepted(city, "示市监罚〔2026〕303号"),
        await accepted(city, "示市监罚〔2026〕304号", "unheard"),
    )
    await chain.settled()
    await eventually(lambda: answered(city))
    async with province.database.session() as session:
        rows = await session.fetch("select data from exchange.received_page where feed = 'up'")
        held = await session.fetchval("select count(*) from ingestion.revision where record = $1", refused)
    entries = [entry for row in rows for entry in PageReceived.model_validate_json(unpack(row["data"])).received]
    told = {entry.line.record: entry for entry in entries if entry.line is not None}
    assert held == 0
    assert told[refused].body is None
    assert told[refused].line.record == refused, "its line is under the tree head"
    assert orjson.loads(told[known].body)["record"] == str(known)


async def test_a_character_that_other_readers_take_for_a_line_end_goes_up(chain: Chain):
    city, province = chain["city"], chain["province"]
    row = penalty(
        "示市监罚〔2026〕305号",
        today=city.host.clock.legal_date(),
        CF_XDR_ZJHM=resident(30),
        CF_CFJG="示例\u2028市\u0085局",
    )
    answer = await city.client("ingestion", MARKET).post(f"/v1/items/{ITEM}/records", json=[row])
    record = UUID(orjson.loads(answer.content.splitlines()[0])["record"])
    await chain.settled()
    async with province.database.session() as session:
        assert await _is(session, "select state from query.record where record = $1", record, "published")


async def _is(session: Any, query: str, record: UUID, state: str) -> bool:
    return bool(await session.fetchval(query, record) == state)


MUCH = """
insert into exchange.acknowledgement_made
       (peer, feed, first, until, data, beyond, ends, tracked, records, stream, sent_at)
select 'lagging', 'up', i, i + 1, '', '{}', '{}', '{}', '{}', 'ingestion', case when i < 10 then now() end
  from generate_series(0, cast(:count as integer) - 1) i
"""
READ = """
select sum(pg_stat_get_xact_tuples_returned(i))::bigint
  from (select cast('exchange.acknowledgement_made' as regclass) as i union all
        select indexrelid from pg_index where indrelid = cast('exchange.acknowledgement_made' as regclass)) r
"""
AGAIN = """
insert into exchange.acknowledgement_made
       (peer, feed, first, until, data, beyond, ends, tracked, records, stream, sent_at)
values ('lagging', 'up', 3000, 4000, '', '{}', '{}', '{}', '{}', 'ingestion', now()),
       ('lagging', 'up', 3500, 3501, '', '{}', '{}', '{}', '{}', 'ingestion', now())
"""


async def test_how_far_a_node_has_answered_is_read_off_one_row_however_much_is_not_sent(chain: Chain):
    async with chain["province"].context("exchange") as ctx:
        session = await ctx.session()
        await session.execute(MUCH, {"count": 3000})
        of = {"node": "city", "below": ["lagging"], "readers": ()}
        await catching_up.hear(session, "lagging", had=5000)
        before = await session.value(READ)
        assert (await catching_up.lagging(session, "up", **of))["lagging"] == (10, 5000)
        assert await session.value(READ) - before < 100
        await session.execute("update exchange.acknowledgement_made set sent_at = now() where peer = 'lagging'")
        assert (await catching_up.lagging(session, "up", **of))["lagging"] == (3000, 5000)
        await session.execute(AGAIN)
        assert (await catching_up.lagging(session, "up", **of))["lagging"] == (4000, 5000), "told anew within"
        assert await catching_up.gone_by(session, "lagging", "up") == 4000
        await ctx.rollback()
