"""What a feed of this node forgets: the bodies of entries that nobody is to have any more. Their lines stay.

What was replaced is found by looking through the feed once; what else is to be forgotten is asked for by rows.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.exchange.store.answers import SPAN
from creditmesh.exchange.store.pages import EntryPlace
from creditmesh.exchange.store.revisions import BESIDE, GONE, KINDS
from creditmesh.schemas.exchange import HIDING, UP

ENTRIES_AT_ONCE = 1000
RECORDS_AT_ONCE = 50
"""So many records are looked at again at once, and so many places of copies."""
MOST_OF_RECORDS = 20_000
"""Entries of the records that are looked at again at once, unless one record has more."""
_SILENCE: dict[str, object] = {
    "state_changes": sorted(BESIDE | HIDING),
    "silent": '%"fields":{},"role":%,"sealed":null}',
}
"""What marks, ends and discharges are, and how a body ends that has no content (`entries.record_draft`)."""

_NOTHING = "salt = null, body = null, packed = null, weight = null"


class Asked(NamedTuple):
    """A row: a record that is to be looked at again, or all of which is to be forgotten; in copies too."""

    number: int
    record: UUID
    deleted: bool


class CopiedPlace(NamedTuple):
    """A place of a deleted record in a copy of a peer's `up`, and the row that asks for it."""

    number: int
    rev: int
    peer: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks a place for


_UNTIL = "select until from exchange.forgetting where feed = :feed"
_LEAD = "select from exchange.forgetting where feed = :feed and until = :until for update skip locked"
_MOVE = "update exchange.forgetting set until = :until where feed = :feed"
# Up to where each of these nodes has answered, of the entries that are looked through at once.
_ANSWERED = f"""
    select n.node, coalesce((select upper(r) from unnest(said.entries) r where r @> cast(:first as bigint)), :first)
           as until
      from unnest(cast(:nodes as text[])) as n(node)
     cross join lateral (
        select coalesce(range_agg(r), '{{}}') as entries
          from exchange.answer a cross join unnest(a.applied + a.refused) r
         where a.feed = :feed and a.node = n.node
           and a.span between cast(:first as bigint) / {SPAN} and cast(:last as bigint) / {SPAN}) said
"""
# A mark, an end or a discharge without content says nobody's fields, and is never packed; and what was fetched back and
# is not here again is told from another revision of its number by what it says.
_SPEAKS = """
    e.body is not null
    and not (e.change = any(cast(:state_changes as text[])) and e.body like :silent)
    and not exists (select from exchange.lost_entry l
                     where l.feed = e.feed and l.index = e.index and coalesce(l.why, 'copy') = 'copy' offset 0)
"""


# Each record is read by its own index, however many there are and whatever is thought of how many entries they have.
def _replaced(since: str) -> str:
    return f"""
    with since as ({since}), known as (
        select s.record, e.rev, e.change, case when e.body is not null then e.index end as index
          from since s
         cross join lateral (
            select feed, index, rev, change, body from exchange.feed_entry
             where record = s.record and rev >= s.rev offset 0) e
         where e.feed = :feed and e.index < :until
    ), judged as ({GONE})
    update exchange.feed_entry e set {_NOTHING}
     where e.feed = :feed and e.index = any(array(select index from judged where gone)) and {_SPEAKS}
"""


