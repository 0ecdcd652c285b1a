"""Migrating: a node's database, its roles, its schemas, and every package's versions in its own schema.

A package's versions are plain Alembic files in `<package>/migrations`, run under `<node>_ddl` by one shared `env.py`,
each package that is behind in one transaction and recorded in `<schema>.alembic_version`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

import asyncpg

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
from creditmesh.chassis.database.versions import (
    CHASSIS,
    Migrated,
    Upgraded,
    behind,
    head_of,
    is_node,
    version_of,
    versions_of,
)
from creditmesh.chassis.facts import Facts

_LOCK = 0x6372_6564
_PATIENT = {"statement_timeout": "0", "lock_timeout": "30s", "idle_in_transaction_session_timeout": "0"}
_one_at_a_time = asyncio.Lock()  # Alembic's `op` is one for the whole process
_INSTALLED = """
    insert into bus.installed (package, version) values (:package, :version)
        on conflict (package) do update set version = excluded.version
"""
_KEEP_NODE = """
    insert into bus.node (code, tier, parts, sandbox) values (:code, :tier, :parts, :sandbox) on conflict do nothing
"""

Declare = Callable[[Session], Awaitable[None]]


async def migrate(
    admin: DatabaseAddress,
    *,
    node: str,
    tier: str,
    parts: int,
    packages: Sequence[Migrated],
    secrets: Path,
    sandbox: bool = False,
    database: str | None = None,
    declare: Declare | None = None,
) -> Sequence[Upgraded]:
    """Bring a node's database (named like the node unless `database` says otherwise) to what the packages declare.

    Tells what was upgraded.

    Makes what is missing and may be run again, beside running processes too if there is nothing to upgrade, else
    StillRunning; runs on one server take turns. `declare` comes last, under the DDL role, in the transaction that says
    which versions are in: what the bus adds for the declared streams. WrongNode if the database was created with
    another code, tier or number of parts, or as a sandbox or none.
    """
    facts = Facts(code=node, tier=tier, parts=parts, sandbox=sandbox)
    name = database or node
    roles = [DDL, BUS, RELAY, *(package.name for package in packages)]
    session = await _patient(admin)
    try:
        await session.execute("select pg_advisory_lock($1)", _LOCK)
        await create_database(session, name)
        known, older = await _look_and_close(admin.of(name), facts, packages)
        await create_roles(session, node=node, names=roles, secrets=secrets)
        async with AsyncExitStack() as stack:
            if known and older:
                await stack.enter_async_context(alone(session, name, node=node, names=roles))
                await open_database(session, name, node=node, names=[DDL])
            else:
                await open_database(session, name, node=node, names=roles)
            ddl = addresses(admin, node=node, secrets=secrets)[DDL].of(name)
            async with _one_at_a_time:
                await _versions(ddl, facts, packages, declare)
        return older
    finally:
        await session.close()


async def _patient(address: DatabaseAddress) -> asyncpg.Connection:
    return await connect(address, application_name="migrate", settings=_PATIENT, seconds_to_answer=None)


async def _look_and_close(
    address: DatabaseAddress, facts: Facts, packages: Sequence[Migrated]
) -> tuple[bool, list[Upgraded]]:
    """Whether it is a node already, and what is to be upgraded."""
    session = Session(await _patient(address))
    try:
        known = await is_node(session, facts, packages)
        await session.script("revoke all on schema public from public")
        return known, await behind(session, packages)
    finally:
        await session.driver.close()


async def _versions(ddl: DatabaseAddress, facts: Facts, packages: Sequence[Migrated], declare: Declare | None) -> None:
    session = Session(await _patient(ddl))
    try:
        await session.script("alter default privileges revoke execute on functions from public")
        await _schemas(session, facts, packages)
        for package in (*CHASSIS, *packages):
            await _upgraded(session, ddl, package, facts)
            if package.name == BUS:
                await session.execute(_KEEP_NODE, asdict(facts))
        await session.begin()
        await _grant_vault(session, facts, packages)
        if declare is not None:
            await declare(session)
        for package in (*CHASSIS, *packages):
            if (version := head_of(package.package)) is not None:
                await session.execute(_INSTALLED, {"package": package.name, "version": version})
        await session.commit()
    finally:
        session.end()


async def _upgraded(session: Session, ddl: DatabaseAddress, package: Migrated, facts: Facts) -> None:
    folder = versions_of(package.package)
    if folder is None or await version_of(session, package) == head_of(package.package):
        return
    from creditmesh.chassis.database.runner import run_versions  # noqa: PLC0415 - most starts upgrade nothing

    await run_versions(lambda: _patient(ddl), package, versions=folder, facts=facts)


async def _schemas(session: Session, facts: Facts, packages: Sequence[Migrated]) -> None:
    for package in (*CHASSIS, *packages):
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
