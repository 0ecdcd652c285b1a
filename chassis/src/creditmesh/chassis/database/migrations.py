"""Migrations: a node's database, its roles, its schemas, and every package's versions in its own schema.

A package's versions are plain Alembic files in `<package>/migrations`, run under `<node>_ddl` by one shared `env.py`,
each package in one transaction and recorded in `<schema>.alembic_version`. The functions at the end of this module are
what those files call: they know the node's number of parts and the role of the service.
"""

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol

import asyncpg
from alembic import command, op
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from creditmesh.chassis.database.address import DatabaseAddress, addresses
from creditmesh.chassis.database.connecting import connect
from creditmesh.chassis.database.roles import (
    BUS,
    DDL,
    RELAY,
    create_database,
    create_roles,
    open_database,
    quoted,
    role_of,
)
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.database.upgrading import alone
from creditmesh.chassis.facts import Facts, WrongNode

OPTION = "creditmesh"
_LOCK = 0x6372_6564
_PATIENT = {"statement_timeout": "0", "lock_timeout": "30s", "idle_in_transaction_session_timeout": "0"}
_one_at_a_time = asyncio.Lock()  # Alembic's `op` is one for the whole process


class Migrated(Protocol):
    """What migrations need to know of a service; `chassis.service.Service` is one."""

    @property
    def name(self) -> str:
        """The schema, and the second half of the role."""

    @property
    def package(self) -> str:
        """The import name; versions are in `<package>/migrations`, which may be absent."""

    @property
    def vault(self) -> frozenset[str]:
        """Which functions of the vault its role may call: `resolve`, `open`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A `Migrated` by itself."""

    name: str
    package: str
    vault: frozenset[str] = frozenset()


_CHASSIS = (
    Package(name="bus", package="creditmesh.chassis.bus"),
    Package(name="vault", package="creditmesh.chassis.vault"),
)


class Upgraded(NamedTuple):
    """A package that a migration brings from one version to another; None where there is none."""

    package: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One package's versions being run: what the functions below look at."""

    connection: Connection
    schema: str
    facts: Facts


_IS_NODE = "select to_regclass('bus.node') is not null"
_NODE = "select code, tier, parts from bus.node"
_HAS_VERSIONS = "select to_regclass('bus.installed') is not null"
_VERSIONS = "select package, version from bus.installed"
_INSTALLED = """
    insert into bus.installed (package, version) values (:package, :version)
        on conflict (package) do update set version = excluded.version
"""
_KEEP_NODE = "insert into bus.node (code, tier, parts) values (:code, :tier, :parts) on conflict do nothing"

Declare = Callable[[Session], Awaitable[None]]


async def migrate(
    admin: DatabaseAddress,
    *,
    node: str,
    tier: str,
    parts: int,
    packages: Sequence[Migrated],
    secrets: Path,
    database: str | None = None,
    declare: Declare | None = None,
) -> Sequence[Upgraded]:
    """Bring a node's database (named like the node unless `database` says otherwise) to what the packages declare.

    Tells what was upgraded.

    Makes what is missing and may be run again, beside running processes too if there is nothing to upgrade, else
    StillRunning; runs on one server take turns. `declare` comes last, under the DDL role, in the transaction that says
    which versions are in: what the bus adds for the declared streams. WrongNode if the database was created with
    another code, tier or number of parts.
    """
    facts = Facts(code=node, tier=tier, parts=parts)
    name = database or node
    roles = [DDL, BUS, RELAY, *(package.name for package in packages)]
    session = await _patient(admin)
    try:
        await session.execute("select pg_advisory_lock($1)", _LOCK)
        await create_database(session, name)
        is_node, behind = await _look_and_close(admin.of(name), facts, packages)
        await create_roles(session, node=node, names=roles, secrets=secrets)
        async with AsyncExitStack() as stack:
            if is_node and behind:
                await stack.enter_async_context(alone(session, name, node=node, names=roles))
                await open_database(session, name, node=node, names=[DDL])
            else:
                await open_database(session, name, node=node, names=roles)
            ddl = addresses(admin, node=node, secrets=secrets)[DDL].of(name)
            async with _one_at_a_time:
                await _versions(ddl, facts, packages, declare)
        return behind
    finally:
        await session.close()


