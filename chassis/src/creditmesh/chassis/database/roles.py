"""Roles: one for each service of a node, two for its bus, one that alone may change schemas; and their database.

Passwords are made here, kept in `<secrets>/roles/<role>` (0600) and never shown. No role is allowed anything that it
was not granted: the database and the schema `public` are closed to everybody first.
"""

import os
import re
import secrets as randomness
from collections.abc import Iterable
from pathlib import Path

import asyncpg

DDL = "ddl"
BUS = "bus"
RELAY = "relay"
_LET_IN = """
    select quote_ident(r.rolname)
      from pg_database d cross join lateral aclexplode(d.datacl) a join pg_roles r on r.oid = a.grantee
     where d.datname = $1 and starts_with(r.rolname, $2) and r.rolname <> all($3) and a.privilege_type = 'CONNECT'
"""
_WORD = re.compile(r"[a-z][a-z0-9_]{0,62}")


def quoted(word: str) -> str:
    """A name of ours as SQL; ValueError if it is not a plain lower-case word, so that nothing else ever gets in."""
    if not _WORD.fullmatch(word):
        raise ValueError(f"not a name for the database: {word!r}")
    return f'"{word}"'


def role_of(node: str, name: str) -> str:
    """The role of a service (or of `bus`, `relay`, `ddl`) in a node."""
    return f"{node}_{name}"


async def create_roles(admin: asyncpg.Connection, *, node: str, names: Iterable[str], secrets: Path) -> None:
    """Make the roles that are missing; a role whose password file is new gets that password."""
    for name in names:
        role = role_of(node, name)
        password, fresh = _password(secrets / "roles", role)
        if not await admin.fetchval("select true from pg_roles where rolname = $1", role):
            await admin.execute(f"create role {quoted(role)} login nocreatedb nocreaterole nosuperuser")
            fresh = True
        if fresh:
            await admin.execute(f"alter role {quoted(role)} password '{password}'")


async def create_database(admin: asyncpg.Connection, name: str, *, template: str | None = None) -> bool:
    """Make the database unless it is there; True if it was made. A copy of a template is made file by file."""
    if await admin.fetchval("select true from pg_database where datname = $1", name):
        return False
    source = "template0" if template is None else f"{quoted(template)} strategy file_copy"
    await admin.execute(f"create database {quoted(name)} template {source}")
    return True


async def open_database(admin: asyncpg.Connection, name: str, *, node: str, names: Iterable[str]) -> None:
    """Close the database to everybody and let these roles of the node in. A copy of a template needs it again.

    The role of a service that the node has no more is let in by no grant that it was given once.
    """
    wanted = [role_of(node, each) for each in names]
    gone = [row[0] for row in await admin.fetch(_LET_IN, name, f"{node}_", wanted)]
    roles = ", ".join(map(quoted, wanted))
    await admin.execute(f"revoke all on database {quoted(name)} from {', '.join(['public', *gone])}")
    await admin.execute(f"grant connect on database {quoted(name)} to {roles}")
    await admin.execute(f"grant create on database {quoted(name)} to {quoted(role_of(node, DDL))}")


async def close_database(admin: asyncpg.Connection, name: str, *, node: str, names: Iterable[str]) -> None:
    """Let these roles of the node in no more, until `open_database`; who is in stays."""
    roles = ", ".join(quoted(role_of(node, each)) for each in names)
    await admin.execute(f"revoke connect on database {quoted(name)} from {roles}")


def _password(folder: Path, role: str) -> tuple[str, bool]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / role
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip(), False
    password = randomness.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(password)
    return password, True
