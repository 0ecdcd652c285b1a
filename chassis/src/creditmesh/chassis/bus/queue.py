"""The writer's end: bodies and queue rows of a transaction's events, in at most one statement each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from creditmesh.chassis.database.session import Session


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
    bodies = [
        (stream, e.part, e.id, e.type, e.version, e.key, at, legal_date, traceparent, e.data)
        for e in outgoing
        if e.data is not None
    ]
    await session.copy("bus.event", _BODIES, bodies)
    await session.copy(
        "bus.event_queue",
        ("stream", "part", "type", "event"),
        [(stream, event.part, event.type, event.id) for event in outgoing],
    )