async def assert_node(session: Session, expected: Facts, packages: Sequence[Migrated] = ()) -> None:
    """WrongNode, in plain words, unless the database is the node that was expected, at these packages' versions."""
    row = await session.row(_NODE) if await session.value(_IS_NODE) else None
    if row is None:
        raise WrongNode(
            "The database is not a node yet: run `creditmesh-node migrate` first.",
            "数据库尚未建为节点：请先执行 `creditmesh-node migrate`。",
        )
    Facts(**row).assert_same(expected)
    for name, found, own in await _behind(session, packages):
        raise WrongNode(
            f"The database is older than this program: its schema {name!r} is at migration {found or 'none'}, not at "
            f"{own or 'none'}. Run `creditmesh-node migrate` with this version, or start the version that did.",
            f"数据库版本低于本程序：模式 {name!r} 的迁移为 {found or '无'}，本程序需要 {own or '无'}。"
            "请用本版本执行 `creditmesh-node migrate`，或启动与数据库相符的版本。",
        )


@cache
def head_of(package: str) -> str | None:
    """The newest migration of a package; None where it has none."""
    versions = _versions_of(package)
    return None if versions is None else ScriptDirectory.from_config(_config(versions)).get_current_head()


async def _patient(address: DatabaseAddress) -> asyncpg.Connection:
    return await connect(address, application_name="migrate", settings=_PATIENT, seconds_to_answer=None)


async def _look_and_close(
    address: DatabaseAddress, facts: Facts, packages: Sequence[Migrated]
) -> tuple[bool, list[Upgraded]]:
    """Whether it is a node already, and what is to be upgraded."""
    session = Session(await _patient(address))
    try:
        is_node = bool(await session.value(_IS_NODE))
        if is_node:
            for row in await session.fetch(_NODE):
                Facts(**row).assert_same(facts)
            await _assert_not_newer(session, packages)
        await session.script("revoke all on schema public from public")
        return is_node, await _behind(session, packages)
    finally:
        await session.driver.close()


async def _behind(session: Session, packages: Sequence[Migrated]) -> list[Upgraded]:
    """The packages whose newest migration is not the one in the database."""
    rows = await session.fetch(_VERSIONS) if await session.value(_HAS_VERSIONS) else ()
    installed = {row.package: row.version for row in rows}
    behind = []
    for package in (*_CHASSIS, *packages):
        own, found = head_of(package.package), installed.get(package.name)
        if own != found:
            _assert_known(package, found)
            behind.append(Upgraded(package.name, found, own))
    return behind


async def _assert_not_newer(session: Session, packages: Sequence[Migrated]) -> None:
    """WrongNode if a newer program has upgraded any of it, to the end or not."""
    for package in (*_CHASSIS, *packages):
        table = f"{quoted(package.name)}.alembic_version"
        if await session.value("select to_regclass(:table) is not null", {"table": table}):
            _assert_known(package, await session.value(f"select version_num from {table}"))


def _assert_known(package: Migrated, found: str | None) -> None:
    own = head_of(package.package)
    if (found or "") > (own or ""):  # versions are numbered in their names
        raise WrongNode(
            f"The database is newer than this program: its schema {package.name!r} is at migration {found}, this "
            f"program knows none beyond {own or 'none'}. Nothing was changed: start that version.",
            f"数据库版本高于本程序：模式 {package.name!r} 的迁移为 {found}，本程序仅到 {own or '无'}。"
            "未作任何更改：请启动与数据库相符的版本。",
        )


async def _versions(ddl: DatabaseAddress, facts: Facts, packages: Sequence[Migrated], declare: Declare | None) -> None:
    session = Session(await _patient(ddl))
    try:
        await session.script("alter default privileges revoke execute on functions from public")
        await _schemas(session, facts, packages)
        for package in (*_CHASSIS, *packages):
            await _upgraded(ddl, package, facts)
            if package.name == BUS:
                await session.execute(_KEEP_NODE, asdict(facts))
        await session.begin()
        await _grant_vault(session, facts, packages)
        if declare is not None:
            await declare(session)
        for package in (*_CHASSIS, *packages):
            if (version := head_of(package.package)) is not None:
                await session.execute(_INSTALLED, {"package": package.name, "version": version})
        await session.commit()
    finally:
        session.end()


