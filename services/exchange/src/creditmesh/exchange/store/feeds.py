"""Feeds of the node: heads, entries, signed heads, and the keys that seal them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from creditmesh.chassis.bus.listen import CHANNEL
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.packing import pack, unpack
from creditmesh.exchange.entries import Draft
from creditmesh.exchange.store import tiles as tree
from creditmesh.exchange.store.revisions import BESIDE
from creditmesh.schemas.exchange import HIDING
from creditmesh.schemas.tlog import Range, Subtree
from creditmesh.schemas.words import Effect

_PLACED = "index, line, record, rev, subject, change, item, party"
_ENTRY = (
    "feed", "index", "line", "salt", "body", "packed", "weight", "record", "rev", "subject", "change", "item", "party",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An entry about a record at its place, with what it points back to."""

    index: int
    line: str
    record: UUID
    rev: int
    subject: UUID | None
    """None of what was fetched back and is not here."""
    change: Effect
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
class PagePart:
    """Entries in their order, and the signed head that their page ends at."""

    entries: Sequence[Sent]
    size: int
    note: str

    @property
    def until(self) -> int:
        """Where the next part begins; the page's end where this is the last."""
        return self.entries[-1].index + 1


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head to be kept: its range, its signed text, and the bytes of the entries since the one before."""

    range: Range
    note: str
    weight: int


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed head."""

    size: int
    root: bytes
    note: str


_MAKE = "insert into exchange.feed_head (feed) values (:feed) on conflict do nothing"
_HOLD = "select size, stack from exchange.feed_head where feed = :feed for update"
_HEAD = "select size, stack from exchange.feed_head where feed = :feed"
_NAMES = "select feed from exchange.feed_head order by feed"
_MOVE = """
    with signed as (
        select size, root, note, cast(sum(weight) over (order by size) as bigint) as bytes
          from unnest(cast(:sizes as bigint[]), cast(:roots as bytea[]), cast(:notes as text[]),
                      cast(:weights as bigint[])) as w(size, root, note, weight)
    ), moved as (
        update exchange.feed_head h set size = :size, stack = :stack, bytes = h.bytes + s.bytes
          from signed s where h.feed = :feed and s.size = :size
        returning h.feed, h.bytes - s.bytes as before
    ), kept as (
        insert into exchange.feed_checkpoint (feed, size, root, note, bytes)
        select m.feed, s.size, s.root, s.note, m.before + s.bytes from moved m cross join signed s
    )
    select pg_notify(:channel, :waking)
"""


async def hold(session: Session, feed: str) -> Range:
    """Take the head of a feed, made if it is new: until this transaction ends nobody else appends."""
    rows = await session.fetch(_HOLD, {"feed": feed})
    if not rows:
        await session.execute(_MAKE, {"feed": feed})
        rows = await session.fetch(_HOLD, {"feed": feed})
    [(size, stack)] = rows
    return Range.unpacked(size, stack)


async def lead(session: Session, feed: str) -> Range | None:
    """Take it as well; None where somebody has it."""
    await session.execute(_MAKE, {"feed": feed})
    rows = await session.fetch(f"{_HOLD} skip locked", {"feed": feed})
    return Range.unpacked(*rows[0]) if rows else None


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
    heads: Sequence[SignedHead],
    tiles: Sequence[Subtree],
    waking: str,
) -> None:
    """Write these entries from index `first` on, the tiles they fill, and the heads they make. The head is held.

    Who waits for the word `waking` is woken when the transaction commits.
    """
    rows = [
        (feed, first + n, d.line, d.salt, *_kept(d), d.record, d.rev, d.subject, d.change, d.item, d.party)
        for n, d in enumerate(drafts)
    ]
    await session.copy("exchange.feed_entry", _ENTRY, rows)
    await tree.add(session, feed, tiles)
    last = heads[-1].range
    await session.execute(
        _MOVE,
        {
            "feed": feed,
            "size": last.size,
            "stack": last.packed(),
            "sizes": [head.range.size for head in heads],
            "roots": [head.range.root() for head in heads],
            "notes": [head.note for head in heads],
            "weights": [head.weight for head in heads],
            "channel": CHANNEL,
            "waking": waking,
        },
    )


