"""Pools: what is cancelled or cut off costs that request alone, and what was committed is there."""

import asyncio
import random

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.copy import copy
from creditmesh.chassis.database.engine import SESSION, direct, engine
from tests.chassis.sample import OTHER, SAMPLE
from tests.support.postgres import Database, Postgres

OPEN_TRANSACTIONS = """
    select count(*) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid() and xact_start is not null
"""


@pytest.fixture(scope="module")
async def database(postgres: Postgres) -> Database:
    return await postgres.database(packages=(SAMPLE, OTHER), parts=3)


async def cut_off(database: Database, connection: AsyncConnection) -> None:
    """End the session on the server, and wait until the driver has heard of it."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    gone = asyncio.Event()
    driver.add_termination_listener(lambda _: gone.set())
    async with database.session() as admin:
        assert await admin.fetchval("select pg_terminate_backend($1)", driver.get_server_pid())
    await asyncio.wait_for(gone.wait(), 10)


async def test_a_session_has_its_limits(database: Database):
    async with database.engine("sample").connect() as connection:
        for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "TimeZone", "jit"):
            assert await connection.scalar(text(f"select current_setting('{name}')")) == SESSION[name]
        assert await connection.scalar(text("select current_setting('application_name')")) == "test/sample"


async def test_a_session_that_was_cut_off_in_a_transaction_is_given_up_quietly(database: Database):
    pool = database.engine("sample", pool_size=1)

    async def cut_off_and_fail() -> None:
        async with pool.connect() as connection:
            await connection.begin()
            await connection.execute(text("select 1"))
            await cut_off(database, connection)
            raise ZeroDivisionError

    for _ in range(5):
        with pytest.raises(ZeroDivisionError):  # what the request failed for is what it says, not the lost session
            await cut_off_and_fail()
    async with pool.connect() as connection:
        assert await connection.scalar(text("select 1")) == 1


async def test_a_commit_on_a_session_that_was_cut_off_is_an_error(database: Database):
    pool = database.engine("sample", pool_size=1)
    async with pool.connect() as connection:
        await connection.begin()
        await connection.execute(text("insert into sample.state values (1, 'lost')"))
        await cut_off(database, connection)
        with pytest.raises(DBAPIError):
            await connection.commit()
    async with pool.connect() as connection:
        assert await connection.scalar(text("select count(*) from sample.state where id = 1")) == 0


async def test_a_session_cut_off_in_the_pool_is_replaced(database: Database):
    pool = database.engine("sample", pool_size=1)
    for _ in range(3):
        async with pool.connect() as connection:
            assert await connection.scalar(text("select 1")) == 1
            await connection.rollback()
            await cut_off(database, connection)


async def test_requests_cancelled_anywhere_lose_no_commit_and_leak_no_session(database: Database):
    pool = database.engine("sample", pool_size=4)
    chance = random.Random(4)
    acknowledged: list[int] = []

    async def request(number: int) -> None:
        async with pool.begin() as connection:
            if number % 2:
                await copy(connection, "sample.state", ("id", "value"), [(number, "x")])
            else:
                await connection.execute(text("insert into sample.state values (:id, 'x')"), {"id": number})
        acknowledged.append(number)

    async def cancelled(number: int) -> None:
        task = asyncio.create_task(request(number))
        await asyncio.wait([task], timeout=chance.random() * 0.08)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for first in range(1000, 1800, 4):
        await asyncio.gather(*(cancelled(first + n) for n in range(4)))
    assert 0 < len(acknowledged) < 800, "the cancellations must hit before, in and after"
    async with database.session() as admin:
        found = {row["id"] for row in await admin.fetch("select id from sample.state")}
        assert set(acknowledged) <= found
        assert (
            await admin.fetchval("select count(*) from pg_stat_activity where state like 'idle in transaction%'") == 0
        )
    async with asyncio.timeout(10):
        taken = [await pool.connect() for _ in range(4)]
        for connection in taken:
            await connection.close()


async def test_asking_for_more_than_the_pool_has_fails_in_time(database: Database):
    pool = engine(database.urls["sample"], application_name="test", pool_size=1)
    try:
        async with pool.connect():
            with pytest.raises(PoolTimeout):
                await pool.connect()
    finally:
        await pool.dispose()


async def test_a_direct_session_ends_and_frees_its_locks_when_nobody_pings(database: Database):
    url = database.urls["sample"]
    silent = await direct(url, application_name="silent", idle_session_timeout="200ms")
    other = await direct(url, application_name="other")
    gone = asyncio.Event()
    silent.add_termination_listener(lambda _: gone.set())
    try:
        assert await silent.fetchval("select pg_try_advisory_lock(1, 1)")
        assert not await other.fetchval("select pg_try_advisory_lock(1, 1)")
        await asyncio.wait_for(gone.wait(), 10)
        assert await other.fetchval("select pg_try_advisory_lock(1, 1)")
    finally:
        silent.terminate()
        await other.close()
