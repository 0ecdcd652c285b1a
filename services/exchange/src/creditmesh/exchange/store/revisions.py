"""Where in which peer's feed each revision stands, and what it does to its record: answers go to the first place."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.exchange import BESIDE_CONTENT, HIDING
from creditmesh.schemas.words import Effect

BESIDE: frozenset[Effect] = BESIDE_CONTENT | {"waits"}
"""The effects that stand beside content: marks and discharges, and what waits."""


class SentRevision(NamedTuple):
    """A row: a revision in a peer's `up`, and what became of the record by it."""

    record: UUID
    rev: int
    peer: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks a revision for
    change: Effect | None


class ContentPlace(NamedTuple):
    """A revision with content, and where it stands."""

    record: UUID
    rev: int
    index: int  # type: ignore[assignment]  # as above


class SaidLast(NamedTuple):
    """What a peer's `up` says of a record last."""

    record: UUID
    index: int  # type: ignore[assignment]  # as above
    rev: int
    change: Effect
    content: int | None
    """Where the newest stands that has content."""
    judged: bool
    refused: bool
    """Whether this node refuses that, or something behind it."""
    elsewhere: bool
    """Whether another peer's feed says something newer."""


_NOTE_SENT = """
    insert into exchange.sent_revision (record, rev, peer, index, change)
    select * from unnest(cast(:records as uuid[]), cast(:revs as integer[]), cast(:peers as text[]),
                         cast(:indices as bigint[]), cast(:changes as text[])) on conflict do nothing
"""
# What waits has the number of what it waits for, whose place this is then.
_SENT_BY_CHILDREN = """
    select distinct on (s.record, s.rev, s.peer) s.record, s.rev, s.peer, s.index
      from unnest(cast(:records as uuid[]), cast(:revs as integer[])) as w(record, rev)
      join exchange.sent_revision s on s.record = w.record and s.rev = w.rev
     order by s.record, s.rev, s.peer, s.change is not distinct from 'waits', s.index
"""
# Each record is read once, however many entries are asked about. Of one without a place its record alone is asked for.
_KEPT = """
    with asked as (
        select * from unnest(cast(:indices as bigint[]), cast(:records as uuid[])) as w(index, record)
    ), known as (
        select record, exists (
            select from ((select feed from exchange.feed_entry where record = each.record offset 0)
                         union all select feed from exchange.set_aside where record = each.record) e
             where e.feed = :feed) as shared
          from (select distinct record from asked) each
    )
    select index from asked where record = any(array(select record from known where not shared))
     union all
    select s.index from known
     cross join lateral (
        select record, rev, index, change from exchange.sent_revision
         where record = known.record and peer = :peer and index >= :first and index <= :last offset 0) s
     where known.shared and not exists (
        select from ((select feed, change from exchange.feed_entry where record = s.record and rev = s.rev offset 0)
                     union all select feed, change from exchange.set_aside where record = s.record and rev = s.rev) e
         where e.feed = :feed and e.change = coalesce(s.change, e.change))
"""
_SIZES = """
    select record, (select count(*) from (
        select from exchange.sent_revision s where s.record = w.record and s.peer = :peer limit :most) counted) as size
      from unnest(cast(:records as uuid[])) as w(record)
"""
GONE = """
    select index, change,
           case when change = any(cast(:hiding as text[])) then true
                when change = 'discharged' then ended
                when change = any(cast(:beside as text[])) then replaced is not null
                else replaced is not null and (ended or discharged > replaced or discharged is null) end as gone
      from (select index, change,
                   min(rev) filter (where change <> all(cast(:beside as text[]))) over later as replaced,
                   min(rev) filter (where change = 'discharged') over later as discharged,
                   bool_or(change = any(cast(:hiding as text[]))) over later as ended
              from known
            window later as (partition by record order by rev desc groups between unbounded preceding and 1 preceding)
           ) judged
     where index is not null
"""
"""What a later entry of its record takes the place of: of a mark content or an end does, of a discharge an end alone.

Content in which somebody was discharged since, before other content came, says who that was, and nothing else does: it
stays, unless the record ended. However much is asked about a record, what is known of it (`known`, with the places that
are asked for) is read once.
"""
KINDS: dict[str, object] = {"beside": sorted(BESIDE), "hiding": sorted(HIDING)}
"""The changes by what they do to content, as `GONE` asks for them."""
_REPLACED = f"""
    with wanted as materialized (
        select * from unnest(cast(:records as uuid[]), cast(:revs as integer[]), cast(:indices as bigint[]))
                      as w(record, rev, index)
    ), known as (
        select record, rev, cast(null as text) as change, index from wanted
         union all
        select s.record, s.rev, s.change, null
          from (select record, min(rev) as first from wanted group by record) w
         cross join lateral (
            select * from exchange.sent_revision where record = w.record and rev > w.first and peer = :peer offset 0) s
    ), judged as ({GONE})
    select index from judged where gone
"""
_FOLLOWING = f"""
    with known as (
        select s.record, s.rev, s.change, case when s.index > w.first then s.index end as index
          from unnest(cast(:records as uuid[]), cast(:firsts as bigint[])) as w(record, first)
         cross join lateral (
            select * from exchange.sent_revision where record = w.record and peer = :peer offset 0) s
    ), judged as ({GONE})
    select index, bool_or(gone) as gone
      from (select index, gone and change <> all(cast(:beside as text[]) || cast(:hiding as text[])) as gone from judged
             union all
            select unnest(cast(:places as bigint[])), false) told
     where index > :beyond and not exists (
        select from exchange.waiting w where w.peer = :peer and w.feed = :feed and w.index = told.index offset 0)
     group by index order by index limit :limit
"""
# All before an entry that was judged is judged: it is told again at most.
_SAID_LAST = """
    select w.record, newest.index, newest.rev, newest.change, content.index as content,
           exists (select from exchange.acknowledgement_made m
                    where m.peer = :peer and m.feed = :feed and m.first > newest.index - :most
                      and m.until > newest.index) as judged,
           exists (select from exchange.sent_revision s
                     join exchange.refused_entry r on r.peer = s.peer and r.feed = :feed and r.index = s.index
                    where s.record = w.record and s.peer = :peer and s.rev >= coalesce(content.rev, 0)) as refused,
           exists (select from exchange.sent_revision s
                    where s.record = w.record and s.peer <> :peer and s.rev > newest.rev) as elsewhere
      from unnest(cast(:records as uuid[])) as w(record)
     cross join lateral (
        select s.index, s.rev, s.change from exchange.sent_revision s
         where s.record = w.record and s.peer = :peer order by s.rev desc, s.index desc limit 1) newest
      left join lateral (
        select s.index, s.rev from exchange.sent_revision s
         where s.record = w.record and s.peer = :peer and s.change <> all(cast(:state_changes as text[]))
         order by s.rev desc, s.index desc limit 1) content on true
"""
_UNSAID = """
    select w.record from unnest(cast(:records as uuid[])) as w(record)
     where not exists (select from exchange.sent_revision s where s.record = w.record)
"""
_FIRST_PLACES = """
    select min(index) as index, record from exchange.sent_revision
     where record = any(cast(:records as uuid[])) and peer = :peer group by record
"""
# These have indices of their own: nothing else that is said of a record is read for them.
_ENDED = f"""
    select w.record, ended.rev from unnest(cast(:records as uuid[])) as w(record)
     cross join lateral (
        select rev from exchange.sent_revision
         where record = w.record and peer = :peer and change in ({", ".join(f"'{each}'" for each in sorted(HIDING))})
         order by rev desc limit 1) ended
"""
_UNREAD = """
    select w.record from unnest(cast(:records as uuid[])) as w(record)
     cross join lateral (
        select from exchange.sent_revision where record = w.record and peer = :peer and change is null limit 1) unread
"""
_UNREAD_OF = """
    select record, rev, peer, index, change from exchange.sent_revision
     where record = :record and peer = :peer and change is null and index > :beyond order by index limit :limit
"""
# Compared as rows: of one peer alone a plan would find all that it ever said.
_READ = """
    update exchange.sent_revision s set change = w.change
      from unnest(cast(:records as uuid[]), cast(:revs as integer[]), cast(:indices as bigint[]),
                  cast(:changes as text[])) as w(record, rev, index, change)
     where (s.record, s.rev, s.peer, s.index) >= (w.record, w.rev, cast(:peer as text), w.index)
       and (s.record, s.rev, s.peer, s.index) <= (w.record, w.rev, cast(:peer as text), w.index)
"""


