"""The one access log: lines come in, nothing ever changes (the role holds no right to)."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.events import AccessRecorded

_COLUMNS = ("part", "access", "subject", "at", "data")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log as it was read back."""

    entry: int
    at: datetime
    event: AccessRecorded


async def add(session: Session, rows: Iterable[tuple[int, UUID, UUID, datetime, bytes]]) -> int:
    """Add lines (part, access, subject, at, event's JSON); a repeated access breaks the primary key."""
    return await session.copy("query.access", _COLUMNS, rows)


_PAGE = """
    select entry, at, data from query.access
     where part = :part and subject = :subject and entry < coalesce(cast(:before as bigint), 9223372036854775807)
     order by entry desc limit :limit
"""


async def page(session: Session, *, part: int, subject: UUID, before: int | None, limit: int) -> list[Line]:
    """At most `limit` lines about a subject that came in before the entry `before` (None: all), newest first."""
    values = {"part": part, "subject": subject, "before": before, "limit": limit}
    return [
        Line(entry, at, AccessRecorded.model_validate_json(data))
        for entry, at, data in await session.fetch(_PAGE, values)
    ]


async def every(session: Session, *, part: int, subject: UUID, batch: int = 500) -> AsyncIterator[Line]:
    """All lines about a subject, newest first."""
    before: int | None = None
    while lines := await page(session, part=part, subject=subject, before=before, limit=batch):
        for line in lines:
            yield line
        before = lines[-1].entry
