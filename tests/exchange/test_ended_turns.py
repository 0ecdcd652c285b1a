"""What was refused of a record that ended is seen to in turns, which cost what they look at and may wait for others."""

from collections import Counter
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from creditmesh.chassis.ids import new_id
from creditmesh.chassis.packing import unpack
from creditmesh.exchange.operations import answering, passing, telling
from creditmesh.exchange.passer import Passer
from creditmesh.exchange.store import child_entries, feeds, refusals, revisions, waiting
from creditmesh.exchange.store.child_entries import ChildEntry
from creditmesh.schemas.events import PageReceived
from creditmesh.schemas.exchange import AcknowledgedBody
from tests.exchange.conftest import NOW, City
from tests.exchange.sender import Puller
from tests.exchange.test_ended import come_to
from tests.exchange.test_pulling import puller  # noqa: F401 - a fixture
from tests.support.eventually import eventually

OTHERS, OF_RECORD, AT_ONCE, MORE = 60_000, 3_000, 150, 10_000
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
REFUSE_KNOWN = """
insert into exchange.refused_entry (peer, feed, index, code, seen_to, record, rev)
select 'district', 'up', i, 'unreadable_entry', i >= cast(:unseen as integer), cast(:record as uuid), i / 2
  from generate_series(0, cast(:count as integer) - 1) i
"""
SHARE = """
insert into exchange.feed_entry (feed, index, line, record, rev, change)
select 'up', 1000000 + i, '{}', $1, i + 1, 'reopened' from generate_series(0, $2 - 1) i
"""
SET_ASIDE = """
insert into exchange.set_aside (feed, index, line, record, rev, change)
select 'up', 1000000 + rev, '{}', $1, rev, 'reopened' from generate_series(cast($2 as integer), cast($3 as integer)) rev
"""
FETCHED = """
select sum(pg_stat_get_xact_blocks_fetched(oid))::bigint from pg_class
 where relname in ('sent_revision', 'sent_revision_pkey', 'refused_entry', 'refused_entry_pkey')
"""
MORE_OF = """
with said as (
    insert into exchange.sent_revision (record, rev, peer, index, change)
    select cast(:record as uuid), 1000 + i, cast(:peer as text), 1000000 + i, cast(:change as text)
      from generate_series(1, cast(:count as integer)) i
    returning peer, index
)
insert into exchange.refused_entry (peer, feed, index, code, seen_to)
select peer, 'up', index, 'unreadable_entry', false from said
"""
END_OF = """
insert into exchange.sent_revision (record, rev, peer, index, change)
values (cast(:record as uuid), 10000000, cast(:peer as text), 10000000, 'repaired')
"""
AGAIN = "update exchange.refused_entry set seen_to = false where peer = :peer and index < 50"
UNTOLD = "select count(*)::int as count from exchange.refused_entry where peer = :peer and index < 1000000"
READ = """
select sum(pg_stat_get_xact_tuples_returned(i))::bigint
  from (values (cast('exchange.sent_revision' as regclass)), (cast('exchange.refused_entry' as regclass))) t(of)
 cross join lateral (select of union all select indexrelid from pg_index where indrelid = of) r(i)
"""
"""Rows that were read one after another, and entries of indices."""
COPY = "insert into exchange.copy_head (peer, feed) values ('district', 'up') on conflict do nothing"
COPY_OF = "insert into exchange.copy_head (peer, feed) values (:peer, 'up')"
REFUSE_OF = """
insert into exchange.refused_entry (peer, feed, index, code, seen_to)
select :peer, 'up', i, 'unreadable_entry', false from generate_series(1, :count) i
"""
LEFT = "select count(*) from exchange.child_entry where child = 'district'"
TELL = "insert into exchange.child_entry (child, type, body) values ('district', 'acknowledged', $1)"
TOLD = "select exists (select from exchange.feed_entry where feed = 'down-district' and body = $1)"
WAITS_SINCE = "select min(waitstart) from pg_locks where not granted and $1 = any(pg_blocking_pids(pid))"
HOLD = "select from exchange.copy_head where peer = 'district' and feed = 'up' for update"
MARKED = "select index from exchange.refused_entry where not seen_to order by index"
PAGES = "select xmin::text as written_by, data from exchange.received_page"


async def test_an_end_costs_what_it_marks_however_much_of_its_record_is_refused(city: City):
    """Also where most of it is not seen to yet; of two that have one number both are marked."""
    record, unseen = uuid4(), OF_RECORD - 100
    async with city.node.database.session() as session:
        await session.execute(SAY, OTHERS)
        await session.execute(SAY_OF, record, OF_RECORD)
        await session.execute("analyze exchange.sent_revision")
    async with city.node.context("exchange") as ctx:
        session = await ctx.session()
        await session.execute(REFUSE_KNOWN, {"record": record, "unseen": unseen, "count": OF_RECORD})
        for limit, until in ((1, 1), (1, 2), (50, 52)):
            before = await session.value(READ)
            await refusals.mark_ended(session, "district", "up", {record: OF_RECORD}, limit=limit)
            assert await session.value(READ) - before < 50 + 25 * limit
            marked = [row.index for row in await session.fetch(MARKED)]
            assert marked == list(range(unseen + until))
        await ctx.rollback()


