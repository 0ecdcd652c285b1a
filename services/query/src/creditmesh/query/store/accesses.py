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

    id: UUID
    at: datetime
    event: AccessRecorded


async def add(session: Session, events: Sequence[Delivered]) -> int:
    """Add lines of other services' accesses; a repeated access breaks the primary key."""
    rows = [(e.part, e.id, e.key, e.at, e.legal_date, e.traceparent, e.data) for e in events]
    return await session.copy("query.access", _COLUMNS, rows)


_ADD_ONCE = """
    insert into query.access (part, id, key, at, legal_date, traceparent, data)
    select * from unnest(cast(:part as integer[]), cast(:id as uuid[]), cast(:key as uuid[]),
                         cast(:at as timestamptz[]), cast(:legal_date as date[]), cast(:traceparent as text[]),
                         cast(:data as bytea[]))
        on conflict do nothing
"""


async def add_once(session: Session, events: Sequence[Delivered]) -> None:
    """Add those of these lines that are not there yet."""
    if events:
        columns = {name: [getattr(each, name) for each in events] for name in _COLUMNS}
        await session.execute(_ADD_ONCE, columns)


# The order of entries is the node's: to a caller the place of a line is its id, which says nothing of others' lines.
_PAGE = """
    select id, at, data from query.access
     where part = :part and key = :subject
       and entry < case when cast(:before as uuid) is null then 9223372036854775807 else coalesce((
               select a.entry from query.access a where a.part = :part and a.id = :before and a.key = :subject), 0) end
     order by entry desc limit :limit
"""


async def page(session: Session, *, part: int, subject: UUID, before: UUID | None, limit: int) -> list[AccessLine]:
    """At most `limit` lines about a subject, newest first, from before the line `before` of theirs (None: all)."""
    values = {"part": part, "subject": subject, "before": before, "limit": limit}
    return [
        AccessLine(id_, at, AccessRecorded.model_validate_json(data))
        for id_, at, data in await session.fetch(_PAGE, values)
    ]