async def note_sent(session: Session, revisions: Sequence[SentRevision], *, fresh: bool) -> None:
    """Remember where in which peer's feed each revision stands, once; `fresh`: no copy has stood there before."""
    if fresh:
        await session.copy("exchange.sent_revision", SentRevision._fields, revisions)
    elif revisions:
        columns = ("records", "revs", "peers", "indices", "changes")
        await session.execute(_NOTE_SENT, dict(zip(columns, zip(*revisions, strict=True), strict=True)))


async def kept(session: Session, peer: str, entries: Sequence[tuple[int, UUID]], *, feed: str) -> set[int]:
    """Which of these entries of a peer (place and record), and others of these records, stand not in this node's feed.

    What was set aside of the feed stands in it: it is said again.
    """
    if not entries:
        return set()
    indices, records = zip(*entries, strict=True)
    given = {"peer": peer, "feed": feed, "indices": indices, "first": min(indices), "last": max(indices)}
    return {row["index"] for row in await session.fetch(_KEPT, given | {"records": records})}


async def sent_by_children(session: Session, revisions: Sequence[tuple[UUID, int]]) -> list[tuple[UUID, int, str, int]]:
    """Which peers' feeds have these revisions and where first, whoever may send them: (record, rev, peer, index)."""
    given = {"records": [record for record, _ in revisions], "revs": [rev for _, rev in revisions]}
    return [tuple(row) for row in await session.fetch(_SENT_BY_CHILDREN, given)] if revisions else []


