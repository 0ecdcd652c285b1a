"""A real PostgreSQL for a test session, and fresh migrated databases for its modules.

Migrating takes a second, loading a catalogue another, copying a template a tenth: the first database of a kind of
node becomes the template of all others in the session. Roles belong to the server, so that databases of one node code
share them.
"""

import asyncio
import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import psutil
import pytest

from creditmesh.chassis.database import connecting
from creditmesh.chassis.database.address import DatabaseAddress, addresses
from creditmesh.chassis.database.connecting import connect
from creditmesh.chassis.database.embedded import EmbeddedServer
from creditmesh.chassis.database.errors import DRIVERS
from creditmesh.chassis.database.migrating import Declare, migrate
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.roles import BUS, DDL, RELAY, create_database, open_database
from creditmesh.chassis.database.versions import Migrated

PREFIX = "creditmesh-test-"
NAME = "test"
BY_HAND = rf"^{NAME} \["
"""The applications of sessions in which a test asks by itself, among those the server knows."""


@dataclass(frozen=True, kw_only=True)
class Database:
    """One migrated node's database: who connects, and as whom."""

    name: str
    node: str
    parts: int
    admin: DatabaseAddress
    secrets: Path
    _pools: dict[object, Pool] = field(default_factory=dict)
    _left: list[asyncpg.Connection] = field(default_factory=list)
    _keeper: asyncio.AbstractEventLoop | None = None
    """The loop in which this is closed again; who speaks from another, or closes nothing, leaves no session."""

    @property
    def addresses(self) -> dict[str, DatabaseAddress]:
        """The address of each role, by service name, `bus` and `ddl`."""
        found = addresses(self.admin, node=self.node, secrets=self.secrets)
        return {role: address.of(self.name) for role, address in found.items()}

    def pool(self, role: str, *, size: int = 4, **more: Any) -> Pool:
        """The pool of that role and size, closed with the database: a module asks often, sessions are few."""
        wanted = (role, size, *sorted(more.items()))
        if wanted not in self._pools:
            self._pools[wanted] = Pool(self.addresses[role], application_name=f"{NAME}/{role}", size=size, **more)
        return self._pools[wanted]

    @contextlib.asynccontextmanager
    async def session(self, role: str | None = None) -> AsyncIterator[asyncpg.Connection]:
        """One plain asyncpg session as that role; as the superuser without one.

        A superuser's that was left in order is reset and taken again: a new one costs fifteen milliseconds of CPU, and
        waiting asks often. A role's is always new: whether it is let in is what tests ask.
        """
        connection = await self._opened(role)
        in_order = False
        try:
            yield connection
            in_order = role is None and not connection.is_in_transaction()
        finally:
            if in_order and self._keeper is asyncio.get_running_loop():
                self._left.append(connection)
            else:
                await connection.close()

    async def _opened(self, role: str | None) -> asyncpg.Connection:
        while role is None and self._left and self._keeper is asyncio.get_running_loop():
            left = self._left.pop()
            with contextlib.suppress(*DRIVERS):  # its server went, or ended it
                await left.reset()
                return left
            left.terminate()
        address = self.admin.of(self.name) if role is None else self.addresses[role]
        return await connect(address, application_name=NAME)

    async def leave(self) -> None:
        """Close what sessions were left: a database is copied, renamed and migrated with nobody in it."""
        while self._left:
            with contextlib.suppress(*DRIVERS):
                await self._left.pop().close()

    async def close(self) -> None:
        """Close the pools that were opened here, and throw the database away: a run makes hundreds."""
        await self.leave()
        for opened in self._pools.values():
            await opened.close()
        patient = {"statement_timeout": "0"}  # the server writes all it holds to the disk before
        connection = await connect(self.admin, application_name=NAME, settings=patient)
        try:
            await connection.execute(f"drop database if exists {self.name} with (force)")
        finally:
            await connection.close()


def url_of(address: DatabaseAddress) -> str:
    """The address with its role and password, for a process of its own."""
    who = f"{quote(address.user or '')}:{quote(address.password or '')}"
    return address.url.replace("postgresql://", f"postgresql://{who}@", 1)


