"""Connections: a deadline on everything, keep-alive, the host that takes writes, and TLS that was asked for."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import asyncpg
import pytest
import uvloop

from creditmesh.chassis.bus.faults import Fault, fault_of
from creditmesh.chassis.database import connecting
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.connecting import SECONDS_TO_ANSWER, connect, direct
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import COPY_FROM, Session
from tests.chassis.sample import OTHER, SAMPLE
from tests.support.postgres import Database, Postgres
from tests.support.proxy import Proxy

DEADLINE = 0.5
LATE = 9.5
"""Sooner than the deadlines that hold where a test sets none: 10 and 20 s."""
NOBODY = "127.0.0.1:1"


@pytest.fixture(scope="module")
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    made = await postgres.database(packages=(SAMPLE, OTHER), parts=3)
    yield made
    await made.close()


@pytest.fixture(scope="module")
def tcp(postgres: Postgres, database: Database) -> DatabaseAddress:
    """The database over loopback, as a service's role."""
    return replace(database.addresses["sample"], dsn=f"postgresql://127.0.0.1:{postgres.port}")


@pytest.fixture
async def proxy(postgres: Postgres) -> AsyncIterator[Proxy]:
    async with Proxy(postgres.port) as between:
        yield between


@pytest.fixture
async def pool(proxy: Proxy, tcp: DatabaseAddress) -> AsyncIterator[Pool]:
    made = Pool(proxy.through(tcp), application_name="test", size=1, seconds_to_answer=DEADLINE)
    yield made
    await made.close()


async def _copy(session: Session, rows: int) -> int:
    return await session.copy("sample.state", ("id", "value"), [(number, "x") for number in range(rows)])


WAITS: dict[str, Callable[[Session], Awaitable[object]]] = {
    "fetch": lambda session: session.fetch("select 1"),
    "a statement not prepared yet": lambda session: session.fetch("select 2"),
    "execute": lambda session: session.execute("select 1"),
    "script": lambda session: session.script("select 1; select 1"),
    "inserts": lambda session: _copy(session, 2),
    "copy": lambda session: _copy(session, COPY_FROM),
    "begin": lambda session: session.begin(),
    "commit": lambda session: session.commit(),
    "rollback": lambda session: session.rollback(),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
async def test_a_network_that_goes_silent_ends_whatever_waits_and_the_pool_works_when_it_answers(
    pool: Pool, proxy: Proxy, wait: Callable[[Session], Awaitable[object]]
):
    async with pool.session() as session:
        await session.begin()
        assert await session.value("select 1") == 1
        proxy.go_silent()
        async with asyncio.timeout(LATE):
            with pytest.raises(DatabaseError) as caught:
                await wait(session)
        assert (caught.value.lost, session.ended) == (True, True)
        assert fault_of(caught.value, 0) is Fault.UNCERTAIN
    proxy.answer()
    async with pool.transaction() as session:
        assert await session.value("select 1") == 1


async def test_a_session_that_is_given_back_to_a_silent_network_is_not_waited_for(pool: Pool, proxy: Proxy):
    async def fail() -> None:
        async with pool.transaction():
            proxy.go_silent()
            raise ZeroDivisionError

    async with asyncio.timeout(LATE):
        with pytest.raises(ZeroDivisionError):
            await fail()
    proxy.answer()
    assert await pool.answers()


async def test_a_network_that_is_silent_from_the_start_is_an_error_in_time(
    pool: Pool, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connecting, "SECONDS_TO_CONNECT", DEADLINE)
    proxy.go_silent()
    async with asyncio.timeout(LATE):
        with pytest.raises(DatabaseError) as caught:
            await pool.acquire()
    assert caught.value.lost
    proxy.answer()
    assert await pool.answers()


async def test_every_session_has_the_drivers_deadline_above_the_servers_own(database: Database):
    alone = await direct(database.addresses["sample"], application_name="test")
    async with database.pool("sample").session() as session:
        for driver in (session.driver, alone):
            assert driver._config.command_timeout == SECONDS_TO_ANSWER
            assert await driver.fetchval(
                "select extract(epoch from current_setting('statement_timeout')::interval)"
            ) < (SECONDS_TO_ANSWER)
    await alone.close()


KERNEL = {
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): 5,
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): 2,
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): 3,
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT): 15_000,
}


async def _options(address: DatabaseAddress) -> dict[tuple[int, int], int]:
    driver = await connect(address, application_name="test")
    try:
        own = driver._transport.get_extra_info("socket")
        return {option: own.getsockopt(*option) for option in KERNEL}
    finally:
        await driver.close()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
