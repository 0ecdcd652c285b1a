"""Verified copies of peers' feeds: how far each goes, why one stopped, what we signed about it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Uncertain
from creditmesh.schemas.acknowledgements import MOST_ANSWERED, EntryRange
from creditmesh.schemas.tlog import Range


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
    held_from: int | None = None
    """From where on what it has is not told yet."""
    waiting: int = 0
    """How many of its entries wait for a newer version."""
    unknown: Sequence[str] = ()
    """What they say, as far as it is counted."""

    @property
    def behind(self) -> bool:
        """Whether it has not yet stood where its feed stood then, or told what it held back until it had."""
        return self.held_from is not None

    @property
    def catches_up(self) -> bool:
        """Whether it has not yet stood there: nothing of it is told until it has."""
        return self.range.size < (self.announced or 0)


_MAKE = "insert into exchange.copy_head (peer, feed) values (:peer, :feed) on conflict do nothing"
_COPIES = """
    select c.peer, c.feed, c.size, c.stack, c.note, c.alarm, c.announced, c.held_from, c.waiting,
           c.unknown
      from exchange.copy_head c
"""
_COPY = f"{_COPIES} where c.peer = :peer and c.feed = :feed"
_ALL = f"{_COPIES} order by c.peer, c.feed"
_MOVE = """
    with moved as (
        update exchange.copy_head set size = :size, stack = :stack, note = :note
         where peer = :peer and feed = :feed and size = :was and alarm is null
        returning peer, feed, size, note, announced, held_from, waiting
    ), kept as (
        insert into exchange.copy_checkpoint (peer, feed, size, root, note, stack)
        select peer, feed, size, :root, note, :stack from moved
    )
    select announced, held_from, waiting from moved
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
    return _feed_copy(row)


async def every(session: Session) -> list[FeedCopy]:
    """All copies."""
    return [_feed_copy(row) for row in await session.fetch(_ALL)]


def _feed_copy(row: Row) -> FeedCopy:
    peer, feed, size, stack, note, alarm, announced, held_from, waiting, unknown = row
    return FeedCopy(
        peer=peer,
        feed=feed,
        range=Range.unpacked(size, stack),
        note=note,
        alarm=alarm,
        announced=announced,
        held_from=held_from,
        waiting=waiting,
        unknown=unknown,
    )


async def move(session: Session, before: FeedCopy, after: Range, *, note: str) -> FeedCopy:
    """Move a copy from exactly where it was; how it stands then. Uncertain if another has moved or stopped it."""
    place = {"peer": before.peer, "feed": before.feed, "was": before.range.size}
    head = {"size": after.size, "stack": after.packed(), "root": after.root(), "note": note}
    row = await session.row(_MOVE, place | head)
    if row is None:
        raise Uncertain("the copy of a feed was moved by another process")
    announced, held_from, waiting = row
    return replace(before, range=after, note=note, announced=announced, held_from=held_from, waiting=waiting)


async def stop(session: Session, peer: str, feed: str, *, alarm: str, at: datetime) -> None:
    """Nothing of this feed is taken any more until an operator says so."""
    await session.execute(_ALARM, {"peer": peer, "feed": feed, "alarm": alarm, "at": at})


async def resume(session: Session, peer: str, feed: str) -> bool:
    """Take the alarm away; False if there was none."""
    return bool(await session.execute(_RESUME, {"peer": peer, "feed": feed}))


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
    select first, until, data, beyond, ends, tracked, records, stream, number from exchange.acknowledgement_made
     where peer = :peer and feed = :feed and sent_at is null order by first, number limit :limit
"""
_NEWEST_SENT = """
    select first, until, data, beyond, ends, tracked, records, stream, number from exchange.acknowledgement_made
     where peer = :peer and feed = :feed and sent_at is not null order by first desc, number desc limit 1
"""
# Of each range the first, from where on one may begin that reaches into it.
_SENT_ABOUT = """
    with found as (
        select distinct m.first, m.number
          from unnest(cast(:firsts as bigint[]), cast(:untils as bigint[])) as lacked(first, until)
         cross join lateral (
            select first, number from exchange.acknowledgement_made
             where peer = :peer and feed = :feed and sent_at is not null
               and first > lacked.first - :most and first < lacked.until and until > lacked.first
             order by first, number limit :limit) m
         order by m.first, m.number limit :limit
    )
    select m.first, until, data, beyond, ends, tracked, records, stream, m.number
      from found join exchange.acknowledgement_made m
        on m.peer = :peer and m.feed = :feed and m.first = found.first and m.number = found.number
     order by m.first, m.number
"""
_SENT = (
    "update exchange.acknowledgement_made set sent_at = :at where peer = :peer and feed = :feed and number = :number"
)


class Made(NamedTuple):
    """A row: what this node judged of a peer's feed. `data` is the acknowledgement as it was then, unsigned."""

    peer: str
    feed: str
    first: int
    until: int
    data: str
    beyond: Sequence[int]
    """The numbers, part by part, that every reader of its stream has to pass before it may be sent."""
    ends: Sequence[str]
    """Keys of that stream that no reader may have parked: records of these subjects were marked or ended."""
    tracked: Sequence[int]
    records: Sequence[UUID]
    """The entries that mark or end a record, and their records."""
    stream: str
    """The stream that `beyond` and `ends` are of."""


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
    until: int
    data: str
    beyond: Sequence[int]
    ends: Sequence[str]
    tracked: Sequence[int]
    records: Sequence[UUID]
    stream: str
    """All as `Made` has them."""
    number: int


async def add_made(session: Session, made: Sequence[Made]) -> None:
    """Keep acknowledgements that are to be sent."""
    await session.copy("exchange.acknowledgement_made", Made._fields, made)


async def unsent(session: Session, peer: str, feed: str, *, limit: int) -> list[Unsent]:
    """The oldest acknowledgements the peer does not have yet."""
    rows = await session.fetch(_UNSENT, {"peer": peer, "feed": feed, "limit": limit})
    return [Unsent(*row) for row in rows]


async def sent(session: Session, peer: str, feed: str, *, number: int, at: datetime) -> None:
    """The peer has it."""
    await session.execute(_SENT, {"peer": peer, "feed": feed, "number": number, "at": at})


async def newest_sent(session: Session, peer: str, feed: str) -> Unsent | None:
    """The last acknowledgement that the peer took."""
    row = await session.row(_NEWEST_SENT, {"peer": peer, "feed": feed})
    return None if row is None else Unsent(*row)


async def sent_about(
    session: Session, peer: str, feed: str, ranges: Sequence[EntryRange], *, limit: int
) -> list[Unsent]:
    """The oldest acknowledgements about the first of these ranges that the peer took, and says that it lacks.

    None is about more entries than one may be: a batch of them is of fewer.
    """
    if not ranges:
        return []
    ranges = ranges[:limit]
    values = {"firsts": [each.first for each in ranges], "untils": [each.until for each in ranges]}
    place = {"peer": peer, "feed": feed, "most": MOST_ANSWERED, "limit": limit}
    rows = await session.fetch(_SENT_ABOUT, place | values)
    return [Unsent(*row) for row in rows]
