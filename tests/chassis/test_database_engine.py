"""Pools: what is cancelled or cut off costs that request alone, and what was committed is there."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from creditmesh.chassis.bus.faults import Fault, fault_of
from creditmesh.chassis.database.copy import copy
from creditmesh.chassis.database.engine import SESSION, arguments_of, direct, engine
from creditmesh.chassis.http.problems import of_error
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


class Farewell:
    """A server between a pool and the real one, which says that it ends a session and leaves the line open."""

    MESSAGE = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"

    def __init__(self, database: Database) -> None:
        self._there = arguments_of(database.urls["sample"], application_name="farewell")
        self._clients: list[asyncio.StreamWriter] = []
        self._pipes: list[asyncio.Task[None]] = []

    @contextlib.asynccontextmanager
    async def listening(self, database: Database) -> AsyncIterator[AsyncEngine]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        url = database.urls["sample"].set(host="127.0.0.1", port=port, query={})
        pool = engine(url, application_name="test", pool_size=1)
        try:
            yield pool
        finally:
            await pool.dispose()
            server.close()
            for pipe in self._pipes:
                pipe.cancel()
            await asyncio.gather(*self._pipes, return_exceptions=True)
            for client in self._clients:
                client.close()

    def say(self) -> None:
        self._clients[-1].write(b"E" + (len(self.MESSAGE) + 4).to_bytes(4, "big") + self.MESSAGE)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._there["host"], self._there["port"]
        if host.startswith("/"):
            source, sink = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            source, sink = await asyncio.open_connection(host, port)
        self._clients += [sink, writer]
        self._pipes += [
            asyncio.create_task(self._piped(reader, sink)),
            asyncio.create_task(self._piped(source, writer)),
        ]

    async def _piped(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while some := await reader.read(65536):
            writer.write(some)


@pytest.mark.parametrize("copying", [False, True], ids=["statement", "copy"])
async def test_a_session_that_was_told_to_end_and_is_not_yet_closed_is_a_lost_one(database: Database, *, copying: bool):
    farewell = Farewell(database)
    async with farewell.listening(database) as pool, pool.connect() as connection:
        assert await connection.scalar(text("select 1")) == 1
        farewell.say()
        await asyncio.sleep(0.1)  # it has been read, and there is nothing else to wait for
        with pytest.raises(DBAPIError) as found:
            await (copy(connection, "sample.thing", ("id",), []) if copying else connection.execute(text("select 2")))
        assert fault_of(found.value, 0) is Fault.DOUBT, "no mistake of a request, and no dead letter"
        assert of_error(found.value, path="/").status == 503
        await connection.invalidate()


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.CrashShutdownError("terminating connection because of crash of another server process"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_session_lost_while_a_pool_makes_it_ready_is_a_lost_one(error: Exception):
    # A pool looks types up before it lends a session, and what the driver raises then comes as it is.
    assert fault_of(error, 0) is Fault.DOUBT, "no mistake of a request, and no dead letter"
    assert of_error(error, path="/").status == 503


def test_what_the_driver_refuses_stays_refused():
    assert fault_of(asyncpg.UndefinedTableError("no such table"), 0) is Fault.PERMANENT
    assert fault_of(asyncpg.DataError("not a number"), 0) is Fault.PERMANENT


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