# Before the content that these take the place of nothing is left to be forgotten; nor before the last end, of an end.
_BY_ENTRIES = _replaced("""
    select said.record, coalesce((
        select p.rev
          from (select feed, index, rev, change from exchange.feed_entry
                 where record = said.record and rev < said.rev order by rev desc offset 0) p
         where p.feed = :feed and p.index < :until and p.change <> all(cast(:beside as text[]))
           and (not said.ended or p.change = any(cast(:hiding as text[])))
         order by p.rev desc limit 1), 0) as rev
      from (select record, min(rev) as rev, bool_or(change = any(cast(:hiding as text[]))) as ended
              from exchange.feed_entry
             where feed = :feed and index >= :first and index < :until and change <> all(cast(:beside as text[]))
             group by record) said
""")
_BY_RECORDS = _replaced("select record, 0 as rev from unnest(cast(:records as uuid[])) as w(record)")
_LOOKED_AT = "select item, until from exchange.narrowed_item"
_NEXT_OF_ITEMS = """
    select e.item, e.index
      from unnest(cast(:items as text[]), cast(:firsts as bigint[])) as w(item, first)
     cross join lateral (
        select item, index from exchange.feed_entry
         where feed = :feed and item = w.item and index >= w.first and index < :size and body is not null
         order by index limit :limit) e
     limit :limit
"""
_AT_PLACES = f"""
    update exchange.feed_entry e set {_NOTHING}
     where e.feed = :feed and e.index = any(cast(:indices as bigint[])) and {_SPEAKS}
"""
_OF_RECORDS = f"""
    update exchange.feed_entry e set {_NOTHING}
     where e.feed = :feed and e.index = any(array(
        select o.index from unnest(cast(:records as uuid[])) as w(record)
         cross join lateral (
            select feed, index, item from exchange.feed_entry where record = w.record offset 0) o
         where o.feed = :feed and o.index < :size and o.item = any(cast(:items as text[])))) and {_SPEAKS}
"""
_LOOK_AT = """
    insert into exchange.narrowed_item (item, until)
    select * from unnest(cast(:items as text[]), cast(:untils as bigint[]))
        on conflict (item) do update set until = excluded.until
"""
_OPEN_AGAIN = "delete from exchange.narrowed_item where item <> all(cast(:items as text[]))"
_ASK = "insert into exchange.to_forget (record, deleted) select unnest(cast(:records as uuid[])), true"
# So many as together have no more entries than are looked at at once; one at least.
_ASKED = """
    select number, record, deleted
      from (select t.*, sum(entries) over (order by number) - entries as before
              from (select number, record, deleted from exchange.to_forget order by number limit :limit) t
             cross join lateral (
                select count(*) as entries
                  from (select from exchange.feed_entry where record = t.record limit :most) counted) sizes) sized
     where before < :most order by number
"""
_SETTLED = "delete from exchange.to_forget where number = any(cast(:numbers as bigint[]))"
_DELETED = f"""
    update exchange.feed_entry set {_NOTHING}
     where feed = :feed and index = any(array(
        select e.index from unnest(cast(:records as uuid[])) as w(record)
         cross join lateral (
            select feed, index from exchange.feed_entry where record = w.record and body is not null offset 0) e
         where e.feed = :feed limit :limit))
"""
_COPIED = """
    select t.number, s.rev, s.peer, s.index
      from exchange.to_forget t
     cross join lateral (
        select s.rev, s.peer, s.index from exchange.sent_revision s
         where s.record = t.record and (s.rev, s.peer, s.index) > (t.rev, t.peer, t.index)
         order by s.rev, s.peer, s.index limit :limit) s
     where t.number = any(cast(:numbers as bigint[]))
     order by t.number, s.rev, s.peer, s.index limit :limit
"""
_GO_ON_AT = "update exchange.to_forget set rev = :rev, peer = :peer, index = :index where number = :number"


async def looked_through(session: Session, feed: str) -> int:
    """Before which place nothing is left of what was replaced and may go."""
    found: int = await session.value(_UNTIL, {"feed": feed})
    return found


async def lead(session: Session, feed: str, *, until: int) -> bool:
    """Whether nobody else is at it, or has been since it was looked through up to here; then nobody will, either."""
    return bool(await session.fetch(_LEAD, {"feed": feed, "until": until}))


async def move(session: Session, feed: str, *, until: int) -> None:
    """It was looked through so far. The row is held."""
    await session.execute(_MOVE, {"feed": feed, "until": until})


async def answered(session: Session, feed: str, nodes: Collection[str], *, first: int) -> dict[str, int]:
    """Up to where from there on each of these nodes has answered for the next entries."""
    last = first + ENTRIES_AT_ONCE - 1
    rows = await session.fetch(_ANSWERED, {"feed": feed, "nodes": list(nodes), "first": first, "last": last})
    return {row.node: min(row.until, last + 1) for row in rows}


