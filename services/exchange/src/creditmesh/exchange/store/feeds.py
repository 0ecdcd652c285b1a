"""Feeds of the node: heads, entries, the tree's nodes, checkpoints, and the keys that seal them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from creditmesh.chassis.database.session import Session
from creditmesh.exchange.entries import Draft
from creditmesh.schemas.events.record import Change
from creditmesh.schemas.tlog import Range, Subtree

_PLACED = "index, line, record, rev, subject, change, item, party"
_ENTRY = ("feed", "index", "line", "salt", "body", "record", "rev", "subject", "change", "item", "party")


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An entry about a record at its place, with what it points back to."""

    index: int
    line: str
    record: UUID
    rev: int
    subject: UUID
    change: Change
    item: str
    party: str


@dataclass(frozen=True, slots=True)
class Sent:
    """An entry as it is sent."""

    index: int
    line: str
    salt: bytes | None
    body: str | None


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed tree head."""

    size: int
    root: bytes
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedKey:
    """A key of a feed as this node keeps it: wrapped to itself."""

    number: int
    key: str
    month: date
    receivers: frozenset[str]
    wrapped: Mapping[str, Any]


_MAKE = "insert into exchange.feed_head (feed) values (:feed) on conflict do nothing"
_HOLD = "select size, stack from exchange.feed_head where feed = :feed for update"
_HEAD = "select size, stack from exchange.feed_head where feed = :feed"
_NAMES = "select feed from exchange.feed_head order by feed"
_MOVE = """
    with moved as (update exchange.feed_head set size = :size, stack = :stack where feed = :feed returning feed, size)
    insert into exchange.feed_checkpoint (feed, size, root, note) select feed, size, :root, :note from moved
"""


async def hold(session: Session, feed: str) -> Range:
    """Take the head of a feed, made if it is new: until this transaction ends nobody else appends."""
    rows = await session.fetch(_HOLD, {"feed": feed})
    if not rows:
        await session.execute(_MAKE, {"feed": feed})
        rows = await session.fetch(_HOLD, {"feed": feed})
    [(size, stack)] = rows
    return Range.unpacked(size, stack)


async def head(session: Session, feed: str) -> Range:
    """The head of a feed; empty if it has none yet."""
    rows = await session.fetch(_HEAD, {"feed": feed})
    return Range.unpacked(*rows[0]) if rows else Range.empty()


async def names(session: Session) -> list[str]:
    """The feeds that have begun."""
    return [row.feed for row in await session.fetch(_NAMES)]


async def append(
    session: Session,
    feed: str,
    *,
    first: int,
    drafts: Sequence[Draft],
    nodes: Sequence[Subtree],
    after: Range,
    note: str,
) -> None:
    """Write these entries from index `first` on, the tree's nodes they complete, and the head they make. Held head."""
    rows = [
        (feed, first + n, d.line, d.salt, d.body, d.record, d.rev, d.subject, d.change, d.item, d.party)
        for n, d in enumerate(drafts)
    ]
    await session.copy("exchange.feed_entry", _ENTRY, rows)
    await session.copy("exchange.feed_node", ("feed", "level", "index", "hash"), [(feed, *node) for node in nodes])
    head = {"feed": feed, "size": after.size, "stack": after.packed(), "root": after.root(), "note": note}
    await session.execute(_MOVE, head)


