"""Verified copies of peers' feeds: how far each goes, what came, why one stopped, what we signed about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Doubt
from creditmesh.schemas.tlog import Range

RECEIVED = ("part", "id", "key", "at", "legal_date", "traceparent", "peer", "feed", "index", "record", "rev", "data")
"""The columns of a received record in the order of a row to be written."""
Received = tuple[int, UUID, str, datetime, date, str | None, str, str, int, UUID | None, int | None, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """How the copy of one feed stands."""

    peer: str
    feed: str
    range: Range
    note: str | None = None
    alarm: str | None = None


_MAKE = "insert into exchange.copy_head (peer, feed) values (:peer, :feed) on conflict do nothing"
_COPY = "select size, stack, note, alarm from exchange.copy_head where peer = :peer and feed = :feed"
_ALL = "select peer, feed, size, stack, note, alarm from exchange.copy_head order by peer, feed"
_MOVE = """
    with moved as (
        update exchange.copy_head set size = :size, stack = :stack, note = :note
         where peer = :peer and feed = :feed and size = :was and alarm is null
        returning peer, feed, size
    )
    insert into exchange.copy_checkpoint (peer, feed, size, root) select peer, feed, size, :root from moved
"""
_ALARM = """
    update exchange.copy_head set alarm = :alarm, alarmed_at = :at where peer = :peer and feed = :feed
"""
_RESUME = """
    update exchange.copy_head set alarm = null, alarmed_at = null
     where peer = :peer and feed = :feed and alarm is not null
"""


async def copy_of(session: Session, peer: str, feed: str) -> Copy:
    """The copy of a peer's feed, made at its beginning if it is new."""
    place = {"peer": peer, "feed": feed}
    row = await session.row(_COPY, place)
    if row is None:
        await session.execute(_MAKE, place)
        return Copy(peer=peer, feed=feed, range=Range.empty())
    return Copy(peer=peer, feed=feed, range=Range.unpacked(row.size, row.stack), note=row.note, alarm=row.alarm)


async def every(session: Session) -> list[Copy]:
    """All copies."""
    return [
        Copy(peer=r.peer, feed=r.feed, range=Range.unpacked(r.size, r.stack), note=r.note, alarm=r.alarm)
        for r in await session.fetch(_ALL)
    ]


async def move(session: Session, before: Copy, after: Range, *, note: str) -> None:
    """Move a copy from exactly where it was. Doubt if another process has moved or stopped it."""
    place = {"peer": before.peer, "feed": before.feed, "was": before.range.size}
    head = {"size": after.size, "stack": after.packed(), "root": after.root(), "note": note}
    if not await session.execute(_MOVE, place | head):
        raise Doubt("the copy of a feed was moved by another process")


async def write(session: Session, rows: Sequence[Received]) -> None:
    """Keep received records (rows of `RECEIVED`)."""
    await session.copy("exchange.received", RECEIVED, rows)


async def stop(session: Session, peer: str, feed: str, *, alarm: str, at: datetime) -> None:
    """Nothing of this feed is taken any more until an operator says so."""
    await session.execute(_ALARM, {"peer": peer, "feed": feed, "alarm": alarm, "at": at})


async def resume(session: Session, peer: str, feed: str) -> bool:
    """Take the alarm away; False if there was none."""
    return bool(await session.execute(_RESUME, {"peer": peer, "feed": feed}))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a revision came from: a child's feed and the index in it."""

    peer: str
    index: int


_ORIGINS = """
    select r.record, r.rev, r.peer, r.index
      from unnest(cast(:records as uuid[]), cast(:revs as integer[])) as w(record, rev)
      join exchange.received r on r.record = w.record and r.rev = w.rev and r.feed = 'up'
"""


async def origins(session: Session, revisions: Sequence[tuple[UUID, int]]) -> dict[tuple[UUID, int], Origin]:
    """Which child sent each of these revisions; those that began here are absent."""
    given = {"records": [record for record, _ in revisions], "revs": [rev for _, rev in revisions]}
    rows = await session.fetch(_ORIGINS, given)
    return {(record, rev): Origin(peer, index) for record, rev, peer, index in rows}


_HEAD_AT = """
    select size, root from exchange.copy_checkpoint
     where peer = :peer and feed = :feed and size >= :size order by size limit 1
"""
_MADE = """
    insert into exchange.acknowledgement_made (peer, feed, first, until, data, beyond)
    values (:peer, :feed, :first, :until, :data, :beyond)
"""
_UNSENT = """
    select first, data, beyond from exchange.acknowledgement_made
     where peer = :peer and feed = :feed and sent_at is null order by first limit :limit
"""
_SENT = """
    update exchange.acknowledgement_made set sent_at = :at where peer = :peer and feed = :feed and first = :first
"""


async def head_at(session: Session, peer: str, feed: str, *, size: int) -> tuple[int, bytes]:
    """The first verified head that covers so many entries: its size and root. LookupError if there is none."""
    found = await session.fetch(_HEAD_AT, {"peer": peer, "feed": feed, "size": size})
    if not found:
        raise LookupError("entries were judged that were never verified")
    [(at, root)] = found
    return at, root


class Unsent(NamedTuple):
    """An acknowledgement that the peer does not have yet."""

    first: int
    data: str
    beyond: Sequence[int]
    """The numbers, part by part, that every reader of ingestion's stream has to pass before it may be sent."""


async def add_made(
    session: Session, peer: str, feed: str, *, first: int, until: int, data: str, beyond: Sequence[int]
) -> None:
    """Keep an acknowledgement that is to be sent when all readers of ingestion's stream have passed these numbers."""
    given = {"first": first, "until": until, "data": data, "beyond": list(beyond)}
    await session.execute(_MADE, {"peer": peer, "feed": feed, **given})


async def unsent(session: Session, peer: str, feed: str, *, limit: int) -> list[Unsent]:
    """The oldest acknowledgements the peer does not have yet."""
    rows = await session.fetch(_UNSENT, {"peer": peer, "feed": feed, "limit": limit})
    return [Unsent(*row) for row in rows]


async def sent(session: Session, peer: str, feed: str, *, first: int, at: datetime) -> None:
    """The peer has it."""
    await session.execute(_SENT, {"peer": peer, "feed": feed, "first": first, "at": at})
