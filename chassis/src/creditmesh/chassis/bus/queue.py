"""The writer's end: bodies and queue rows of the events of one transaction, or of one statement that is one."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import NamedTuple, TypedDict, Unpack
from uuid import UUID

from creditmesh.chassis.database.session import COPY_FROM, Session


class Outgoing(NamedTuple):
    """An event that waits for its transaction's commit, as a row of `bus.outgoing`."""

    type: str
    version: int
    part: int
    id: UUID
    key: str
    data: bytes | None
    """None where its body has been written already."""
    own: bool = False
    """Its body goes into the service's own outbox table."""


class TransactionFacts(TypedDict):
    """What the events of one transaction have in common."""

    stream: str
    at: datetime
    legal_date: date
    traceparent: str | None


_OWN = ("part", "id", "key", "at", "legal_date", "traceparent", "data")
_BODIES = ("stream", "type", "version", *_OWN)
_WHEN = "cast(:event_at as timestamptz), cast(:event_legal_date as date), cast(:event_traceparent as text)"
# The function scan yields the rows in the order of the array.
_EVENTS = "unnest(cast(:event_rows as bus.outgoing[])) as e"
_QUEUE = ("stream", "part", "type", "event")


async def enqueue(
    session: Session, *, outgoing: Sequence[Outgoing], outbox: str | None = None, **origin: Unpack[TransactionFacts]
) -> None:
    """Write these events: the last thing before the commit, under the subjects' locks.

    The queue's ids are drawn in the order of the rows, and that order is the order of the events. Fewer than
    `COPY_FROM` are one statement, which needs no transaction around it. `outbox` is the service's own table
    (`schema.name`), for bodies that go there.
    """
    own = [event for event in outgoing if event.own]
    if len(outgoing) < COPY_FROM:
        await session.execute(_alone(outbox if own else None), values_of(outgoing, **origin))
        return
    when = (origin["at"], origin["legal_date"], origin["traceparent"])
    if own and outbox is not None:
        await session.copy(outbox, _OWN, [(e.part, e.id, e.key, *when, e.data) for e in own])
    bodies = [
        (origin["stream"], e.type, e.version, e.part, e.id, e.key, *when, e.data)
        for e in outgoing
        if e.data is not None and not e.own
    ]
    await session.copy("bus.event", _BODIES, bodies)
    await session.copy("bus.event_queue", _QUEUE, [(origin["stream"], e.part, e.type, e.id) for e in outgoing])


def insertions(outbox: str | None, *, on: str = "true") -> str:
    """The parts of a `with` that write events on a condition, for a statement that decides by itself.

    Its values are `values_of` the events. Their own bodies go into `outbox`; None: there are none of those.
    """
    own = "" if outbox is None else f"""own_bodies as (
        insert into {outbox} ({", ".join(_OWN)})
        select e.part, e.id, cast(e.key as uuid), {_WHEN}, e.data from {_EVENTS} where e.own and {on}
    ), """  # fmt: skip
    return f"""{own}bodies as (
        insert into bus.event ({", ".join(_BODIES)})
        select :event_stream, e.type, e.version, e.part, e.id, e.key, {_WHEN}, e.data
          from {_EVENTS} where e.data is not null and not e.own and {on}
    ), queued as (
        insert into bus.event_queue ({", ".join(_QUEUE)})
        select :event_stream, e.part, e.type, e.id from {_EVENTS} where {on}
    )"""


def values_of(outgoing: Sequence[Outgoing], **origin: Unpack[TransactionFacts]) -> dict[str, object]:
    """The values that `insertions` names."""
    return {
        "event_stream": origin["stream"],
        "event_at": origin["at"],
        "event_legal_date": origin["legal_date"],
        "event_traceparent": origin["traceparent"],
        "event_rows": outgoing,
    }


@cache
def _alone(outbox: str | None) -> str:
    return f"with {insertions(outbox)} select"
