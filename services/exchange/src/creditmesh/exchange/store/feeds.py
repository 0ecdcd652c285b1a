"""Feeds of the node: heads, entries, the tree's nodes, checkpoints, and the keys that seal them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Integer, SmallInteger, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.copy import copy
from creditmesh.chassis.database.fetch import fetch
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
class Checkpoint:
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


_MAKE = text("insert into exchange.feed_head (feed) values (:feed) on conflict do nothing")
_HOLD = text("select size, stack from exchange.feed_head where feed = :feed for update")
_HEAD = text("select size, stack from exchange.feed_head where feed = :feed")
_MOVE = text("update exchange.feed_head set size = :size, stack = :stack where feed = :feed")
_SIGNED = text("insert into exchange.feed_checkpoint (feed, size, root, note) values (:feed, :size, :root, :note)")


async def hold(connection: AsyncConnection, feed: str) -> Range:
    """Take the head of a feed, made if it is new: until this transaction ends nobody else appends."""
    rows = await fetch(connection, _HOLD, {"feed": feed})
    if not rows:
        await fetch(connection, _MAKE, {"feed": feed})
        rows = await fetch(connection, _HOLD, {"feed": feed})
    [(size, stack)] = rows
    return Range.unpacked(size, stack)


async def head(connection: AsyncConnection, feed: str) -> Range:
    """The head of a feed; empty if it has none yet."""
    rows = await fetch(connection, _HEAD, {"feed": feed})
    return Range.unpacked(*rows[0]) if rows else Range.empty()


async def names(connection: AsyncConnection) -> list[str]:
    """The feeds that have begun."""
    return list(await connection.scalars(text("select feed from exchange.feed_head order by feed")))


async def append(
    connection: AsyncConnection,
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
    await copy(connection, "exchange.feed_entry", _ENTRY, rows)
    await copy(connection, "exchange.feed_node", ("feed", "level", "index", "hash"), ((feed, *node) for node in nodes))
    await fetch(connection, _MOVE, {"feed": feed, "size": after.size, "stack": after.packed()})
    await fetch(connection, _SIGNED, {"feed": feed, "size": after.size, "root": after.root(), "note": note})


_CHECKPOINT = text("select size, root, note from exchange.feed_checkpoint where feed = :feed and size = :size")
_NEWEST = text("select size, root, note from exchange.feed_checkpoint where feed = :feed order by size desc limit 1")
# The last checkpoint within the limit; where one batch is larger than that, the first one after.
_PAGE_END = text("""
    (select size, root, note from exchange.feed_checkpoint
      where feed = :feed and size > :after and size <= :after + :limit order by size desc limit 1)
    union all
    (select size, root, note from exchange.feed_checkpoint
      where feed = :feed and size > :after order by size limit 1)
    limit 1
""").bindparams(bindparam("after", type_=BigInteger), bindparam("limit", type_=BigInteger))
_ENTRIES = text("""
    select index, line, salt, body from exchange.feed_entry
     where feed = :feed and index >= :first and index < :until order by index
""")
_POINTED = text(f"""
    select {_PLACED} from exchange.feed_entry
     where feed = :feed and index >= :first and index < :until and record is not null order by index
""").bindparams(bindparam("first", type_=BigInteger), bindparam("until", type_=BigInteger))
_AT = text(f"""
    select {_PLACED} from exchange.feed_entry
     where feed = :feed and index = any(:indices) and record is not null order by index
""").bindparams(bindparam("indices", type_=ARRAY(BigInteger)))
_NODES = text("""
    select n.level, n.index, n.hash from unnest(:levels, :indices) as w(level, index)
      join exchange.feed_node n on n.feed = :feed and n.level = w.level and n.index = w.index
""").bindparams(bindparam("levels", type_=ARRAY(SmallInteger)), bindparam("indices", type_=ARRAY(BigInteger)))
_FIRST_OF = text("select min(index) from exchange.feed_entry where feed = :feed and record = :record").bindparams(
    bindparam("record", type_=Uuid)
)


async def checkpoint(connection: AsyncConnection, feed: str, size: int | None = None) -> Checkpoint | None:
    """The signed head of exactly that size, or the newest; None if there is none."""
    found = await (
        fetch(connection, _NEWEST, {"feed": feed})
        if size is None
        else fetch(connection, _CHECKPOINT, {"feed": feed, "size": size})
    )
    return Checkpoint(*found[0]) if found else None


async def page_end(connection: AsyncConnection, feed: str, *, after: int, limit: int) -> Checkpoint | None:
    """Where a page after so many entries ends; None if there is nothing after."""
    found = await fetch(connection, _PAGE_END, {"feed": feed, "after": after, "limit": limit})
    return Checkpoint(*found[0]) if found else None


async def lines(connection: AsyncConnection, feed: str, *, first: int, until: int) -> Sequence[Sent]:
    """The entries `first <= index < until` as (index, line, salt, body)."""
    rows = await fetch(connection, _ENTRIES, {"feed": feed, "first": first, "until": until})
    return [Sent(*row) for row in rows]


async def of_records(connection: AsyncConnection, feed: str, *, first: int, until: int) -> list[Placed]:
    """The record entries among these, with what they point back to."""
    rows = await fetch(connection, _POINTED, {"feed": feed, "first": first, "until": until})
    return [_placed(row) for row in rows]


async def at(connection: AsyncConnection, feed: str, indices: Collection[int]) -> list[Placed]:
    """The entries about records at these places."""
    return [_placed(row) for row in await fetch(connection, _AT, {"feed": feed, "indices": list(indices)})]


async def subtrees(
    connection: AsyncConnection, feed: str, places: Collection[tuple[int, int]]
) -> dict[tuple[int, int], bytes]:
    """The hashes of these perfect subtrees (level, index)."""
    wanted = {"feed": feed, "levels": [level for level, _ in places], "indices": [index for _, index in places]}
    return {(level, index): bytes(hash_) for level, index, hash_ in await fetch(connection, _NODES, wanted)}


async def first_of(connection: AsyncConnection, feed: str, record: UUID) -> int | None:
    """The index of the first entry about a record; None if the feed has none."""
    found: int | None = await connection.scalar(_FIRST_OF, {"feed": feed, "record": record})
    return found


_KEY = text("""
    select number, key, month, receivers, wrapped from exchange.feed_key
     where feed = :feed order by number desc limit 1
""")
_ADD_KEY = text("""
    insert into exchange.feed_key (feed, number, key, month, receivers, wrapped)
    values (:feed, :number, :key, :month, :receivers, cast(:wrapped as jsonb))
""").bindparams(bindparam("receivers", type_=ARRAY(Text)), bindparam("number", type_=Integer))


async def newest_key(connection: AsyncConnection, feed: str) -> FeedKey | None:
    """The key that seals the feed's entries now; None before the first."""
    row = (await connection.execute(_KEY, {"feed": feed})).one_or_none()
    if row is None:
        return None
    wrapped = orjson.loads(row.wrapped) if isinstance(row.wrapped, str) else row.wrapped
    return FeedKey(number=row.number, key=row.key, month=row.month, receivers=frozenset(row.receivers), wrapped=wrapped)


async def add_key(connection: AsyncConnection, feed: str, key: FeedKey) -> None:
    """Keep a key that was just put into the feed."""
    await connection.execute(
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


def _placed(row: Sequence[Any]) -> Placed:
    found = dict(zip(Placed.__slots__, row, strict=True))
    uuids = {"record": UUID(bytes=found["record"].bytes), "subject": UUID(bytes=found["subject"].bytes)}
    return Placed(**(found | uuids))
