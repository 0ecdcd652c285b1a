"""Authorisations: an immutable signed text, the count of its uses, and whether it was taken back."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.query.tables import authorisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorisation:
    """One row: the signed text says what was permitted, the rest finds it and follows it."""

    part: int
    id: UUID
    subject: UUID
    bureau: str
    token: str
    valid_from: date
    valid_until: date
    max_uses: int
    given_at: datetime
    uses: int = 0
    revoked_at: datetime | None = None


async def give(connection: AsyncConnection, given: Authorisation) -> None:
    """Add an authorisation."""
    values = {name: getattr(given, name) for name in authorisation.columns.keys()}  # noqa: SIM118 - not a mapping
    await connection.execute(insert(authorisation).values(values))


async def find(connection: AsyncConnection, id: UUID, *, parts: range) -> Authorisation | None:  # noqa: A002
    """The authorisation of that id, whoever's it is; naming the parts lets each be probed by its key."""
    wanted = select(authorisation).where(authorisation.c.part.in_(parts), authorisation.c.id == id)
    row = (await connection.execute(wanted)).one_or_none()
    return None if row is None else _read(row)


async def page(
    connection: AsyncConnection, *, part: int, subject: UUID, before: UUID | None, limit: int
) -> list[Authorisation]:
    """At most `limit` authorisations that a subject gave before that one (None: all), newest first."""
    statement = (
        select(authorisation)
        .where(authorisation.c.part == part, authorisation.c.subject == subject)
        .order_by(authorisation.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(authorisation.c.id < before)
    return [_read(row) for row in await connection.execute(statement)]


async def revoke(connection: AsyncConnection, id: UUID, *, part: int, subject: UUID, at: datetime) -> bool:  # noqa: A002
    """Take it back, once; False if the subject gave no such authorisation. A use under way has ended when this does."""
    mine = authorisation.c.part == part, authorisation.c.id == id, authorisation.c.subject == subject
    standing = update(authorisation).where(*mine, authorisation.c.revoked_at.is_(None)).values(revoked_at=at)
    if (await connection.execute(standing)).rowcount:
        return True
    return await connection.scalar(select(authorisation.c.id).where(*mine)) is not None


def _read(row: Row[tuple[object, ...]]) -> Authorisation:
    return Authorisation(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name
