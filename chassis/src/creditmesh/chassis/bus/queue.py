"""The writer's end: bodies and queue rows of a transaction's events, in one statement or, of many, two copies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from creditmesh.chassis.database.session import COPY_FROM, Session


@dataclass(slots=True, frozen=True)
class Outgoing:
    """An event that waits for its transaction's commit; `data` is None where the body is the service's own row."""

    id: UUID
    part: int
    type: str
    version: int
    key: str
    data: bytes | None


_BODIES = ("stream", "part", "id", "type", "version", "key", "at", "legal_date", "traceparent", "data")
_QUEUE = ("stream", "part", "type", "event")
_ENQUEUE = """
    with body as (
        insert into bus.event (stream, part, id, type, version, key, at, legal_date, traceparent, data)
        select :stream, e.part, e.id, e.type, e.version, e.key, :at, :legal_date, :traceparent, e.data
          from unnest(cast(:parts as integer[]), cast(:ids as uuid[]), cast(:types as text[]),
                      cast(:versions as smallint[]), cast(:keys as text[]), cast(:data as bytea[]))
               as e(part, id, type, version, key, data)
         where e.data is not null
    )
    insert into bus.event_queue (stream, part, type, event)
    select :stream, e.part, e.type, e.id
      from unnest(cast(:parts as integer[]), cast(:types as text[]), cast(:ids as uuid[]))
           with ordinality as e(part, type, id, place)
     order by e.place
"""


async def enqueue(
    session: Session,
    *,
    stream: str,
    outgoing: Sequence[Outgoing],
    at: datetime,
    legal_date: date,
    traceparent: str | None,
) -> None:
    """Write the events of this transaction: it is the last thing before the commit, under the subjects' locks.

    The queue's ids are drawn in the order of the rows, and that order is the order of the events.
    """
    bodies = [event for event in outgoing if event.data is not None]
    if bodies and len(outgoing) < COPY_FROM:
        values = {
            "stream": stream,
            "at": at,
            "legal_date": legal_date,
            "traceparent": traceparent,
            "parts": [event.part for event in outgoing],
            "ids": [event.id for event in outgoing],
            "types": [event.type for event in outgoing],
            "versions": [event.version for event in outgoing],
            "keys": [event.key for event in outgoing],
            "data": [event.data for event in outgoing],
        }
        await session.execute(_ENQUEUE, values)
        return
    rows = [(stream, e.part, e.id, e.type, e.version, e.key, at, legal_date, traceparent, e.data) for e in bodies]
    await session.copy("bus.event", _BODIES, rows)
    await session.copy("bus.event_queue", _QUEUE, [(stream, event.part, event.type, event.id) for event in outgoing])