@pytest.mark.parametrize("ends", [True, False])
async def test_a_turn_costs_what_it_looks_at_however_much_of_its_record_was_said(
    puller: Puller,  # noqa: F811
    *,
    ends: bool,
):
    record, peer = new_id(), puller.sender.who.code
    puller.sender.add()
    await puller.step()
    for rev in range(2, AT_ONCE + 2):
        said = {"type": "record", "origin": peer, "record": str(record)}
        puller.sender.add(rev=rev, change="reopened", **said)
    await puller.step()
    await come_to(puller, set(range(AT_ONCE + 1)))
    async with puller.city.node.context("exchange") as ctx:
        session = await ctx.session()
        await waiting.hold(session, peer, "up")
        await session.execute(AGAIN, {"peer": peer})
        await session.execute(MORE_OF, {"record": record, "peer": peer, "change": "reopened", "count": MORE})
        if ends:
            await session.execute(END_OF, {"record": record, "peer": peer})
        for turn in range(AT_ONCE // 50):
            before = await session.value(READ)
            assert await answering.take_unseen(ctx, f"{peer}/up")
            assert await session.value(READ) - before < 1_000
            told = 49 + 50 * turn if ends else 0  # the first of all is of no record
            assert await session.value(UNTOLD, {"peer": peer}) == AT_ONCE + 1 - told
        await ctx.rollback()


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


@pytest.mark.parametrize("shared", [True, False])
async def test_what_is_set_aside_until_it_is_said_again_is_not_said_to_be_kept_from_who_is_above(
    city: City, *, shared: bool
):
    """The node above shows the record: its end is answered for when it has come there again."""
    record, end, mark = uuid4(), 1, 2
    said = [
        (record, 1, "district", 0, "reopened"),
        (record, 2, "district", end, None),
        (record, 3, "district", 2, None),
    ]
    async with city.node.database.session() as session:
        await session.copy_records_to_table("sent_revision", schema_name="exchange", records=said)
        if shared:
            await session.execute(SHARE.replace("1000000", "5000000"), record, 1)
        await session.execute(SET_ASIDE, record, 2 if shared else 1, 2)
    async with city.node.context("exchange") as ctx:
        tracked = [(index, record) for index in range(3)]
        kept = await revisions.kept(await ctx.session(), "district", tracked, feed="up")
    assert kept == {mark}, "which stands nowhere"


async def test_what_became_of_a_record_is_read_once_for_each_of_its_places(city: City):
    record = uuid4()
    async with city.node.context("exchange") as ctx:
        session = await ctx.session()
        await session.execute(MORE_OF, {"record": record, "peer": "district", "change": None, "count": MORE})
        before = await session.value(READ)
        await telling.learn(session, "district", [record])
        assert await session.value(READ) - before < 10 * MORE
        assert await revisions.ended(session, "district", [record]) == {record: 1000 + MORE}
        await ctx.rollback()


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
        told = Counter[str]()
        for row in await session.fetch(PAGES):
            told[row["written_by"]] += len(PageReceived.model_validate_json(unpack(row["data"])).replaced)
    assert max(told.values()) == 50


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


async def test_what_is_told_to_children_does_not_wait_for_what_was_refused(city: City):
    numbers, database = count(90), city.node.database
    async with database.session() as moving, database.session() as held, database.session() as other:
        pid = await held.fetchval("select pg_backend_pid()")

        async def is_told() -> bool:
            """Something is, in one and the same time in which whoever sees to what was refused waits for us."""
            if (since := await other.fetchval(WAITS_SINCE, pid)) is None:
                return False
            body = AcknowledgedBody(by="province", at=NOW + timedelta(days=next(numbers)), entries=())
            await other.execute(TELL, text := body.model_dump_json())

            async def told() -> bool:
                return bool(await other.fetchval(TOLD, text))

            await eventually(told)
            return bool(await other.fetchval(WAITS_SINCE, pid) == since)

        await other.execute(COPY)
        async with held.transaction():
            async with moving.transaction():  # nobody sees to it before its row is held
                await moving.execute(HOLD)
                await other.execute(REFUSE.replace("true", "false"), 3_000_000, 1)
                await held.execute("select from exchange.refused_entry where index = 3000000 for update")
            await eventually(is_told)


@pytest.mark.parametrize(("size", "taken"), [(10, 500), (400_000, 3)])
async def test_a_child_is_told_much_at_once_and_of_what_is_large_less(city: City, size: int, taken: int):
    async with city.node.context("exchange") as ctx:
        session = await ctx.session()
        entry = ChildEntry("district", "acknowledged", "x" * size)
        await child_entries.wait(session, [entry] * (taken + 5))
        before = await session.value(LEFT)
        assert await passing.pass_on_waiting(ctx, "district")
        assert before - await session.value(LEFT) == taken
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
