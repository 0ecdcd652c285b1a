"""What was refused of a record that ended is seen to in turns, which cost what they look at and may wait for others."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

from creditmesh.chassis.ids import new_id
from creditmesh.exchange.operations import answering, passing
from creditmesh.exchange.passer import Passer
from creditmesh.exchange.store import child_entries, feeds, refusals, revisions
from creditmesh.exchange.store.child_entries import ChildEntry
from tests.exchange.conftest import City
from tests.exchange.sender import Puller
from tests.exchange.test_ended import come_to
from tests.exchange.test_pulling import puller  # noqa: F401 - a fixture

OTHERS, OF_RECORD, AT_ONCE = 60_000, 3_000, 150
SAY = """
insert into exchange.sent_revision (record, rev, peer, index, change)
select md5((i / 2)::text)::uuid, i % 2 + 1, 'district', 1000000 + i, 'reopened' from generate_series(0, $1 - 1) i
"""
SAY_OF = """
insert into exchange.sent_revision (record, rev, peer, index, change)
select $1, i + 1, 'district', i, case when i = $2 then 'repaired' else 'reopened' end from generate_series(0, $2) i
"""
REFUSE = """
insert into exchange.refused_entry (peer, feed, index, code, seen_to)
select 'district', 'up', $1 + i, 'unreadable_entry', true from generate_series(0, $2 - 1) i
"""
SHARE = """
insert into exchange.feed_entry (feed, index, line, record, rev, change)
select 'up', 1000000 + i, '{}', $1, i + 1, 'reopened' from generate_series(0, $2 - 1) i
"""
FETCHED = """
select sum(pg_stat_get_xact_blocks_fetched(oid))::bigint from pg_class
 where relname in ('sent_revision', 'sent_revision_pkey', 'refused_entry', 'refused_entry_pkey')
"""
COPY = "insert into exchange.copy_head (peer, feed) values ('district', 'up') on conflict do nothing"
COPY_OF = "insert into exchange.copy_head (peer, feed) values (:peer, 'up')"
REFUSE_OF = """
insert into exchange.refused_entry (peer, feed, index, code, seen_to)
select :peer, 'up', i, 'unreadable_entry', false from generate_series(1, :count) i
"""
HOLD = "select from exchange.copy_head where peer = 'district' and feed = 'up' for update"
MARKED = "select index from exchange.refused_entry where not seen_to order by index"
TOLD_IN_ONE = """
select max(said) from (
    select sum(jsonb_array_length(data -> 'replaced')) as said
      from (select xmin::text as done_by, convert_from(data, 'UTF8')::jsonb as data from exchange.received_page) p
     where jsonb_array_length(data -> 'replaced') > 0 group by done_by) t
"""


async def test_an_end_costs_what_its_record_has_however_much_others_say_and_is_refused(city: City):
    record = uuid4()
    async with city.node.database.session() as session:
        await session.execute(SAY, OTHERS)
        await session.execute(SAY_OF, record, OF_RECORD)
        await session.execute(REFUSE, 0, OF_RECORD)
        await session.execute("analyze exchange.sent_revision")
        await session.execute("analyze exchange.refused_entry")
    for after, limit, marked in ((0, 1, [0]), (0, 50, range(50)), (100, 50, range(100, 150))):
        assert await _marked(city, record, after=after, limit=limit) == list(marked)


async def test_what_an_answer_names_costs_what_its_records_have_once(city: City):
    """However many entries of a record that is shared it is about."""
    record, district = uuid4(), "district"
    tracked = [(index, record) for index in range(0, OF_RECORD, 6)]
    async with city.node.database.session() as session:
        await session.execute(SAY_OF, record, OF_RECORD)
        await session.execute(SHARE, record, OF_RECORD // 2)
        await session.execute("analyze exchange.sent_revision")
    async with city.node.context("exchange") as ctx:
        session = await ctx.session()
        before = await session.value(FETCHED)
        kept = await revisions.kept(session, district, tracked, feed="up")
        assert await session.value(FETCHED) - before < 2 * OF_RECORD
    assert [index for index, _ in tracked if index in kept] == [
        index for index, _ in tracked if index >= OF_RECORD // 2
    ]


async def _marked(city: City, record: UUID, *, after: int, limit: int) -> list[int]:
    async with city.node.context("exchange") as ctx:
        session = await ctx.session()
        before = await session.value(FETCHED)
        await refusals.mark_ended(session, "district", "up", {record: after}, limit=limit)
        assert await session.value(FETCHED) - before < 10 * OF_RECORD
        found = [row.index for row in await session.fetch(MARKED)]
        await ctx.rollback()
    return found


async def test_however_much_was_refused_of_a_record_it_is_told_some_at_a_time(puller: Puller):  # noqa: F811
    record = {"type": "record", "origin": puller.sender.who.code, "record": str(new_id())}
    puller.sender.add()
    await puller.step()
    for rev in range(2, AT_ONCE + 2):
        puller.sender.add(rev=rev, change="reopened", **record)
    await puller.step()
    await come_to(puller, set(range(AT_ONCE + 1)))
    puller.sender.add(rev=AT_ONCE + 2, change="repaired", **record)
    await puller.step()
    await come_to(puller, {0})
    async with puller.city.node.database.session() as session:
        assert await session.fetchval(TOLD_IN_ONE) == 50


async def test_a_copy_waits_for_no_other(city: City):
    async with city.node.context("exchange") as ctx:
        session = await ctx.session()
        for code, count in (("aaa", 60), ("zzz", 1)):
            await session.execute(COPY_OF, {"peer": code})
            await session.execute(REFUSE_OF, {"peer": code, "count": count})
        assert await answering.unseen_copies(ctx) == ["aaa/up", "zzz/up"]
        assert await answering.take_unseen(ctx, "zzz/up") is True
        assert await answering.unseen_copies(ctx) == ["aaa/up"]
        await ctx.rollback()


async def test_a_copy_that_somebody_holds_is_seen_to_later(city: City):
    async with city.node.database.session() as session:
        await session.execute(COPY)
        taking = session.transaction()
        await taking.start()
        await session.execute(HOLD)
        async with city.node.database.session() as other:
            await other.execute(REFUSE.replace("true", "false"), 2_000_000, 1)
        passer = Passer(cast("Any", SimpleNamespace(equipment=city.node.host.equipment["exchange"])))
        assert await passer._turn(answering.take_unseen, "district/up") is False, "and waits for nobody"
        await taking.rollback()
    await passer._turn(answering.take_unseen, "district/up")
    async with city.node.database.session() as session:
        assert await session.fetch(MARKED) == []


async def test_a_childs_feed_that_somebody_appends_to_is_appended_to_later(city: City):
    feed = "down-unheard"
    async with city.node.context("exchange") as other, city.node.context("exchange") as ctx:
        await feeds.hold(await other.session(), feed)
        await other.commit()
        await feeds.hold(await other.session(), feed)
        await child_entries.wait(await ctx.session(), [ChildEntry("unheard", "accessed", "{}")])
        assert await passing.pass_on_waiting(ctx, "unheard") is False
        await other.rollback()
        assert await passing.pass_on_waiting(ctx, "unheard") is True
        await ctx.rollback()
    async with city.node.database.session() as session:
        await session.execute("delete from exchange.feed_head where feed = $1", feed)
