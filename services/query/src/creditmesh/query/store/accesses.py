"""The one access log: lines come in, nothing ever changes (the role holds no right to)."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.copy import copy
from creditmesh.query.tables import access
from creditmesh.schemas.events import AccessRecorded

_COLUMNS = ("part", "access", "subject", "at", "data")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log as it was read back."""

    entry: int
    at: datetime
    event: AccessRecorded


async def add(connection: AsyncConnection, rows: Iterable[tuple[int, UUID, UUID, datetime, bytes]]) -> int:
    """Add lines (part, access, subject, at, event's JSON); a repeated access breaks the primary key."""
    return await copy(connection, "query.access", _COLUMNS, rows)


async def page(connection: AsyncConnection, *, part: int, subject: UUID, before: int | None, limit: int) -> list[Line]:
    """At most `limit` lines about a subject that came in before the entry `before` (None: all), newest first."""
    statement = (
        select(access.c.entry, access.c.at, access.c.data)
        .where(access.c.part == part, access.c.subject == subject)
        .order_by(access.c.entry.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(access.c.entry < before)
    rows = await connection.execute(statement)
    return [Line(row.entry, row.at, AccessRecorded.model_validate_json(row.data)) for row in rows]


async def every(connection: AsyncConnection, *, part: int, subject: UUID, batch: int = 500) -> AsyncIterator[Line]:
    """All lines about a subject, newest first."""
    before: int | None = None
    while lines := await page(connection, part=part, subject=subject, before=before, limit=batch):
        for line in lines:
            yield line
        before = lines[-1].entry
