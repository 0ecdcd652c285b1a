"""The writer's end: bodies and queue rows of a transaction's events, in at most one statement each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, DateTime, Integer, LargeBinary, SmallInteger, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.copy import copy
from creditmesh.chassis.database.fetch import fetch

COPY_FROM = 30
"""From this many rows on COPY is cheaper than a statement with arrays."""


@dataclass(slots=True, frozen=True)
class Outgoing:
    """An event that waits for its transaction's commit; `data` is None where the body is the service's own row."""

    id: UUID
    part: int
    type: str
    version: int
    key: str
    data: bytes | None


_BODIES = text("""
    insert into bus.event (stream, part, id, type, version, key, at, legal_date, traceparent, data)
    select :stream, o.part, o.id, o.type, o.version, o.key, :at, :legal_date, :traceparent, o.data
      from unnest(:parts, :ids, :types, :versions, :keys, :data) as o(part, id, type, version, key, data)
""").bindparams(
    bindparam("stream", type_=Text),
    bindparam("at", type_=DateTime(timezone=True)),
    bindparam("legal_date", type_=Date),
    bindparam("traceparent", type_=Text),
    bindparam("parts", type_=ARRAY(Integer)),
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("types", type_=ARRAY(Text)),
    bindparam("versions", type_=ARRAY(SmallInteger)),
    bindparam("keys", type_=ARRAY(Text)),
    bindparam("data", type_=ARRAY(LargeBinary)),
)
# The queue's ids are drawn in the order of the rows, and that order is the order of the events.
_QUEUE = text("""
    insert into bus.event_queue (stream, part, type, event)
    select :stream, o.part, o.type, o.event
      from unnest(:parts, :types, :ids) with ordinality as o(part, type, event, place) order by o.place
""").bindparams(
    bindparam("stream", type_=Text),
    bindparam("parts", type_=ARRAY(Integer)),
    bindparam("types", type_=ARRAY(Text)),
    bindparam("ids", type_=ARRAY(Uuid)),
)


async def enqueue(
    connection: AsyncConnection,
    *,
    stream: str,
    outgoing: Sequence[Outgoing],
    at: datetime,
    legal_date: date,
    traceparent: str | None,
) -> None:
    """Write the events of this transaction: it is the last thing before the commit, under the subjects' locks."""
    bodies = [event for event in outgoing if event.data is not None]
    if len(bodies) >= COPY_FROM:
        rows = ((stream, e.part, e.id, e.type, e.version, e.key, at, legal_date, traceparent, e.data) for e in bodies)
        columns = ("stream", "part", "id", "type", "version", "key", "at", "legal_date", "traceparent", "data")
        await copy(connection, "bus.event", columns, rows)
    elif bodies:
        once = {"stream": stream, "at": at, "legal_date": legal_date, "traceparent": traceparent}
        await fetch(
            connection,
            _BODIES,
            {
                **once,
                "parts": [e.part for e in bodies],
                "ids": [e.id for e in bodies],
                "types": [e.type for e in bodies],
                "versions": [e.version for e in bodies],
                "keys": [e.key for e in bodies],
                "data": [e.data for e in bodies],
            },
        )
    await _queue(connection, stream, outgoing)


async def _queue(connection: AsyncConnection, stream: str, outgoing: Sequence[Outgoing]) -> None:
    if len(outgoing) >= COPY_FROM:
        rows = ((stream, event.part, event.type, event.id) for event in outgoing)
        await copy(connection, "bus.event_queue", ("stream", "part", "type", "event"), rows)
    elif outgoing:
        parts, types, ids = zip(*((event.part, event.type, event.id) for event in outgoing), strict=True)
        await fetch(connection, _QUEUE, {"stream": stream, "parts": parts, "types": types, "ids": ids})
