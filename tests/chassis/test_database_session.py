"""A session: statements alone and in transactions, one kind of error without values, and when it is given up."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from creditmesh.chassis.bus.faults import Fault, fault_of
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.database.statements import compiled
from creditmesh.chassis.http.problems import of_error
from tests.chassis.sample import count
from tests.support.eventually import eventually

ADD = "insert into sample.fact (part, id, value) values (:part, :id, :value) returning id, value"
ALIVE = "select 1 from pg_stat_activity where pid = :pid"
PID = "select pg_backend_pid()"
PLANTED = "planted-990000"


def fact(**more: object) -> dict[str, object]:
    return {"part": 0, "id": uuid4(), "value": "x"} | more


async def test_a_statement_alone_commits_by_itself(pool: Pool):
    before, given = await count(pool), fact()
    async with pool.session() as session:
        [(id_, value)] = await session.fetch(ADD, given)
        assert (id_, value) == (given["id"], "x")
        assert await count(pool) == before + 1
        assert not session.in_transaction


async def test_a_row_is_read_by_place_by_name_and_as_what_the_driver_gives(pool: Pool):
    given = fact()
    async with pool.session() as session:
        row = await session.row(ADD, given)
        assert row is not None
        assert (row[0], row["id"], row.id, row.value) == (given["id"], given["id"], given["id"], "x")
        assert not hasattr(row, "missing")
        assert await session.row("select 1 where false") is None
        assert await session.value("select 1 where false") is None
        with pytest.raises(ValueError, match="2 rows"):
            await session.row("select generate_series(1, 2)")


async def test_an_execution_says_how_many_rows_it_touched(pool: Pool):
    ids = [uuid4() for _ in range(3)]
    async with pool.session() as session:
        assert await session.execute("set local jit = off") == 0
        adding = "insert into sample.fact (part, id) select 0, unnest(cast(:ids as uuid[]))"
        assert await session.execute(adding, {"ids": ids}) == 3
        assert await session.execute("select 1 from sample.fact where id = any(:ids)", {"ids": ids[1:]}) == 2


@pytest.mark.parametrize("ending", ["commit", "rollback", "leave"])
async def test_a_transaction_is_kept_when_it_is_committed_and_only_then(pool: Pool, ending: str):
    before = await count(pool)
    async with pool.session() as session:
        await session.begin()
        await session.fetch(ADD, fact())
        assert session.in_transaction
        assert await count(pool) == before
        if ending != "leave":
            await getattr(session, ending)()
    assert await count(pool) == before + (ending == "commit")


async def test_a_transaction_that_failed_can_be_rolled_back_and_is_not_said_to_be_committed(pool: Pool):
    given = fact()
    async with pool.session() as session:
        for _ in range(2):
            await session.begin()
            await session.fetch(ADD, given | {"id": uuid4()})
            with pytest.raises(DatabaseError):
                await session.fetch("select 1 / 0")
            assert session.in_transaction
            with pytest.raises(DatabaseError) as caught:
                await session.commit()
            assert caught.value.sqlstate == "25P02"
        await session.rollback()
        assert await session.value("select 1") == 1


async def test_a_repeated_key_breaks_a_constraint_and_shows_no_value(pool: Pool):
    before, given = await count(pool), fact(value=PLANTED)
    async with pool.session() as session:
        await session.begin()
        await session.fetch(ADD, given)
        with pytest.raises(
            DatabaseError, match=r"UniqueViolationError \(23505\) at: insert into sample.fact"
        ) as caught:
            await session.fetch(ADD, given)
    assert caught.value.breaks_constraint
    assert not caught.value.lost
    assert shown(caught.value, PLANTED, str(given["id"])) == []
    assert await count(pool) == before


UNSHOWN: dict[str, tuple[str, object]] = {
    "a cast": ("select cast(cast(:v as text) as integer)", PLANTED),
    "a constraint": ("insert into sample.state (id, value) select null, :v", PLANTED),
    "an error beside it": ("insert into sample.state select 1 / 0, :v", PLANTED),
    "no number": ("select cast(:v as integer)", PLANTED),
    "no text": ("select cast(:v as text)", 990000123),
    "half a character": ("select cast(:v as text)", f"{PLANTED}\ud800"),
    "an endless number": ("select cast(:v as bigint)", 990000 * 10**30),
    "no id": ("select cast(:v as uuid)", PLANTED),
    "no list": ("select cast(:v as text[])", PLANTED),
    "no day": ("select cast(:v as date)", PLANTED),
}


@pytest.mark.parametrize(("statement", "value"), UNSHOWN.values(), ids=UNSHOWN)
async def test_an_error_shows_no_value_wherever_it_is_raised(pool: Pool, statement: str, value: object):
    async with pool.session() as session:
        with pytest.raises(DatabaseError) as caught:
            await session.execute(statement, {"v": value})
        assert shown(caught.value, "planted", "990000") == []
        assert fault_of(caught.value, 0) is Fault.PERMANENT
        assert await session.value("select 1") == 1, "the session serves on"


def shown(error: BaseException, *values: str) -> list[str]:
    """Which values stand in the error, or in one that a log would print with it."""
    told = ""
    each: BaseException | None = error
    while each is not None:
        told += f"{each!r} {each} {vars(each)}"
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
    return [value for value in values if value in told]


REWRITTEN = {
    "select :a, :b, :a": ("select $1, $2, $1", ("a", "b")),
    "select cast(:a as uuid[]), b::text": ("select cast($1 as uuid[]), b::text", ("a",)),
    "select :a::text, 'at 8:00', x[1:2]": ("select :a::text, 'at 8:00', x[1:2]", ()),
    r"select '\:a', ':', \:b": ("select ':a', ':', :b", ()),
    "select 1": ("select 1", ()),
}
"""A colon between word characters, or one of two, begins no value."""


@pytest.mark.parametrize("statement", REWRITTEN)
def test_a_statement_is_rewritten_once_and_a_name_that_stands_twice_is_one_value(statement: str):
    assert compiled(statement) == REWRITTEN[statement]
    assert compiled(statement) is compiled(statement)


async def test_a_value_that_is_missing_is_the_callers_mistake_and_sends_nothing(pool: Pool):
    async with pool.session() as session:
        with pytest.raises(KeyError):
            await session.execute(ADD, {"part": 0})
        assert not session.ended


SLEEPS: dict[str, Callable[[Session], Awaitable[object]]] = {
    "fetch": lambda session: session.fetch("select pg_sleep(600)"),
    "execute": lambda session: session.execute("select pg_sleep(600)"),
    "script": lambda session: session.script("select 1; select pg_sleep(600)"),
}


@pytest.mark.parametrize(("sleep", "begun"), [*zip(SLEEPS.values(), (True, False, True), strict=True)], ids=SLEEPS)
async def test_a_session_cancelled_in_the_middle_of_a_statement_is_ended_on_both_sides(
    pool: Pool, sleep: Callable[[Session], Awaitable[object]], *, begun: bool
):
    async def asleep() -> None:
        async with pool.session() as session:
            if begun:
                await session.begin()
            reached.set_result((session, await session.value(PID)))
            await sleep(session)

    reached: asyncio.Future[tuple[Session, int]] = asyncio.Future()
    task = asyncio.create_task(asleep())
    cancelled, pid = await reached
    async with pool.session() as watcher:

        async def sleeps() -> bool:
            return await watcher.value(f"{ALIVE} and wait_event = 'PgSleep'", {"pid": pid}) == 1

        async def gone() -> bool:
            return await watcher.value(ALIVE, {"pid": pid}) is None

        await eventually(sleeps)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 60)
        assert cancelled.ended
        await eventually(gone)


async def test_a_session_that_the_server_ends_in_the_middle_is_lost(pool: Pool):
    async with pool.session() as session:
        with pytest.raises(DatabaseError) as caught:
            await session.execute("select pg_terminate_backend(pg_backend_pid())")
        assert (caught.value.lost, session.ended) == (True, True)
        assert fault_of(caught.value, 0) is Fault.UNCERTAIN, "no mistake of a request, and no dead letter"
        assert of_error(caught.value, path="/").status == 503
        await session.rollback()
        with pytest.raises(DatabaseError) as again:
            await session.begin()
        assert again.value.lost
    assert await count(pool) >= 0


async def test_a_server_that_takes_no_writes_any_more_ends_the_session(pool: Pool):
    """A primary that was demoted: the pool makes a new session, which looks for the host that takes writes."""
    async with pool.session() as session:
        old = await session.value(PID)
        await session.execute("set default_transaction_read_only = on")
        assert await session.value("select 1") == 1
        with pytest.raises(DatabaseError) as caught:
            await session.fetch(ADD, fact())
        assert (caught.value.sqlstate, caught.value.lost, session.ended) == ("25006", True, True)
    async with pool.session() as session:
        assert await session.value(PID) != old
        await session.fetch(ADD, fact())