async def test_the_kernel_notices_a_peer_that_is_gone(tcp: DatabaseAddress, run: Callable[..., object]):
    """Asked of the socket itself, under both event loops: the servers run uvloop."""
    assert await asyncio.to_thread(lambda: run(_options(tcp))) == KERNEL


async def test_a_socket_of_the_file_system_needs_no_keep_alive(database: Database):
    driver = await connect(database.addresses["sample"], application_name="test")
    assert driver._transport.get_extra_info("socket").family == socket.AF_UNIX
    await driver.close()


def both(first: str, second: DatabaseAddress) -> DatabaseAddress:
    """Two hosts, as a setting names them; the first by its host and port alone."""
    place = second.dsn.removeprefix("postgresql://")
    return replace(second, dsn=DatabaseAddress.read(f"postgresql://{first},{place}").dsn)


async def test_of_two_hosts_the_second_is_used_while_the_first_refuses(tcp: DatabaseAddress):
    driver = await connect(both(NOBODY, tcp), application_name="test")
    assert await driver.fetchval("select 1") == 1
    await driver.close()


async def test_of_two_hosts_the_second_is_used_while_the_first_is_silent(
    proxy: Proxy, tcp: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connecting, "SECONDS_TO_CONNECT", 2 * DEADLINE)
    proxy.go_silent()
    async with asyncio.timeout(LATE):
        driver = await connect(both(proxy.through(tcp).dsn.removeprefix("postgresql://"), tcp), application_name="test")
    assert await driver.fetchval("select 1") == 1
    await driver.close()


async def test_of_several_hosts_one_that_takes_no_writes_is_not_used(postgres: Postgres, tcp: DatabaseAddress):
    """What the driver looks at in a standby is `default_transaction_read_only`, which one database can have alone."""
    standby = await postgres.database(packages=(SAMPLE, OTHER), parts=3)
    async with standby.session() as admin:
        await admin.execute(f"alter database {standby.name} set default_transaction_read_only = on")
    reading = tcp.of(standby.name)
    with pytest.raises(DatabaseError, match="TargetServerAttributeNotMatched") as caught:
        await connect(both(NOBODY, reading), application_name="test")
    assert caught.value.lost
    one = await connect(reading, application_name="test")
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await one.execute("insert into sample.state values (1, 'x')")
    await one.close()


@pytest.mark.parametrize("mode", ["require", "verify-full&sslrootcert=/no/such/file", "no-such-mode"])
async def test_tls_that_was_asked_for_is_not_gone_without(tcp: DatabaseAddress, mode: str):
    """The test's server has no TLS."""
    place = tcp.dsn.removeprefix("postgresql://")
    asking = replace(tcp, dsn=DatabaseAddress.read(f"postgresql://{place}/?sslmode={mode}").dsn)
    with pytest.raises(DatabaseError) as caught:
        await connect(asking, application_name="test")
    assert caught.value.lost


async def test_a_password_that_is_wrong_is_not_in_the_error(tcp: DatabaseAddress):
    with pytest.raises(DatabaseError) as caught:
        await connect(replace(tcp, password="planted"), application_name="test")
    assert caught.value.sqlstate == asyncpg.InvalidPasswordError.sqlstate
    assert "planted" not in f"{caught.value!r} {vars(caught.value)}"


_ARRAYS = "select array[1]::integer[], array[2]::bigint[], array['3']::text[]"
_ASKED = "select count(*) from pg_prepared_statements where statement ~ 'typeinfo_tre[e]'"


async def test_what_the_servers_own_types_are_is_asked_once_a_process(database: Database):
    """It costs the server milliseconds, a node has hundreds of sessions, and every one sends arrays."""
    for _ in range(2):
        async with database.session("sample") as session:
            assert list(await session.fetchrow(_ARRAYS)) == [[1], [2], ["3"]]
            assert await session.fetchval("select $1::integer[]", [4]) == [4]
    async with database.session("sample") as session:
        assert await session.fetchval(_ASKED) == 0
        assert list(await session.fetchrow(_ARRAYS)) == [[1], [2], ["3"]]
        assert await session.fetchval(_ASKED) == 0


async def test_what_a_type_of_the_database_is_is_asked_by_every_session(database: Database):
    """The same number is another type in another database, and in this one after a migration."""
    async with database.session() as session:
        await session.execute("create type sample.of_two as (first integer, second text)")
    for _ in range(2):
        async with database.session("sample") as session:
            assert tuple(await session.fetchval("select row(1, 'a')::sample.of_two")) == (1, "a")
            assert await session.fetchval(_ASKED) == 1
