"""What a feed of this node forgets: the bodies of entries that nobody is to have any more. Their lines stay."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.exchange.store.revisions import BESIDE
from creditmesh.schemas.exchange import HIDING

ENTRIES_AT_ONCE = 1000
_SPAN = 4096
_KINDS = {
    "beside": sorted(BESIDE),
    "hiding": sorted(HIDING),
    "state_changes": sorted(BESIDE | HIDING),
    "silent": '%"fields":{},"role":%,"sealed":null}',
}
"""The changes by what they do to content, and how a body ends that has none (`entries.record_draft`)."""


class Forgotten(NamedTuple):
    """How far a feed was looked through: for what was replaced, and for these items, which are shared no more."""

    until: int
    scanned: int
    items: Sequence[str]


_COLUMNS = "until, scanned, items"
_LEAD = f"select {_COLUMNS} from exchange.forgetting where feed = :feed for update skip locked"
_HOLD = f"select {_COLUMNS} from exchange.forgetting where feed = :feed for update"
_MOVE = "update exchange.forgetting set until = :until, scanned = :scanned, items = :items where feed = :feed"
_BACK = """
    update exchange.forgetting set until = least(until, :place), scanned = least(scanned, :place) where feed = :feed
"""
# Up to where all of these nodes have answered, of the entries that are looked through at once.
_ANSWERED = f"""
    select min(coalesce((select upper(r) from unnest(said.entries) r where r @> cast(:first as bigint)), :first))
      from unnest(cast(:nodes as text[])) as n(node)
     cross join lateral (
        select coalesce(range_agg(r), '{{}}') as entries
          from exchange.answer a cross join unnest(a.applied + a.refused) r
         where a.feed = :feed and a.node = n.node
           and a.span between cast(:first as bigint) / {_SPAN} and cast(:last as bigint) / {_SPAN}) said
"""
# A mark, an end or a discharge without content says nobody's fields; and what was fetched back and is not here again is
# told from another revision of its number by what it says.
_SPEAKS = """
    e.body is not null
    and not (e.change = any(cast(:state_changes as text[])) and e.body like :silent)
    and not exists (select from exchange.lost_entry l
                     where l.feed = e.feed and l.index = e.index and coalesce(l.why, 'copy') = 'copy' offset 0)
"""
# As `revisions.replaced` has it of a peer's feed. A mark says what content says; who was discharged is said until the
# record ends. What was said of a record is read by the record alone (`offset 0`): a plan that is made while the feed is
# small would read the whole feed for each entry, and is kept while it grows.
_REPLACED = f"""
    update exchange.feed_entry set salt = null, body = null where feed = :feed and index = any(array(
        select e.index
          from (select distinct record from exchange.feed_entry
                 where feed = :feed and index >= :first and index < :until
                   and change <> all(cast(:beside as text[]))) said
         cross join lateral (select feed, index, rev, record, change, body
                               from exchange.feed_entry where record = said.record offset 0) e
         cross join lateral (
            select min(s.index) filter (where s.change <> all(cast(:beside as text[]))) as replaced,
                   min(s.index) filter (where s.change = 'discharged') as discharged,
                   coalesce(bool_or(s.change = any(cast(:hiding as text[]))), false) as ended
              from (select feed, index, change
                      from exchange.feed_entry where record = e.record and rev > e.rev offset 0) s
             where s.feed = :feed and s.index > e.index and s.index < :until) later
         where e.feed = :feed and e.index < :until and {_SPEAKS}
           and case when e.change = any(cast(:hiding as text[])) then true
                    when e.change = 'discharged' then later.ended
                    when e.change = any(cast(:beside as text[])) then later.replaced is not null
                    else later.replaced is not null
                         and (later.ended or later.discharged is null or later.discharged > later.replaced) end))
"""
_NARROWED = f"""
    update exchange.feed_entry e set salt = null, body = null
     where e.feed = :feed and e.index >= :first and e.index < :until
       and e.item = any(cast(:items as text[])) and {_SPEAKS}
"""
_PURGED = """
    update exchange.feed_entry set salt = null, body = null
     where body is not null and feed = :feed and index = any(array(
        select e.index from unnest(cast(:records as uuid[])) as w(record)
         cross join lateral (select feed, index from exchange.feed_entry where record = w.record offset 0) e
         where e.feed = :feed))
"""


async def lead(session: Session, feed: str) -> Forgotten | None:
    """How far it was looked through, for this transaction alone; None where another is at it."""
    rows = await session.fetch(_LEAD, {"feed": feed})
    return Forgotten(*rows[0]) if rows else None


async def move(session: Session, feed: str, to: Forgotten) -> None:
    """It was looked through so far. The row is held."""
    await session.execute(_MOVE, {"feed": feed, **to._asdict()})


async def back_to(session: Session, feed: str, place: int) -> None:
    """From this place on it is to be looked through again."""
    await session.execute(_BACK, {"feed": feed, "place": place})


async def answered(session: Session, feed: str, nodes: Collection[str], *, first: int) -> int:
    """Up to where from there on all of these nodes have answered for the next entries."""
    last = first + ENTRIES_AT_ONCE - 1
    values = {"feed": feed, "nodes": list(nodes), "first": first, "last": last}
    found: int = await session.value(_ANSWERED, values)
    return min(found, last + 1)


async def replaced(session: Session, feed: str, *, first: int, until: int) -> None:
    """Forget what the entries from `first` to `until` took the place of, or ended."""
    await session.execute(_REPLACED, {"feed": feed, "first": first, "until": until, **_KINDS})


async def narrowed(session: Session, feed: str, items: Collection[str], *, first: int, until: int) -> None:
    """Forget what these entries say of these items."""
    await session.execute(_NARROWED, {"feed": feed, "items": list(items), "first": first, "until": until, **_KINDS})


async def purged(session: Session, feed: str, records: Collection[UUID]) -> None:
    """Forget all that was said of these records."""
    await session.fetch(_HOLD, {"feed": feed})  # whoever forgets is alone
    await session.execute(_PURGED, {"feed": feed, "records": list(records)})
