"""The embedded server: it keeps what it acknowledged, whatever is killed, and lets nobody in without a password."""

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from creditmesh.chassis.database import connecting
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.embedded import EmbeddedServer, EmbeddedServerError
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.pool import Pool
from tests.support.postgres import Postgres, new_folder

OWNER = """
import asyncio, pathlib, sys, time
from creditmesh.chassis.database.embedded import EmbeddedServer
server = EmbeddedServer(pathlib.Path(sys.argv[1]))
asyncio.run(server.start())
print("started", flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[EmbeddedServer]:
    folder = new_folder()
    own = EmbeddedServer(folder / "data")
    try:
        await own.start()
        yield own
    finally:
        await own.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def connect(server: EmbeddedServer) -> asyncpg.Connection:
    return await connecting.connect(server.admin, application_name="test")


async def ask(server: EmbeddedServer, statement: str) -> object:
    connection = await connect(server)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_committed_rows_survive_a_killed_postmaster_many_times(server: EmbeddedServer):
    await ask(server, "create table kept (id integer primary key, filler text)")
    for number in range(1, 6):
        open_session = await connect(server)
        await open_session.execute("begin")
        await open_session.execute("insert into kept values (1000, 'never committed')")
        await ask(server, f"insert into kept select {number}, repeat('x', 1000)")
        await server.kill()
        open_session.terminate()
        await server.start()
        assert await ask(server, "select array_agg(id order by id) from kept") == list(range(1, number + 1))


async def test_starting_twice_uses_the_server_that_runs(server: EmbeddedServer):
    before = server.pid
    await server.start()
    others = [EmbeddedServer(server._asked), EmbeddedServer(server._asked)]
    await asyncio.gather(*(other.start() for other in others))
    assert {other.pid for other in others} == {server.pid} == {before}
    assert others[0].admin == EmbeddedServer(server._asked).admin == server.admin
    for other in others:
        await other.stop()
    assert await ask(server, "select 1") == 1


async def test_the_last_one_who_uses_it_stops_it(server: EmbeddedServer):
    other = EmbeddedServer(server._asked)
    await other.start()
    await server.stop()
    assert await ask(server, "select 1") == 1
    await other.stop()
    assert server.pid is None
    await server.start()


async def test_a_server_whose_owner_was_killed_is_used_again_and_stopped(server: EmbeddedServer):
    await server.stop()
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OWNER, str(server._asked)), stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    assert await owner.stdout.readline() == b"started\n"
    owner.kill()
    await owner.wait()
    orphan = server.pid
    assert orphan is not None
    await server.start()
    assert server.pid == orphan
    await server.stop()
    assert server.pid is None
    await server.start()


def left_of(*paths: Path) -> list[Path]:
    return [path for path in paths if os.path.lexists(path)]


async def test_removing_leaves_neither_server_nor_data(tmp_path: Path):
    # A folder of pytest is closed to the server's user: under root the data are then kept in an open place.
    own = EmbeddedServer(tmp_path / "data")
    await own.start()
    place, pid = own.place, own.pid
    assert await ask(own, "select 1") == 1
    await own.remove()
    assert left_of(place, tmp_path / "data", Path(f"/proc/{pid}")) == []


async def test_a_restart_keeps_the_port_and_the_password(server: EmbeddedServer):
    before = server.tcp
    await server.stop()
    assert server.pid is None
    with pytest.raises(DatabaseError, match=r"Refused|FileNotFound") as caught:
        await connect(server)
    assert caught.value.lost
    await server.start()
    assert server.tcp == before
    connection = await connecting.connect(before, application_name="test")
    await connection.close()


async def test_stopping_a_stopped_server_is_no_error(server: EmbeddedServer):
    await server.stop()
    await server.stop()
    await server.start()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("max_connections", "320"),
        ("listen_addresses", "127.0.0.1"),
        ("server_encoding", "UTF8"),
    ],
)
async def test_the_server_runs_with_the_settings_that_lose_nothing(server: EmbeddedServer, setting: str, value: str):
    assert await ask(server, f"select current_setting('{setting}')") == value


async def test_a_role_gets_in_with_its_password_only(server: EmbeddedServer):
    await ask(server, "create role outsider login password 'right'")
    for address in (server.admin, server.tcp):
        wrong = replace(address, user="outsider", password="wrong")
        assert await refused(wrong) == asyncpg.InvalidPasswordError.sqlstate
        # The right password passes the door, and then finds every database closed.
        assert await refused(replace(wrong, password="right")) == asyncpg.InsufficientPrivilegeError.sqlstate


async def refused(address: DatabaseAddress) -> str | None:
    with pytest.raises(DatabaseError) as caught:
        await connecting.connect(address, application_name="test")
    return caught.value.sqlstate


async def test_the_superuser_needs_the_password_on_tcp(server: EmbeddedServer):
    wrong = replace(server.tcp, password="wrong")
    assert await refused(wrong) == asyncpg.InvalidPasswordError.sqlstate


async def test_the_folder_is_closed_to_others(server: EmbeddedServer):
    place = server.place
    assert place.stat().st_mode & 0o077 == 0
    assert (place / "superuser").stat().st_mode & 0o177 == 0
    assert (place / "socket").stat().st_mode & 0o077 == 0


async def test_the_servers_log_quotes_no_values(server: EmbeddedServer):
    connection = await connect(server)
    try:
        await connection.execute("create table unique_thing (id text primary key)")
        await connection.execute("insert into unique_thing values ('planted-990000')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute("insert into unique_thing values ('planted-990000')")
        with pytest.raises(asyncpg.InvalidTextRepresentationError):
            await connection.execute("select 'x'::text = 'planted-990001' and 1 = 'broken'::integer")
    finally:
        await connection.close()
    log = (server.place / "postgres.log").read_text()
    assert "duplicate key value" in log
    assert "planted" not in log


async def test_a_taken_port_is_said_in_plain_words(server: EmbeddedServer):
    await server.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int((server.place / "port").read_text())))
        taken.listen()
        with pytest.raises(EmbeddedServerError, match="could not bind"):
            await server.start()
    await server.start()


async def test_a_path_too_long_for_a_socket_works_too():
    folder = new_folder()
    own = EmbeddedServer(folder / ("long" * 20) / "data")
    try:
        await own.start()
        sockets = Path(parse_qs(urlsplit(own.admin.dsn).query)["host"][0])
        assert sockets.parent == Path("/tmp")  # noqa: S108 - what is tested
        assert await ask(own, "select 1") == 1
    finally:
        await own.remove()
        shutil.rmtree(folder)
    assert left_of(sockets) == []


async def test_a_stale_pid_file_never_harms_another_process(server: EmbeddedServer):
    await server.kill()
    stale = server.place / "cluster" / "postmaster.pid"
    lines = stale.read_text().split("\n")
    bystander = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        stale.write_text("\n".join([str(bystander.pid), *lines[1:]]))
        assert server.pid is None
        await server.stop()
        await server.kill()
        assert bystander.returncode is None
    finally:
        stale.write_text("\n".join(lines))
        bystander.kill()
        await bystander.wait()
    await server.start()


async def test_requests_after_a_restart_do_not_fail_on_old_connections(server: EmbeddedServer):
    pool = Pool(server.admin, application_name="test", size=4)
    try:
        held = [await pool.acquire() for _ in range(4)]
        for session in held:
            await session.execute("select 1")
        for session in held:
            await pool.release(session)
        await server.kill()
        await server.start()
        for _ in range(8):
            async with pool.transaction() as session:
                assert await session.value("select 1") == 1
    finally:
        await pool.close()


async def test_a_request_during_a_restart_waits_for_the_server(server: EmbeddedServer):
    pool = Pool(server.admin, application_name="test", size=2)

    async def request() -> object:
        async with pool.session() as session:
            return await session.value("select 1")

    try:
        await server.stop()
        waiting = asyncio.create_task(request())
        await server.start()
        assert await waiting == 1
    finally:
        await pool.close()


async def test_a_server_that_stays_away_is_a_database_error(server: EmbeddedServer):
    pool = Pool(replace(server.tcp, dsn="postgresql://127.0.0.1:1"), application_name="test")
    with pytest.raises(DatabaseError) as caught:
        await pool.acquire()
    assert caught.value.lost


async def test_the_shared_server_of_the_session_is_another_one(postgres: Postgres, server: EmbeddedServer):
    assert postgres.server.pid != server.pid