class Postgres:
    """The session's server."""

    def __init__(self, server: EmbeddedServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self._templates: dict[object, str] = {}
        self._numbers = itertools.count(1)
        self._databases: list[Database] = []

    @property
    def admin(self) -> DatabaseAddress:
        """The superuser's address."""
        return self.server.admin

    @property
    def port(self) -> int:
        """Where the server listens on loopback."""
        return int((self.server.place / "port").read_text())

    @property
    def secrets(self) -> Path:
        """Where the passwords of all roles are."""
        return self.folder / "secrets"

    async def database(
        self,
        *,
        node: str = "city",
        tier: str = "city",
        parts: int = 12,
        sandbox: bool = False,
        packages: Sequence[Migrated] = (),
        declare: Declare | None = None,
        begin: Callable[[Database], Awaitable[None]] | None = None,
    ) -> Database:
        """A fresh migrated database of such a node: a copy of the first one that was asked for.

        `begin`: what each would have to do before its tests (for nodes of one kind always the same); the first did it.
        """
        kind = (
            node,
            tier,
            parts,
            sandbox,
            declare is not None,
            *((each.name, each.package, each.vault) for each in packages),
        )
        if kind not in self._templates:
            template = f"template_{next(self._numbers)}"
            await migrate(
                self.admin,
                node=node,
                tier=tier,
                parts=parts,
                sandbox=sandbox,
                packages=packages,
                secrets=self.secrets,
                database=template,
                declare=declare,
            )
            self._templates[kind] = template
        roles = [DDL, BUS, RELAY, *(each.name for each in packages)]
        begun = (*kind, "begun")
        if begin is not None and begun not in self._templates:
            first = await self._copy(self._templates[kind], node=node, parts=parts, roles=roles)
            await begin(first)
            await first.leave()
            self._templates[begun] = first.name
        return await self._copy(self._templates[begun if begin else kind], node=node, parts=parts, roles=roles)

    async def _copy(self, template: str, *, node: str, parts: int, roles: Sequence[str]) -> Database:
        name = f"test_{next(self._numbers)}"
        connection = await connect(self.admin, application_name=NAME)
        try:
            await create_database(connection, name, template=template)
            await open_database(connection, name, node=node, names=roles)
        finally:
            await connection.close()
        made = Database(
            name=name,
            node=node,
            parts=parts,
            admin=self.admin,
            secrets=self.secrets,
            _keeper=asyncio.get_running_loop(),
        )
        self._databases.append(made)
        return made

    async def close(self) -> None:
        """Close the databases that their tests have left open."""
        for database in self._databases:
            await database.close()


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[Postgres]:
    """The server of this test session; it and its data are gone afterwards."""
    # A process that others starve is not idle, though its session is: ten seconds are for a machine of its own.
    patched = pytest.MonkeyPatch()
    patched.setitem(connecting.SETTINGS, "idle_in_transaction_session_timeout", "61s")  # type: ignore[arg-type]
    for left in _left_behind():
        await EmbeddedServer(left / "data").stop(immediately=True)
        shutil.rmtree(left, ignore_errors=True)
    folder = new_folder()
    server = EmbeddedServer(folder / "data")
    try:
        await server.start()
        running = Postgres(server, folder)
        await _cheap_passwords(running.admin)
        yield running
        await running.close()
    finally:
        await server.stop(immediately=True)
        shutil.rmtree(folder, ignore_errors=True)
        patched.undo()


async def _cheap_passwords(admin: DatabaseAddress) -> None:
    """Proving a password is made slow for who guesses one: a third of a session's CPU, and a run opens thousands."""
    session = await connect(admin, application_name=NAME)
    await session.execute("alter system set scram_iterations = 1")
    await session.execute("select pg_reload_conf()")
    await session.close()


def new_folder() -> Path:
    """A folder for a server of a test: pytest's own is closed to the system user the server runs as under root."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.chmod(0o755)
    (folder / "owner").write_text(str(os.getpid()))
    return folder


def _left_behind() -> list[Path]:
    # What sessions that were killed could not remove.
    found = []
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, ValueError):
            if not psutil.pid_exists(int((folder / "owner").read_text())):
                found.append(folder)
    return found