async def replaced(session: Session, feed: str, *, first: int, until: int) -> None:
    """Forget what the entries from `first` to `until` took the place of, or ended."""
    given: dict[str, object] = {"feed": feed, "first": first, "until": until}
    await session.execute(_BY_ENTRIES, given | KINDS | _SILENCE)


async def replaced_in(session: Session, feed: str, records: Collection[UUID], *, until: int) -> None:
    """Forget of these records what entries before this place took the place of, or ended."""
    given: dict[str, object] = {"feed": feed, "records": list(records), "until": until}
    await session.execute(_BY_RECORDS, given | KINDS | _SILENCE)


async def looked_at(session: Session) -> dict[str, int]:
    """The items of which it was forgotten what `up` says, and up to where."""
    return {row.item: row.until for row in await session.fetch(_LOOKED_AT)}


async def next_of_items(session: Session, feed: str, items: Mapping[str, int], *, size: int) -> list[tuple[str, int]]:
    """The next entries with a body of each of these items, from its place on and before the size: item and place."""
    given = {"feed": feed, "items": list(items), "firsts": list(items.values()), "size": size, "limit": ENTRIES_AT_ONCE}
    return [tuple(row) for row in await session.fetch(_NEXT_OF_ITEMS, given)]


async def narrowed(session: Session, feed: str, places: Sequence[tuple[str, int]]) -> None:
    """Forget what these entries (item and place) say; their items are looked at from behind them on."""
    untils: dict[str, int] = {}
    for item, index in places:
        untils[item] = max(untils.get(item, 0), index + 1)
    given: dict[str, object] = {"feed": feed, "indices": [index for _, index in places]}
    await session.execute(_AT_PLACES, given | _SILENCE)
    await session.execute(_LOOK_AT, {"items": list(untils), "untils": list(untils.values())})


async def narrowed_in(
    session: Session, feed: str, records: Collection[UUID], items: Collection[str], *, size: int
) -> None:
    """Forget what entries of these records before the size say of these items."""
    given: dict[str, object] = {"feed": feed, "records": list(records), "items": list(items), "size": size}
    await session.execute(_OF_RECORDS, given | _SILENCE)


async def open_again(session: Session, items: Collection[str]) -> None:
    """No others than these items are to be forgotten any more."""
    await session.execute(_OPEN_AGAIN, {"items": list(items)})


async def ask(session: Session, records: Collection[UUID]) -> None:
    """All of these records is to be forgotten. Nobody is waited for."""
    await session.execute(_ASK, {"records": list(records)})


async def asked(session: Session) -> list[Asked]:
    """The first that is asked for, of not too many entries."""
    wanted = {"limit": RECORDS_AT_ONCE, "most": MOST_OF_RECORDS}
    return [Asked(*row) for row in await session.fetch(_ASKED, wanted)]


async def deleted(session: Session, feed: str, records: Collection[UUID]) -> bool:
    """Forget some of what is left of these records in a feed; whether there may be more."""
    given = {"feed": feed, "records": list(records), "limit": ENTRIES_AT_ONCE}
    return await session.execute(_DELETED, given) == ENTRIES_AT_ONCE


async def copied(session: Session, numbers: Collection[int]) -> list[CopiedPlace]:
    """The next places in copies of peers' feeds that these rows ask for."""
    rows = await session.fetch(_COPIED, {"numbers": list(numbers), "limit": RECORDS_AT_ONCE})
    return [CopiedPlace(*row) for row in rows]


async def go_on_at(session: Session, place: CopiedPlace) -> None:
    """What this row asks for is looked at from behind this place on."""
    await session.execute(_GO_ON_AT, place._asdict())


async def settled(session: Session, numbers: Collection[int]) -> None:
    """What these rows ask for is done."""
    await session.execute(_SETTLED, {"numbers": list(numbers)})


def in_copies(places: Sequence[CopiedPlace]) -> list[EntryPlace]:
    """These places as pages are asked for them."""
    return [(place.peer, UP, place.index) for place in places]
