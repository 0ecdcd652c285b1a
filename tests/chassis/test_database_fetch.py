"""A statement sent through the driver is part of its caller's transaction, and its errors are SQLAlchemy's."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from creditmesh.chassis.database.fetch import fetch
from tests.chassis.sample import count

ADD = text("insert into sample.fact (part, id, value) values (:part, :id, :value) returning id, value").bindparams(
    bindparam("id", type_=Uuid)
)
NOW = text("select 1")
PID = text("select pg_backend_pid()")
SLEEP = text("select pg_sleep(10)")
ALIVE = text("select 1 from pg_stat_activity where pid = :pid")
END = text("select pg_terminate_backend(pg_backend_pid())")


def fact(**more: object) -> dict[str, object]:
    return {"part": 0, "id": uuid4(), "value": "x"} | more


async def test_its_rows_are_the_statements_and_its_transaction_the_callers(pool: AsyncEngine):
    before, given = await count(pool), fact()
    async with pool.begin() as connection:
        [(id_, value)] = await fetch(connection, ADD, given)
    assert (id_, value) == (given["id"], "x")
    assert await count(pool) == before + 1


@pytest.mark.parametrize("begun", [True, False])
async def test_what_is_rolled_back_leaves_nothing_even_as_the_first_statement(pool: AsyncEngine, begun):
    before = await count(pool)
    async with pool.connect() as connection:
        if begun:
            await connection.begin()
        await fetch(connection, ADD, fact())
        await connection.rollback()
    assert await count(pool) == before


async def test_alone_it_commits_by_itself(pool: AsyncEngine):
    before = await count(pool)
    async with pool.connect() as connection:
        await fetch(connection, ADD, fact(), alone=True)
        assert await count(pool) == before + 1


async def test_a_repeated_key_is_an_integrity_error_that_shows_no_value(pool: AsyncEngine):
    before, given = await count(pool), fact(value="secret")
    async with pool.connect() as connection:
        await fetch(connection, ADD, given)
        with pytest.raises(IntegrityError) as caught:
            await fetch(connection, ADD, given)
        await connection.rollback()
    assert "duplicate key" in str(caught.value)
    assert str(given["id"]) not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert await count(pool) == before


async def test_a_connection_that_dies_is_a_database_error_that_the_pool_survives(pool: AsyncEngine):
    async with pool.connect() as connection:
        with pytest.raises(DBAPIError) as caught:
            await fetch(connection, END, {})
        assert caught.value.connection_invalidated
    assert await count(pool) >= 0


async def test_who_is_cancelled_in_the_middle_gives_the_session_up(pool: AsyncEngine):
    async def asleep() -> None:
        async with pool.connect() as connection:
            await fetch(connection, NOW, {})
            begun.set_result((await fetch(connection, PID, {}))[0][0])
            await fetch(connection, SLEEP, {})

    begun: asyncio.Future[int] = asyncio.Future()
    task = asyncio.create_task(asleep())
    pid = await begun
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    async with pool.connect() as connection:
        for _ in range(100):
            if not await fetch(connection, ALIVE, {"pid": pid}):
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("the session of a cancelled statement is still there")