_CHECKPOINT = "select size, root, note from exchange.feed_checkpoint where feed = :feed and size = :size"
_NEWEST = "select size, root, note from exchange.feed_checkpoint where feed = :feed order by size desc limit 1"
# The page ends at the last head within the limits, or at the first one after: older versions signed them further apart.
# Of its entries come those that begin within `most` bytes; its note stands beside the first.
_PAGE = """
    with reached as (
        select coalesce((select bytes from exchange.feed_checkpoint
                          where feed = :feed and size <= :after order by size desc limit 1), 0) as bytes
    ), page_end as (
        (select c.size, c.note from exchange.feed_checkpoint c, reached r
          where c.feed = :feed and c.size > :after and c.size <= cast(:after as bigint) + cast(:limit as bigint)
            and c.bytes <= r.bytes + cast(:most as bigint)
          order by c.size desc limit 1)
        union all
        (select size, note from exchange.feed_checkpoint
          where feed = :feed and size > :after order by size limit 1)
        limit 1
    )
    select index, line, salt, body, packed, size, note
      from (select e.index, e.line, e.salt, e.body, e.packed, p.size,
                   case when e.index = :after then p.note end as note,
                   sum(w.weight) over (order by e.index rows unbounded preceding) - w.weight as before
              from page_end p
              join exchange.feed_entry e on e.feed = :feed and e.index >= :after and e.index < p.size
             cross join lateral (select octet_length(e.line) + coalesce(e.weight, octet_length(e.body), 0)) as w(weight)
             where not exists (select from exchange.feed_head h where h.feed = :feed and h.closed_until > now())) entry
     where before < :most order by index
"""
_WITHIN = f"""
    select {_PLACED} from unnest(cast(:firsts as bigint[]), cast(:untils as bigint[])) as w(first, until)
     cross join lateral (
        select * from exchange.feed_entry where feed = :feed and index >= w.first and index < w.until offset 0) e
     where e.record is not null order by e.index
"""
_AT = f"""
    select {_PLACED} from exchange.feed_entry
     where feed = :feed and index = any(:indices) and record is not null order by index
"""
_BODIES = "select index, body, packed from exchange.feed_entry where feed = :feed and index = any(:indices)"
_STANDING = """
    select max(rev) as rev, bool_or(subject is not null) as here from exchange.feed_entry
     where feed = :feed and record = :record
"""
_THOSE = """
    select record from unnest(cast(:records as uuid[])) as w(record)
     where exists (
        select from (select feed from exchange.feed_entry where record = w.record offset 0) e where e.feed = :feed)
        or exists (select from exchange.set_aside s where s.record = w.record and s.feed = :feed)
"""
_PLACED_AS = """
    select distinct e.record, e.rev
      from unnest(cast(:records as uuid[]), cast(:revs as integer[]), cast(:changes as text[]))
           as w(record, rev, change)
     cross join lateral (
        select feed, record, rev, change from exchange.feed_entry where record = w.record and rev = w.rev offset 0) e
     where e.feed = :feed and e.change = w.change
    union
    select s.record, s.rev
      from unnest(cast(:records as uuid[]), cast(:revs as integer[]), cast(:changes as text[]))
           as w(record, rev, change)
      join exchange.set_aside s on s.record = w.record and s.rev = w.rev and s.change = w.change
     where s.feed = :feed
"""


async def standing(session: Session, feed: str, record: UUID) -> tuple[int, bool]:
    """The newest revision of a record that the feed has, and whether any of its entries points to a subject here."""
    row = await session.row(_STANDING, {"feed": feed, "record": record})
    return (0, False) if row is None else (row.rev or 0, bool(row.here))


async def checkpoint(session: Session, feed: str, size: int | None = None) -> StoredCheckpoint | None:
    """The signed head of exactly that size, or the newest; None if there is none."""
    found = await (
        session.fetch(_NEWEST, {"feed": feed})
        if size is None
        else session.fetch(_CHECKPOINT, {"feed": feed, "size": size})
    )
    return StoredCheckpoint(*found[0]) if found else None


async def page(session: Session, feed: str, *, after: int, limit: int, most: int) -> PagePart | None:
    """The entries after so many, up to a signed head within `limit` entries and `most` bytes; None: there are none.

    Nor where it is closed. Where no head is as near as that it is the next one; then they begin within `most` bytes.
    """
    rows = await session.fetch(_PAGE, {"feed": feed, "after": after, "limit": limit, "most": most})
    if not rows:
        return None
    [*_, size, note] = rows[0]
    sent = [Sent(index, line, salt, _body(body, packed)) for index, line, salt, body, packed, *_ in rows]
    return PagePart(sent, size, note)


def _kept(draft: Draft) -> tuple[str | None, bytes | None, int | None]:
    """The columns body, packed and weight: all but content is small, and is judged where it stands (`forgetting`)."""
    if draft.body is None or draft.record is None or draft.change in BESIDE | HIDING:
        return draft.body, None, None
    body = draft.body.encode()
    return "", pack(body), len(body)


def _body(body: str | None, packed: bytes | None) -> str | None:
    return body if packed is None else unpack(packed).decode()


async def within(session: Session, feed: str, ranges: Sequence[tuple[int, int]]) -> list[Placed]:
    """The record entries of these ranges, with what they point back to."""
    firsts, untils = [first for first, _ in ranges], [until for _, until in ranges]
    rows = await session.fetch(_WITHIN, {"feed": feed, "firsts": firsts, "untils": untils})
    return [Placed(**row) for row in rows]


async def at(session: Session, feed: str, indices: Collection[int]) -> list[Placed]:
    """The entries about records at these places."""
    return [Placed(**row) for row in await session.fetch(_AT, {"feed": feed, "indices": list(indices)})]


async def bodies(session: Session, feed: str, indices: Collection[int]) -> dict[int, str | None]:
    """The bodies of the entries at these places."""
    rows = await session.fetch(_BODIES, {"feed": feed, "indices": list(indices)})
    return {index: _body(body, packed) for index, body, packed in rows}


async def those(session: Session, feed: str, records: Collection[UUID]) -> set[UUID]:
    """Those of these records that the feed has an entry of, or is to have one that was set aside."""
    rows = await session.fetch(_THOSE, {"feed": feed, "records": list(records)})
    return {UUID(bytes=row.record.bytes) for row in rows}


async def placed(session: Session, feed: str, revisions: Collection[tuple[UUID, int, str]]) -> set[tuple[UUID, int]]:
    """Those of these revisions (record, rev, change) that stand in the feed or will; not where it is withheld."""
    records, revs, changes = zip(*revisions, strict=True)
    wanted = {"feed": feed, "records": records, "revs": revs, "changes": changes}
    return {(row.record, row.rev) for row in await session.fetch(_PLACED_AS, wanted)}
