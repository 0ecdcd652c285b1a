"""Entries of this node's feeds that were fetched back while what they are about is not here again."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.acknowledgements import MOST_ANSWERED

COPY, PUBLISH = "copy", "publish_again"
"""Why an entry is not made again here: its record is another node's, which sends it; or an object of the catalogue."""
_COLUMNS = "feed, index, record, rev, change, item, party, kind, code, why"
_LISTED = f"""
    select {_COLUMNS} from exchange.lost_entry
     where why is distinct from '{COPY}' and (feed, index) > (:feed, :index) order by feed, index limit :limit
"""
_OF_RECORDS = f"""
    select {_COLUMNS.replace("record", "l.record")} from unnest(cast(:records as uuid[])) as w(record)
     cross join lateral (select * from exchange.lost_entry where record = w.record offset 0) l where l.feed = :feed
"""
_RETURNING = """
    select index from unnest(cast(:firsts as bigint[]), cast(:untils as bigint[])) as w(first, until)
     cross join lateral (
        select * from exchange.lost_entry where feed = :feed and index >= w.first and index < w.until offset 0) l
     where l.why is null
"""
# What kept its entry from being forgotten is so no more: its record is looked at again.
_ASKED = "insert into exchange.to_forget (record) select distinct record from {} where record is not null"
# Whoever changes several locks them in their order first.
_LOCK = "select from exchange.lost_entry where feed = :feed and index = any(:indices) order by index for update"
_REFUSE = f"""
    with refused as (
        update exchange.lost_entry l set why = w.why
          from unnest(cast(:indices as bigint[]), cast(:reasons as text[])) as w(index, why)
         where l.feed = :feed and l.index = any(cast(:indices as bigint[])) and l.index = w.index and l.why is null
        returning l.record
    ) {_ASKED.format("refused")}
"""
_FOUND = f"""
    with found as (
        select * from unnest(cast(:indices as bigint[]), cast(:subjects as uuid[]), cast(:items as text[]),
                             cast(:parties as text[])) as w(index, subject, item, party)
    ), gone as (
        delete from exchange.lost_entry where feed = :feed and index = any(cast(:indices as bigint[])) returning record
    ), asked as (
        {_ASKED.format("gone")}
    )
    update exchange.feed_entry e set subject = found.subject, item = found.item, party = found.party
      from found where e.feed = :feed and e.index = any(cast(:indices as bigint[])) and e.index = found.index
"""
_PUBLISHED = """
    delete from exchange.lost_entry l
     using unnest(cast(:kinds as text[]), cast(:codes as text[])) as w(kind, code)
     where l.feed = :feed and l.kind = w.kind and l.code = w.code
"""
_DISMISS = f"""
    with gone as (
        delete from exchange.lost_entry
         where feed = :feed and index = :index and why is distinct from '{COPY}' returning record
    ), asked as (
        {_ASKED.format("gone")}
    ) select exists (select from gone)
"""
_AT = f"select {_COLUMNS} from exchange.lost_entry where feed = :feed and index = :index for update"
_SETTLE = f"""
    with gone as (
        delete from exchange.lost_entry where feed = :feed and record = :record returning record
    ) {_ASKED.format("gone")}
"""
# Whoever sends for its origin said the same again, was judged here, and was told since this node shared it: all that
# follows records has gone by what came of it. What is withheld stands for any change. Most rounds find nothing to hold.
_SETTLE_COPIES = f"""
    with looked as (
        select index, record, rev, change from exchange.lost_entry
         where feed = :feed and index >= :first and why = '{COPY}' order by index limit :limit
    ), said as (
        select l.*, cast(e.line as json) as line
          from looked l
         cross join lateral (select line from exchange.feed_entry where feed = :feed and index = l.index offset 0) e
    ), answered as (
        select said.index
          from said
          join unnest(cast(:origins as text[]), cast(:senders as text[])) as w(origin, sender)
            on w.origin = said.line ->> 'origin'
         cross join lateral (
            select index, change from exchange.sent_revision
             where record = said.record and rev = said.rev and peer = w.sender offset 0) s
         where (said.change in ('withheld', 'waits') or (s.change = said.change) is not false) and exists (
            select from exchange.acknowledgement_made m
             where m.peer = w.sender and m.feed = :feed and m.first > s.index - :most and m.first <= s.index
               and m.until > s.index and m.sent_at > cast(said.line ->> 'at' as timestamptz) offset 0)
    ), held as (
        select index from exchange.lost_entry
         where feed = :feed and index = any(array(select index from answered)) order by index for update skip locked
    ), gone as (
        delete from exchange.lost_entry where feed = :feed and index = any(array(select index from held))
        returning index, record
    ), asked as (
        {_ASKED.format("gone")}
    ) select (select max(index) + 1 from looked) as until, array(select index from gone) as settled
"""
_PUT = f"""
    insert into exchange.lost_entry ({_COLUMNS})
    values (:feed, :index, :record, :rev, :change, :item, :party, :kind, :code, :why)
        on conflict (feed, index) do update set why = excluded.why
"""
_COUNT = f"select feed, count(*) as count from exchange.lost_entry where why is distinct from '{COPY}' group by feed"


