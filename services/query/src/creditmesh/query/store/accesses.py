"""The one access log: lines come in, nothing ever changes (the role holds no right to).

It is the outbox of this service's own accesses, which are written by `store.queries` and by the context; those of other
services come as events. `entry` is the order in which lines were written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.database.session import Session
from creditmesh.schemas.events import AccessRecorded

_COLUMNS = ("part", "id", "key", "at", "legal_date", "traceparent", "data")


@dataclass(frozen=True, slots=True)
class AccessLine:
    """One line of the log as it was read back."""

    entry: int
    at: datetime
    event: AccessRecorded


async def add(session: Session, events: Sequence[Delivered]) -> int:
    """Add lines of other services' accesses; a repeated access breaks the primary key."""
    rows = [(e.part, e.id, e.key, e.at, e.legal_date, e.traceparent, e.data) for e in events]
    return await session.copy("query.access", _COLUMNS, rows)


_PAGE = """
    select entry, at, data from query.access
     where part = :part and key = :subject and entry < coalesce(cast(:before as bigint), 9223372036854775807)
     order by entry desc limit :limit
"""


async def page(session: Session, *, part: int, subject: UUID, before: int | None, limit: int) -> list[AccessLine]:
    """At most `limit` lines about a subject that came in before the entry `before` (None: all), newest first."""
    values = {"part": part, "subject": subject, "before": before, "limit": limit}
    return [
        AccessLine(entry, at, AccessRecorded.model_validate_json(data))
        for entry, at, data in await session.fetch(_PAGE, values)
    ]
