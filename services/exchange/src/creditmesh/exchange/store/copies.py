"""Verified copies of peers' feeds: how far each goes, what came, why one stopped, what we signed about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Uncertain
from creditmesh.schemas.tlog import Range

RECEIVED = ("part", "id", "key", "at", "legal_date", "traceparent", "peer", "feed", "index", "record", "rev", "data")
"""The columns of a received record in the order of a row to be written."""
Received = tuple[int, UUID, str, datetime, date, str | None, str, str, int, UUID | None, int | None, bytes]


EntryPlace = tuple[str, str, int]
"""A peer, its feed, and the index in it."""


class ReceivedText(NamedTuple):
    """The text of a received record, and its row."""

    part: int
    id: UUID
    data: bytes


class KeptPage(NamedTuple):
    """Entries of a copy as they came, and the signed head that they lead to."""

    texts: list[bytes]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCopy:
    """How the copy of one feed stands."""

    peer: str
    feed: str
    range: Range
    note: str | None = None
    alarm: str | None = None
    announced: int | None = None
    """How far the feed went when it was first asked about, or when this node had lost part of its copy."""

    @property
    def behind(self) -> bool:
        """Whether it has not yet stood where its feed stood then: nothing of its records is told until it has."""
        return self.range.size < (self.announced or 0)


_MAKE = "insert into exchange.copy_head (peer, feed) values (:peer, :feed) on conflict do nothing"
_COPY = "select size, stack, note, alarm, announced from exchange.copy_head where peer = :peer and feed = :feed"
_ALL = "select peer, feed, size, stack, note, alarm, announced from exchange.copy_head order by peer, feed"
_MOVE = """
    with moved as (
        update exchange.copy_head set size = :size, stack = :stack, note = :note
         where peer = :peer and feed = :feed and size = :was and alarm is null
        returning peer, feed, size, note
    )
    insert into exchange.copy_checkpoint (peer, feed, size, root, note) select peer, feed, size, :root, note from moved
"""
# Up to the next head whose signed text is kept.
_KEPT_UNTIL = """
    select size, note from exchange.copy_checkpoint
     where peer = :peer and feed = :feed and size > :after and note is not null order by size limit 1
"""
_KEPT = """
    select data from exchange.received
     where peer = :peer and feed = :feed and index >= :after and index < :until order by index
"""
_REFUSED = """
    select r.part, r.id, r.data
      from unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:indices as bigint[])) as w(peer, feed, index)
      join exchange.received r on r.peer = w.peer and r.feed = w.feed and r.index = w.index
"""
_FORGET = """
    update exchange.received r set data = w.data
      from unnest(cast(:parts as integer[]), cast(:ids as uuid[]), cast(:texts as bytea[])) as w(part, id, data)
     where r.part = w.part and r.id = w.id
"""
_ALARM = """
    update exchange.copy_head set alarm = :alarm, alarmed_at = :at where peer = :peer and feed = :feed
"""
_RESUME = """
    update exchange.copy_head set alarm = null, alarmed_at = null
     where peer = :peer and feed = :feed and alarm is not null
"""


async def copy_of(session: Session, peer: str, feed: str) -> FeedCopy:
    """The copy of a peer's feed, made at its beginning if it is new."""
    copy = await found(session, peer, feed)
    if not copy.range.size:
        await session.execute(_MAKE, {"peer": peer, "feed": feed})
    return copy


async def found(session: Session, peer: str, feed: str) -> FeedCopy:
    """The copy of a peer's feed as it stands; empty if there is none."""
    row = await session.row(_COPY, {"peer": peer, "feed": feed})
    if row is None:
        return FeedCopy(peer=peer, feed=feed, range=Range.empty())
    return _copy(peer, feed, row)


async def kept(session: Session, peer: str, feed: str, *, after: int) -> KeptPage | None:
    """The entries after so many up to the next signed head, as they came; None if there are none or not all."""
    place = {"peer": peer, "feed": feed, "after": after}
    end = await session.row(_KEPT_UNTIL, place)
    if end is None:
        return None
    texts = [row.data for row in await session.fetch(_KEPT, place | {"until": end.size})]
    return KeptPage(texts, end.note) if len(texts) == end.size - after else None


async def every(session: Session) -> list[FeedCopy]:
    """All copies."""
    return [_copy(row.peer, row.feed, row) for row in await session.fetch(_ALL)]


def _copy(peer: str, feed: str, row: Row) -> FeedCopy:
    return FeedCopy(
        peer=peer,
        feed=feed,
        range=Range.unpacked(row.size, row.stack),
        note=row.note,
        alarm=row.alarm,
        announced=row.announced,
    )


async def move(session: Session, before: FeedCopy, after: Range, *, note: str) -> None:
    """Move a copy from exactly where it was. Uncertain if another process has moved or stopped it."""
    place = {"peer": before.peer, "feed": before.feed, "was": before.range.size}
    head = {"size": after.size, "stack": after.packed(), "root": after.root(), "note": note}
    if not await session.execute(_MOVE, place | head):
        raise Uncertain("the copy of a feed was moved by another process")