class LostEntry(NamedTuple):
    """A row: what an entry is about, and why it is not here again; `why` is None while it is being made again."""

    feed: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks an entry for
    record: UUID | None = None
    rev: int | None = None
    change: str | None = None
    item: str | None = None
    party: str | None = None
    kind: str | None = None
    code: str | None = None
    why: str | None = None


class FoundRevision(NamedTuple):
    """The revision of an entry that was fetched back, here again: whom it is about."""

    index: int  # type: ignore[assignment]
    subject: UUID
    item: str
    party: str


async def add(session: Session, lost: Sequence[LostEntry]) -> None:
    """Keep these until they are here again."""
    await session.copy("exchange.lost_entry", LostEntry._fields, lost)


async def put(session: Session, entries: Sequence[LostEntry]) -> None:
    """List these at their places, whether or not something is listed there."""
    for entry in entries:
        await session.execute(_PUT, entry._asdict())


async def listed(session: Session, *, after: tuple[str, int], limit: int) -> list[LostEntry]:
    """So many of those that are to be here again, behind a place (feed, index); none that other nodes send."""
    feed, index = after
    return [LostEntry(*row) for row in await session.fetch(_LISTED, {"feed": feed, "index": index, "limit": limit})]


async def of_records(session: Session, feed: str, records: Collection[UUID]) -> list[LostEntry]:
    """Those about these records."""
    return [LostEntry(*row) for row in await session.fetch(_OF_RECORDS, {"feed": feed, "records": list(records)})]


async def returning(session: Session, feed: str, ranges: Sequence[tuple[int, int]]) -> set[int]:
    """The entries of these ranges whose revisions are being made again."""
    values = {"firsts": [first for first, _ in ranges], "untils": [until for _, until in ranges]}
    return {row["index"] for row in await session.fetch(_RETURNING, {"feed": feed, **values})}


async def refuse(session: Session, feed: str, reasons: Sequence[tuple[int, str]]) -> None:
    """Those of these (index, code) that were being made again are not, for these reasons."""
    if reasons:
        indices, codes = zip(*reasons, strict=True)
        await session.fetch(_LOCK, {"feed": feed, "indices": indices})
        await session.execute(_REFUSE, {"feed": feed, "indices": indices, "reasons": codes})


async def found(session: Session, feed: str, revisions: Sequence[FoundRevision]) -> None:
    """These are here again: their entries point to whom they are about."""
    if revisions:
        columns = ("indices", "subjects", "items", "parties")
        await session.fetch(_LOCK, {"feed": feed, "indices": [each.index for each in revisions]})
        await session.execute(_FOUND, {"feed": feed, **dict(zip(columns, zip(*revisions, strict=True), strict=True))})


async def published(session: Session, feed: str, objects: Collection[tuple[str, str]]) -> None:
    """These objects (kind, code) of the catalogue were published or withdrawn here since: what was lost is settled."""
    kinds, codes = zip(*objects, strict=True)
    await session.execute(_PUBLISHED, {"feed": feed, "kinds": kinds, "codes": codes})


async def dismiss(session: Session, feed: str, index: int) -> bool:
    """An operator has seen to it; False if it is not listed."""
    found: bool = await session.value(_DISMISS, {"feed": feed, "index": index})
    return found


async def at(session: Session, feed: str, index: int) -> LostEntry | None:
    """The one at this place, held; None if there is none."""
    row = await session.row(_AT, {"feed": feed, "index": index})
    return None if row is None else LostEntry(*row)


async def settle(session: Session, feed: str, record: UUID) -> None:
    """Nothing of this record is to be here again."""
    await session.execute(_SETTLE, {"feed": feed, "record": record})


async def settle_copies(
    session: Session, feed: str, senders: Collection[tuple[str, str]], *, first: int, limit: int
) -> tuple[int, list[int]]:
    """Of the next copies from a place on: those go that came again and were answered for; from where on to look.

    `senders`: who sends for each origin, as pairs (origin, peer). From the beginning where none is left.
    """
    pairs = {"origins": [origin for origin, _ in senders], "senders": [peer for _, peer in senders]}
    wanted = {"feed": feed, "first": first, "limit": limit, "most": MOST_ANSWERED}
    [(until, settled)] = await session.fetch(_SETTLE_COPIES, wanted | pairs)
    return until or 0, settled


async def counts(session: Session) -> dict[str, int]:
    """How many are listed, by feed."""
    return {row.feed: row["count"] for row in await session.fetch(_COUNT)}