async def sizes(session: Session, peer: str, records: Collection[UUID], *, most: int) -> dict[UUID, int]:
    """Of how many revisions each of these records is in a peer's feed; beyond so many it is not counted."""
    rows = await session.fetch(_SIZES, {"peer": peer, "records": list(records), "most": most + 1})
    return {row.record: row.size for row in rows}


async def said_last(session: Session, peer: str, feed: str, records: Collection[UUID], *, most: int) -> list[SaidLast]:
    """What the peer's feed says of these records last, of which all changes are known; it says nothing of others.

    `most`: of so many entries no stretch is judged at once.
    """
    wanted = {"peer": peer, "feed": feed, "records": list(records), "most": most}
    rows = await session.fetch(_SAID_LAST, wanted | {"state_changes": sorted(BESIDE | HIDING)}) if records else ()
    return [SaidLast(UUID(bytes=record.bytes), *said) for record, *said in rows]


async def unsaid(session: Session, records: Collection[UUID]) -> list[UUID]:
    """Those of these records of which no peer's feed says anything."""
    return [UUID(bytes=row.record.bytes) for row in await session.fetch(_UNSAID, {"records": list(records)})]


async def first_places(session: Session, peer: str, records: Collection[UUID]) -> dict[int, UUID]:
    """Where the peer's feed says something of each of these records first."""
    rows = await session.fetch(_FIRST_PLACES, {"peer": peer, "records": list(records)})
    return {row.index: UUID(bytes=row.record.bytes) for row in rows}


async def following(
    session: Session,
    peer: str,
    feed: str,
    places: Collection[int],
    records: Mapping[UUID, int],
    *,
    beyond: int,
    limit: int,
) -> dict[int, bool]:
    """The next of these places and of those behind the given one of each record, beyond a place, in their order.

    None that waits. Each with whether it had content that a later revision of its record replaced or ended; all changes
    are known.
    """
    wanted = {"peer": peer, "feed": feed, "places": list(places), "beyond": beyond, "limit": limit, **KINDS}
    wanted |= {"records": list(records), "firsts": list(records.values())}
    return {row.index: row.gone for row in await session.fetch(_FOLLOWING, wanted)}


async def replaced(session: Session, peer: str, content: Sequence[ContentPlace]) -> set[int]:
    """The places of content that a later revision of its record replaced or ended, of which all changes are known."""
    if not content:
        return set()
    values = dict(zip(("records", "revs", "indices"), zip(*content, strict=True), strict=True))
    return {row[0] for row in await session.fetch(_REPLACED, {"peer": peer, **values, **KINDS})}


async def ended(session: Session, peer: str, records: Collection[UUID]) -> dict[UUID, int]:
    """By which revision the peer's feed ended or withheld these records last, of which all changes are known."""
    rows = await session.fetch(_ENDED, {"peer": peer, "records": list(records)}) if records else ()
    return {UUID(bytes=row.record.bytes): row.rev for row in rows}


async def unread(session: Session, peer: str, records: Collection[UUID]) -> list[UUID]:
    """Those of these records of which a revision was noted without what became of the record by it."""
    rows = await session.fetch(_UNREAD, {"peer": peer, "records": list(records)}) if records else ()
    return [UUID(bytes=row.record.bytes) for row in rows]


async def unread_of(session: Session, peer: str, record: UUID, *, beyond: int, limit: int) -> list[SentRevision]:
    """The next of these revisions of a record, beyond a place."""
    wanted = {"peer": peer, "record": record, "beyond": beyond, "limit": limit}
    return [SentRevision(*row) for row in await session.fetch(_UNREAD_OF, wanted)]


async def read(session: Session, peer: str, revisions: Sequence[SentRevision]) -> None:
    """Keep what became of their records by these revisions."""
    if revisions:
        records, revs, _, indices, changes = zip(*revisions, strict=True)
        given = {"records": records, "revs": revs, "indices": indices, "changes": changes}
        await session.execute(_READ, {"peer": peer, **given})