_CHECKPOINT = "select size, root, note from exchange.feed_checkpoint where feed = :feed and size = :size"
_NEWEST = "select size, root, note from exchange.feed_checkpoint where feed = :feed order by size desc limit 1"
# The last checkpoint within the limit; where one batch is larger than that, the first one after.
_PAGE_END = """
    (select size, root, note from exchange.feed_checkpoint
      where feed = :feed and size > :after and size <= cast(:after as bigint) + cast(:limit as bigint)
      order by size desc limit 1)
    union all
    (select size, root, note from exchange.feed_checkpoint
      where feed = :feed and size > :after order by size limit 1)
    limit 1
"""
_ENTRIES = """
    select index, line, salt, body from exchange.feed_entry
     where feed = :feed and index >= :first and index < :until order by index
"""
_WITHIN = f"""
    select {_PLACED} from exchange.feed_entry e
      join unnest(cast(:firsts as bigint[]), cast(:untils as bigint[])) as w(first, until)
        on e.index >= w.first and e.index < w.until
     where e.feed = :feed and e.record is not null order by e.index
"""
_AT = f"""
    select {_PLACED} from exchange.feed_entry
     where feed = :feed and index = any(:indices) and record is not null order by index
"""
_NODES = """
    select n.level, n.index, n.hash
      from unnest(cast(:levels as smallint[]), cast(:indices as bigint[])) as w(level, index)
      join exchange.feed_node n on n.feed = :feed and n.level = w.level and n.index = w.index
"""
_FIRSTS = """
    select record, min(index) as index from exchange.feed_entry
     where feed = :feed and record = any(:records) group by record
"""


async def checkpoint(session: Session, feed: str, size: int | None = None) -> StoredCheckpoint | None:
    """The signed head of exactly that size, or the newest; None if there is none."""
    found = await (
        session.fetch(_NEWEST, {"feed": feed})
        if size is None
        else session.fetch(_CHECKPOINT, {"feed": feed, "size": size})
    )
    return StoredCheckpoint(*found[0]) if found else None


async def page_end(session: Session, feed: str, *, after: int, limit: int) -> StoredCheckpoint | None:
    """Where a page after so many entries ends; None if there is nothing after."""
    found = await session.fetch(_PAGE_END, {"feed": feed, "after": after, "limit": limit})
    return StoredCheckpoint(*found[0]) if found else None


async def lines(session: Session, feed: str, *, first: int, until: int) -> Sequence[Sent]:
    """The entries `first <= index < until` as (index, line, salt, body)."""
    rows = await session.fetch(_ENTRIES, {"feed": feed, "first": first, "until": until})
    return [Sent(*row) for row in rows]


async def within(session: Session, feed: str, ranges: Sequence[tuple[int, int]]) -> list[Placed]:
    """The record entries of these ranges, with what they point back to."""
    firsts, untils = [first for first, _ in ranges], [until for _, until in ranges]
    rows = await session.fetch(_WITHIN, {"feed": feed, "firsts": firsts, "untils": untils})
    return [Placed(**row) for row in rows]


async def at(session: Session, feed: str, indices: Collection[int]) -> list[Placed]:
    """The entries about records at these places."""
    return [Placed(**row) for row in await session.fetch(_AT, {"feed": feed, "indices": list(indices)})]


async def subtrees(session: Session, feed: str, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """The hashes of these perfect subtrees (level, index)."""
    wanted = {"feed": feed, "levels": [level for level, _ in places], "indices": [index for _, index in places]}
    return {(level, index): hash_ for level, index, hash_ in await session.fetch(_NODES, wanted)}


async def firsts(session: Session, feed: str, records: Collection[UUID]) -> dict[UUID, int]:
    """The index of the first entry about each of these records that the feed has one of."""
    rows = await session.fetch(_FIRSTS, {"feed": feed, "records": list(records)})
    return {row.record: row["index"] for row in rows}


_KEY = """
    select number, key, month, receivers, wrapped from exchange.feed_key
     where feed = :feed order by number desc limit 1
"""
_ADD_KEY = """
    insert into exchange.feed_key (feed, number, key, month, receivers, wrapped)
    values (:feed, :number, :key, :month, :receivers, :wrapped)
"""


async def newest_key(session: Session, feed: str) -> FeedKey | None:
    """The key that seals the feed's entries now; None before the first."""
    row = await session.row(_KEY, {"feed": feed})
    if row is None:
        return None
    return FeedKey(**{**row, "receivers": frozenset(row.receivers), "wrapped": orjson.loads(row.wrapped)})


async def add_key(session: Session, feed: str, key: FeedKey) -> None:
    """Keep a key that was just put into the feed."""
    await session.execute(
        _ADD_KEY,
        {
            "feed": feed,
            "number": key.number,
            "key": key.key,
            "month": key.month,
            "receivers": sorted(key.receivers),
            "wrapped": orjson.dumps(dict(key.wrapped)).decode(),
        },
    )