async def _upgraded(ddl: DatabaseAddress, package: Migrated, facts: Facts) -> None:
    # Alembic runs on SQLAlchemy's own connection, in one transaction a package.
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: _patient(ddl), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade, package, facts)


async def _schemas(session: Session, facts: Facts, packages: Sequence[Migrated]) -> None:
    for package in (*_CHASSIS, *packages):
        await session.script(f"create schema if not exists {quoted(package.name)}")
    for package in packages:
        role = quoted(role_of(facts.code, package.name))
        await session.script(f"grant usage on schema {quoted(package.name)} to {role}")


async def _grant_vault(session: Session, facts: Facts, packages: Sequence[Migrated]) -> None:
    for package in packages:
        role = quoted(role_of(facts.code, package.name))
        await session.script(f"revoke all on schema vault from {role}")
        await session.script(f"revoke all on all functions in schema vault from {role}")
        for function in sorted(package.vault):
            await session.script(f"grant usage on schema vault to {role}")
            await session.script(f"grant execute on function vault.{quoted(function)} to {role}")


def _upgrade(connection: Connection, package: Migrated, facts: Facts) -> None:
    versions = _versions_of(package.package)
    if versions is None:
        return
    config = _config(versions)
    config.attributes[OPTION] = Run(connection=connection, schema=package.name, facts=facts)
    command.upgrade(config, "head")


def _config(versions: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", _escaped(Path(__file__).parent / "alembic"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", _escaped(versions))
    return config


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")


def _versions_of(package: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {package!r}")
    folders = (Path(place) / "migrations" for place in spec.submodule_search_locations)
    return next((folder for folder in folders if folder.is_dir()), None)


def _run() -> Run:
    run: Run = op.get_context().opts[OPTION]
    return run


def parts() -> int:
    """The node's number of parts."""
    return _run().facts.parts


def service_role() -> str:
    """The role of the service whose migration runs, quoted for SQL."""
    run = _run()
    return quoted(role_of(run.facts.code, run.schema))


def script(statements: str) -> None:
    """Run several statements, separated by semicolons, without parameters, in the migration's transaction."""
    connection = op.get_bind()
    connection.exec_driver_sql("select 1")  # begins the transaction, which the driver alone would not
    raw = connection.connection.dbapi_connection
    if raw is None:
        raise RuntimeError("the migration has lost its connection")
    raw.run_async(lambda driver: driver.execute(statements))


def partition_by_part(table: str) -> None:
    """Make the partitions of a table declared `partition by list (part)`: one for each part of the node."""
    name = _table(table)
    own = name.rstrip('"')
    script(
        ";".join(f'create table {own}_{part}" partition of {name} for values in ({part})' for part in range(parts()))
    )


def append_only(table: str) -> None:
    """The service may read and add rows; it holds no right to change or remove one."""
    _grant("select, insert", table)


def read_write(table: str) -> None:
    """The service may read, add, change and remove rows."""
    _grant("select, insert, update, delete", table)


def idempotency() -> None:
    """Make the service's table of idempotency keys: a digest and a reference for each, never an answer."""
    schema = quoted(_run().schema)
    script(
        f"create table {schema}.idempotency ("
        " owner text not null, key text not null, digest bytea not null, reference uuid not null,"
        " at timestamptz not null, primary key (owner, key));"
        f"create index on {schema}.idempotency (at)"
    )
    _grant("select, insert, delete", f"{_run().schema}.idempotency")


def _grant(rights: str, table: str) -> None:
    op.execute(f"grant {rights} on {_table(table)} to {service_role()}")


def _table(table: str) -> str:
    schema, _, name = table.partition(".")
    return f"{quoted(schema)}.{quoted(name)}"
