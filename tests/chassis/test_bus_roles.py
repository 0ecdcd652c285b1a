"""What each role may do in the schema `bus`, asked as that role."""

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from creditmesh.chassis.bus.backlog import Backlog
from creditmesh.chassis.bus.declare import StreamOf, declare_streams
from creditmesh.chassis.bus.stream import body_of, heads, passed, read_stream, report
from creditmesh.chassis.database.session import Session
from tests.contracts.bus.world import NOTED, World, opened
from tests.support.postgres import Postgres


@pytest.fixture(scope="module")
async def world(postgres: Postgres) -> AsyncIterator[World]:
    async with opened(postgres) as world:
        await world.write("k")
        yield world


@pytest.mark.parametrize(
    "statement",
    [
        "select * from bus.event",
        "select * from bus.event_queue",
        "select * from bus.event_order",
        "select * from bus.event_head",
        "select * from bus.event_reader",
        "update bus.event set data = ''",
        "delete from bus.event",
        "delete from bus.event_queue",
        "insert into bus.event_order values ('source', 0, 99, 't', gen_random_uuid(), null)",
        "update bus.event_head set number = 0",
        "update bus.event_leader set epoch = 0",
        "update bus.node set parts = 1",
        "create table bus.mine ()",
        "create function bus.heads(text, text) returns int language sql as 'select 1'",
        "select * from source.fact",
        "select * from bus.read_reader('{0}', '{0}', 1)",
        "select bus.report('source', 'source', '{0}', '{1}')",
    ],
)
async def test_a_reader_is_refused(world: World, statement: str):
    async with world.database.session("reader") as session:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute(statement)


async def test_who_declares_it_reads_bodies_by_their_ids_and_nobody_else(world: World):
    body = f"select {body_of('source', part='0', event='gen_random_uuid()')}"
    async with world.database.session("reader") as session:
        assert await session.fetchval(body) is None
        for statement in ("update bus.body_source set data = ''", "delete from bus.body_source"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.execute(statement)
    for role in ("second", "stranger", "bus", "relay", "source"):
        async with world.database.session(role) as session:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.fetchval(body)


async def test_a_body_that_nobody_reads_by_its_id_any_more_cannot_be(world: World):
    of_reader = StreamOf(service="source", readers=frozenset({"reader"}), outbox=NOTED, keepers=frozenset({"reader"}))
    others = [StreamOf(service=each, readers=frozenset()) for each in ("reader", "second", "stranger")]
    for keepers, there in ((frozenset[str](), False), (frozenset({"reader"}), True)):
        async with world.database.session("ddl") as session:
            source = replace(of_reader, keepers=keepers)
            await declare_streams(Session(session), node="city", streams=[source, *others])
            assert await session.fetchval("select to_regclass('bus.body_source') is not null") is there


async def test_a_stranger_cannot_read_the_stream(world: World):
    async with world.database.session("stranger") as session:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute("select * from bus.read_source('{0}', '{0}', 1)")


@pytest.mark.parametrize(
    "statement",
    [
        "select * from source.fact",
        "select * from reader.reader_position",
        "select * from bus.event",
        "select * from bus.event_queue",
        "select * from bus.read_source('{0}', '{0}', 1)",
        "update bus.event set data = ''",
        "update bus.event_head set number = 0",
        "update bus.event_leader set epoch = 0",
        "delete from bus.event_queue",
        "insert into bus.event_order values ('source', 0, 99, 't', gen_random_uuid(), null)",
        "insert into bus.event_queue (stream, part, type, event) values ('source', 0, 't', gen_random_uuid())",
        "delete from bus.event_order",
        "truncate bus.event_queue",
    ],
)
async def test_the_orderers_role_is_refused(world: World, statement: str):
    async with world.database.session("bus") as session:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "select * from bus.event",
        "select * from bus.event_queue",
        "select * from bus.order_queued(1, 1)",
        "select bus.lead()",
        "select bus.evict('reader', 'source')",
        "update bus.event_head set number = 0",
        "insert into bus.event_queue (stream, part, type, event) values ('source', 0, 't', gen_random_uuid())",
    ],
)
async def test_the_relays_role_is_refused(world: World, statement: str):
    async with world.database.session("relay") as session:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute(statement)


async def test_a_reader_reads_its_stream_reports_for_itself_and_asks_for_the_pressure(world: World):
    async with world.pool.transaction() as session:
        found = await heads(session, "source")
        assert sum(head.number for head in found.values()) == 1
        events = await read_stream(session, "source", after=dict.fromkeys(found, 0), n=10)
        assert [event.type for event in events] == ["thing.happened"]
        await report(session, reader="reader", stream="source", numbers=dict.fromkeys(found, 0))
        assert (await Backlog().latest(session)).reader_lag == 1
        assert await passed(session, "source") == dict.fromkeys(found, 0)
        assert await passed(session, "reader") == {}, "nobody reads it"
    await world.emit("k")
    async with world.pool.session() as session:
        assert (await Backlog().latest(session)).queue_age > 0


@pytest.mark.parametrize(
    ("role", "stream"),
    [("reader", "reader"), ("reader", "stranger"), ("reader", "nowhere"), ("stranger", "source"), ("source", "source")],
)
async def test_who_does_not_read_a_stream_reports_nothing_of_it(world: World, role: str, stream: str):
    async with world.database.session(role) as session:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="reports nothing of it"):
            await session.execute("select bus.report($1, $2, '{0,1}', '{0,0}')", role, stream)


async def test_who_has_no_tables_of_a_reader_is_none(world: World):
    await world.admin.execute("grant execute on function bus.read_source to city_stranger")
    async with world.database.session("stranger") as session:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="reports nothing of it"):
            await session.execute("select bus.report('stranger', 'source', '{0}', '{0}')")


async def test_a_forged_number_is_no_more_than_the_head_and_no_less_than_nothing(world: World):
    async with world.pool.transaction() as session:
        least, most = -(2**63), 2**63 - 1
        before = (await Backlog().latest(session)).reader_lag
        await report(session, reader="reader", stream="source", numbers={0: least, 1: least, 2: least, 999: 5})
        assert (await Backlog().latest(session)).reader_lag >= before
        found = await heads(session, "source")
        await report(session, reader="reader", stream="source", numbers=dict.fromkeys(found, most))
        assert (await Backlog().latest(session)).reader_lag == 0
        await session.rollback()
