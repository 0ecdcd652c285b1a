"""Pools: what is cancelled or cut off costs that request alone, what was committed is there, and load is shed."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest

from creditmesh.chassis.bus.faults import Fault, fault_of
from creditmesh.chassis.database.connecting import SETTINGS, direct
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.http.problems import of_error
from creditmesh.chassis.shares import Busy, working_for
from tests.chassis.sample import OTHER, SAMPLE
from tests.support.eventually import eventually
from tests.support.postgres import Database, Postgres
from tests.support.proxy import Proxy

FAREWELL = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"
PID = "select pg_backend_pid()"


@pytest.fixture(scope="module")
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    made = await postgres.database(packages=(SAMPLE, OTHER), parts=3)
    yield made
    await made.close()


async def cut_off(database: Database, session: Session) -> None:
    """End the session on the server, and wait until the driver has heard of it."""
    gone = asyncio.Event()
    session.driver.add_termination_listener(lambda _: gone.set())
    async with database.session() as admin:
        assert await admin.fetchval("select pg_terminate_backend($1)", session.driver.get_server_pid())
    await asyncio.wait_for(gone.wait(), 60)


@pytest.mark.parametrize("copying", [False, True], ids=["statement", "copy"])
async def test_a_session_that_was_told_to_end_and_is_not_yet_closed_is_a_lost_one(
    postgres: Postgres, database: Database, *, copying: bool
):
    async with Proxy(postgres.port) as proxy:
        pool = Pool(proxy.through(database.addresses["sample"]), application_name="test", size=1)
        async with pool.session() as session:
            assert await session.value("select 1") == 1
            proxy.say(b"E" + (len(FAREWELL) + 4).to_bytes(4, "big") + FAREWELL)
            await asyncio.sleep(0.1)  # it has been read, and there is nothing else to wait for
            with pytest.raises(DatabaseError) as found:
                await (session.copy("sample.state", ("id",), [(1,)] * 40) if copying else session.execute("select 2"))
            assert (found.value.lost, session.ended) == (True, True)
            assert fault_of(found.value, 0) is Fault.UNCERTAIN, "no mistake of a request, and no dead letter"
            assert of_error(found.value, path="/").status == 503
        async with pool.session() as session:
            assert await session.value("select 1") == 1
        await pool.close()


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.CrashShutdownError("terminating connection because of crash of another server process"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
        TimeoutError(),
        ConnectionResetError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_says_that_the_session_is_gone_is_uncertain_and_503(error: Exception):
    found = DatabaseError.of(error, "select 1")
    assert found.lost
    assert fault_of(found, 0) is Fault.UNCERTAIN, "no mistake of a request, and no dead letter"
    assert of_error(found, path="/").status == 503


def test_what_the_server_refuses_stays_refused():
    for error, fault in (
        (asyncpg.UndefinedTableError("no such table"), Fault.INSTALLATION),
        (asyncpg.DataError("not a number"), Fault.PERMANENT),
    ):
        found = DatabaseError.of(error, "select 1")
        assert not found.lost
        assert fault_of(found, 0) is fault
        assert of_error(found, path="/").status == 500


async def test_a_session_has_its_limits(database: Database):
    async with database.pool("sample").session() as session:
        for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "TimeZone", "jit"):
            assert await session.value("select current_setting(:name)", {"name": name}) == SETTINGS[name]
        assert await session.value("select current_setting('application_name')") == f"test/sample [{os.getpid()}]"


async def test_nothing_connects_before_the_first_use_and_the_session_used_last_is_used_next(database: Database):
    pool = database.pool("sample", size=3)
    assert pool._idle == []
    taken = [await pool.acquire() for _ in range(3)]
    last = await taken[1].value(PID)
    for session in (taken[0], taken[2], taken[1]):
        await pool.release(session)
    for _ in range(3):
        async with pool.session() as session:
            assert await session.value(PID) == last


async def test_a_session_that_was_cut_off_in_a_transaction_is_given_up_quietly(database: Database):
    pool = database.pool("sample", size=1)

    async def cut_off_and_fail() -> None:
        async with pool.transaction() as session:
            await session.execute("select 1")
            await cut_off(database, session)
            raise ZeroDivisionError

    for _ in range(5):
        with pytest.raises(ZeroDivisionError):  # what the request failed for is what it says, not the lost session
            await cut_off_and_fail()
    async with pool.session() as session:
        assert await session.value("select 1") == 1


async def test_a_commit_on_a_session_that_was_cut_off_is_an_error(database: Database):
    pool = database.pool("sample", size=1)
    async with pool.session() as session:
        await session.begin()
        await session.execute("insert into sample.state values (1, 'lost')")
        await cut_off(database, session)
        with pytest.raises(DatabaseError) as caught:
            await session.commit()
        assert caught.value.lost
    async with pool.session() as session:
        assert await session.value("select count(*) from sample.state where id = 1") == 0


async def test_a_session_cut_off_in_the_pool_is_replaced(database: Database):
    pool = database.pool("sample", size=1)
    seen = set()
    for _ in range(3):
        async with pool.session() as session:
            seen.add(await session.value(PID))
        await cut_off(database, session)
    assert len(seen) == 3


async def test_requests_cancelled_anywhere_lose_no_commit_and_leak_no_session(database: Database):
    pool = database.pool("sample", size=4)
    chance = random.Random(4)
    acknowledged: list[int] = []

    async def request(number: int) -> None:
        async with pool.transaction() as session:
            if number % 2:
                await session.copy("sample.state", ("id", "value"), [(-number * 40 - n, "x") for n in range(35)])
                await session.copy("sample.state", ("id", "value"), [(number, "x")])
            else:
                await session.execute("insert into sample.state values (:id, 'x')", {"id": number})
        acknowledged.append(number)

    began = time.monotonic()
    await asyncio.gather(*(request(number) for number in range(100, 108)))
    longest = 2 * (time.monotonic() - began)
    acknowledged.clear()

    async def cancelled(number: int) -> None:
        task = asyncio.create_task(request(number))
        await asyncio.wait([task], timeout=chance.random() * longest)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for first in range(1000, 1800, 4):
        await asyncio.gather(*(cancelled(first + n) for n in range(4)))
    assert 0 < len(acknowledged) < 800, "the cancellations must hit before, in and after"

    async with database.session() as admin:
        found = {row["id"] for row in await admin.fetch("select id from sample.state")}
        assert set(acknowledged) <= found

        async def none_open() -> bool:
            return bool(
                await admin.fetchval(
                    "select count(*) = 0 from pg_stat_activity where datname = current_database()"
                    " and pid <> pg_backend_pid() and xact_start is not null"
                )
            )

        await eventually(none_open)
    async with asyncio.timeout(60):
        taken = [await pool.acquire() for _ in range(4)]
        for session in taken:
            await pool.release(session)


async def test_who_waits_gets_a_session_and_who_would_wait_behind_too_many_is_refused_at_once(database: Database):
    with working_for("a caller"):
        pool = database.pool("sample", size=1, waiting=2)

        async def use() -> int:
            async with pool.session() as session:
                return int(await session.value("select 1"))

        async with pool.session():
            waiting = [asyncio.create_task(use()) for _ in range(2)]
            await asyncio.sleep(0)
            async with asyncio.timeout(0.5):
                for _ in range(100):
                    with pytest.raises(Busy) as caught:
                        await pool.acquire()
            assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "1"})
            assert fault_of(caught.value, 0) is Fault.PASSING, "no event is to blame"
            assert not any(task.done() for task in waiting)
        assert await asyncio.gather(*waiting) == [1, 1]
        assert await use() == 1


async def test_who_waits_too_long_is_refused_and_who_leaves_the_queue_makes_room(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    with working_for("a caller"):
        monkeypatch.setattr("creditmesh.chassis.database.pool.SECONDS_TO_WAIT", 0.2)
        pool = database.pool("sample", size=1, waiting=1)
        async with pool.session():
            for _ in range(3):
                with pytest.raises(Busy):
                    await pool.acquire()
            leaving = asyncio.create_task(pool.acquire())
            await asyncio.sleep(0)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            staying = asyncio.create_task(pool.acquire())
            await asyncio.sleep(0)
            with pytest.raises(Busy):
                await pool.acquire()
        await pool.release(await staying)


async def test_a_connection_that_fails_leaves_its_place_in_the_pool(database: Database):
    pool = database.pool("sample", size=1)
    address, pool.address = pool.address, pool.address.of("no_such_database")
    for _ in range(3):
        with pytest.raises(DatabaseError) as caught:
            await pool.acquire()
        assert caught.value.lost
    assert not await pool.answers()
    pool.address = address
    assert await pool.answers()


async def test_a_closed_pool_keeps_no_session(database: Database):
    pool = database.pool("sample", size=2)
    async with pool.session() as used:
        async with pool.session() as idle:
            assert await idle.value("select 1") == 1
        await pool.close()
        assert idle.ended
        assert await used.value("select 1") == 1
    assert used.ended


async def test_a_direct_session_ends_and_frees_its_locks_when_nobody_pings(database: Database):
    address = database.addresses["sample"]
    silent = await direct(address, application_name="silent", idle_session_timeout="200ms")
    other = await direct(address, application_name="other")
    gone = asyncio.Event()
    silent.add_termination_listener(lambda _: gone.set())
    try:
        assert await silent.fetchval("select pg_try_advisory_lock(1, 1)")
        assert not await other.fetchval("select pg_try_advisory_lock(1, 1)")
        await asyncio.wait_for(gone.wait(), 60)
        assert await other.fetchval("select pg_try_advisory_lock(1, 1)")
    finally:
        silent.terminate()
        await other.close()