async def write(session: Session, rows: Sequence[Received]) -> None:
    """Keep received records (rows of `RECEIVED`)."""
    await session.copy("exchange.received", RECEIVED, rows)


async def refused(session: Session, places: Sequence[EntryPlace]) -> list[ReceivedText]:
    """The received records at these places of peers' feeds, to be forgotten."""
    peers, names, indices = zip(*places, strict=True)
    found = await session.fetch(_REFUSED, {"peers": peers, "feeds": names, "indices": indices})
    return [ReceivedText(*row) for row in found]


async def forget(session: Session, texts: Sequence[ReceivedText]) -> None:
    """Keep these texts in place of those that came."""
    await session.execute(_FORGET, dict(zip(("parts", "ids", "texts"), zip(*texts, strict=True), strict=True)))


async def stop(session: Session, peer: str, feed: str, *, alarm: str, at: datetime) -> None:
    """Nothing of this feed is taken any more until an operator says so."""
    await session.execute(_ALARM, {"peer": peer, "feed": feed, "alarm": alarm, "at": at})


async def resume(session: Session, peer: str, feed: str) -> bool:
    """Take the alarm away; False if there was none."""
    return bool(await session.execute(_RESUME, {"peer": peer, "feed": feed}))


@dataclass(frozen=True, slots=True)
class EntryOrigin:
    """Where a revision came from: a child's feed and the index in it."""

    peer: str
    index: int


_ORIGINS = """
    select r.record, r.rev, r.peer, r.index
      from unnest(cast(:records as uuid[]), cast(:revs as integer[])) as w(record, rev)
      join exchange.received r on r.record = w.record and r.rev = w.rev and r.feed = 'up'
"""


async def origins(session: Session, revisions: Sequence[tuple[UUID, int]]) -> dict[tuple[UUID, int], EntryOrigin]:
    """Which child sent each of these revisions; those that began here are absent."""
    given = {"records": [record for record, _ in revisions], "revs": [rev for _, rev in revisions]}
    rows = await session.fetch(_ORIGINS, given)
    return {(record, rev): EntryOrigin(peer, index) for record, rev, peer, index in rows}


_HEADS_AT = """
    select head.size, head.root
      from unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:sizes as bigint[]))
           with ordinality as w(peer, feed, size, place)
     cross join lateral (
        select c.size, c.root from exchange.copy_checkpoint c
         where c.peer = w.peer and c.feed = w.feed and c.size >= w.size order by c.size limit 1
     ) head
     order by w.place
"""
_UNSENT = """
    select first, data, beyond, ends from exchange.acknowledgement_made
     where peer = :peer and feed = :feed and sent_at is null order by first limit :limit
"""
_SENT = """
    update exchange.acknowledgement_made set sent_at = :at where peer = :peer and feed = :feed and first = :first
"""


class Made(NamedTuple):
    """A row: what this node signed about a peer's feed."""

    peer: str
    feed: str
    first: int
    until: int
    data: str
    beyond: Sequence[int]
    """The numbers, part by part, that every reader of ingestion's stream has to pass before it may be sent."""
    ends: Sequence[str]
    """Keys of that stream that no reader may have parked: records of these subjects were marked or ended."""


async def heads_at(session: Session, wanted: Sequence[tuple[str, str, int]]) -> list[tuple[int, bytes]]:
    """The first verified head of each (peer, feed, entries) that covers so many: its size and root, in this order.

    LookupError if there is none of one.
    """
    columns = {"peers": [w[0] for w in wanted], "feeds": [w[1] for w in wanted], "sizes": [w[2] for w in wanted]}
    found = await session.fetch(_HEADS_AT, columns)
    if len(found) < len(wanted):
        raise LookupError("entries were judged that were never verified")
    return [(size, root) for size, root in found]


class Unsent(NamedTuple):
    """An acknowledgement that the peer does not have yet."""

    first: int
    data: str
    beyond: Sequence[int]
    ends: Sequence[str]
    """Both as `Made` has them."""


async def add_made(session: Session, made: Sequence[Made]) -> None:
    """Keep acknowledgements that are to be sent."""
    await session.copy("exchange.acknowledgement_made", Made._fields, made)


async def unsent(session: Session, peer: str, feed: str, *, limit: int) -> list[Unsent]:
    """The oldest acknowledgements the peer does not have yet."""
    rows = await session.fetch(_UNSENT, {"peer": peer, "feed": feed, "limit": limit})
    return [Unsent(*row) for row in rows]


async def sent(session: Session, peer: str, feed: str, *, first: int, at: datetime) -> None:
    """The peer has it."""
    await session.execute(_SENT, {"peer": peer, "feed": feed, "first": first, "at": at})
