"""All SQL of the gateway."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.gateway.tables import CREDENTIAL, SECURITY_LOG

_ONE = select(CREDENTIAL)
_PAGE = select(CREDENTIAL).order_by(CREDENTIAL.c.key)
_HOLDER = ("kind", "party", "officer", "subject", "label")


async def credential(connection: AsyncConnection, key: str) -> Row[Any] | None:
    """The credential of that id."""
    return (await connection.execute(_ONE.where(CREDENTIAL.c.key == key))).one_or_none()


async def live_keys(connection: AsyncConnection, holder: Mapping[str, object], *, at: datetime) -> Sequence[str]:
    """The ids of the holder's keys that are neither revoked nor expired, the oldest first."""
    same = [CREDENTIAL.c[name].is_not_distinct_from(holder[name]) for name in _HOLDER]
    statement = select(CREDENTIAL.c.key).where(*same, CREDENTIAL.c.revoked.is_(None), CREDENTIAL.c.expires > at)
    return (await connection.execute(statement.order_by(CREDENTIAL.c.created))).scalars().all()


async def add(connection: AsyncConnection, row: Mapping[str, object]) -> None:
    """Keep a new credential."""
    await connection.execute(insert(CREDENTIAL).values(row))


async def revoke(connection: AsyncConnection, key: str, *, at: datetime, by: str) -> Row[Any] | None:
    """Mark it revoked, once: a second time keeps the first mark. The row as it is then; None if there is none."""
    statement = (
        update(CREDENTIAL)
        .where(CREDENTIAL.c.key == key)
        .values(
            revoked=func.coalesce(CREDENTIAL.c.revoked, at),
            revoked_by=func.coalesce(CREDENTIAL.c.revoked_by, by),
        )
        .returning(CREDENTIAL)
    )
    row: Row[Any] | None = (await connection.execute(statement)).one_or_none()
    return row


async def page(
    connection: AsyncConnection, *, party: str | None, kind: str | None, after: str | None, limit: int
) -> Sequence[Row[Any]]:
    """Credentials by id, from the one after `after` on."""
    statement = _PAGE.limit(limit)
    if party is not None:
        statement = statement.where(CREDENTIAL.c.party == party)
    if kind is not None:
        statement = statement.where(CREDENTIAL.c.kind == kind)
    if after is not None:
        statement = statement.where(CREDENTIAL.c.key > after)
    return (await connection.execute(statement)).all()


async def log_refusals(connection: AsyncConnection, rows: Sequence[Mapping[str, object]]) -> None:
    """Append to the security log."""
    await connection.execute(insert(SECURITY_LOG), list(rows))
