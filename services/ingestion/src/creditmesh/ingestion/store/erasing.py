"""Erasures: records on their way out, and people whose key goes with the last of them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.ingestion.store import named, purges
from creditmesh.ingestion.store.revisions import Place
from creditmesh.schemas.events import RecordPurged

SECONDS_AT_MOST = 60.0
"""Between two looks at whether everybody has read that a record is erased: seldom enough where a reader is down."""


class NewestOf(NamedTuple):
    """A record of somebody, by its newest revision."""

    place: Place
    record: UUID
    rev: int
    state: str
    item: str
    party: str
    origin: str


class Closing(NamedTuple):
    """Whose records were erased, and whether anything stands here that is about them or names them."""

    subject: UUID
    stands: bool


_ADD = """
    insert into ingestion.erasing (part, subject, natural_key, record)
    select * from unnest(cast(:parts as integer[]), cast(:subjects as uuid[]), cast(:keys as bytea[]),
                         cast(:records as uuid[]))
        on conflict do nothing
"""
# Those that somebody has still to read are not tried again at once, and the longer they wait the more seldom.
_NEXT = """
    update ingestion.erasing e
       set tries = least(e.tries + 1, 10),
           try_at = clock_timestamp() + make_interval(secs => least(power(2, e.tries), :longest))
     where (e.record, e.part, e.subject, e.natural_key) in (
           select record, part, subject, natural_key from ingestion.erasing where try_at <= clock_timestamp()
            order by try_at limit :most for update skip locked)
    returning e.part, e.subject, e.natural_key
"""
# Only what is erased still by its newest revision. Where somebody has still to read it the function leaves it.
_PURGE = """
    select p.record, p.subject, p.item
      from (select array_agg(n.part) as parts, array_agg(n.subject) as subjects, array_agg(n.natural_key) as keys,
                   array_agg(n.item_version) as numbers, array_agg(0) as months,
                   array_agg(cast(:today as date)) as ended
              from unnest(cast(:parts as integer[]), cast(:subjects as uuid[]), cast(:keys as bytea[]))
                   as u(part, subject, natural_key)
             cross join lateral (
                select r.part, r.subject, r.natural_key, r.item_version, r.state from ingestion.revision r
                 where r.part = u.part and r.subject = u.subject and r.natural_key = u.natural_key
                 order by r.rev desc limit 1) n
             where n.state = 'erased') a
     cross join lateral ingestion.purge(
           a.parts, a.subjects, a.keys, a.numbers, a.months, a.ended, cast(:today as date)) p
"""
# What stands under a place that is no place of an erased record any more is not on its way out.
_SETTLED = """
    delete from ingestion.erasing e
     using unnest(cast(:parts as integer[]), cast(:subjects as uuid[]), cast(:keys as bytea[]))
           as u(part, subject, natural_key)
     where e.part = u.part and e.subject = u.subject and e.natural_key = u.natural_key
       and coalesce((select r.state from ingestion.revision r
                      where r.part = u.part and r.subject = u.subject and r.natural_key = u.natural_key
                      order by r.rev desc limit 1), '') <> 'erased'
    returning e.subject, e.part, e.record
"""
_CLOSE = """
    insert into ingestion.closing as c (subject, part, records, erasures, look_at)
    select subject, part, array_remove(array_agg(record), null), array_remove(array[cast(:erasure as uuid)], null),
           clock_timestamp() + make_interval(secs => :seconds)
      from unnest(cast(:subjects as uuid[]), cast(:parts as integer[]), cast(:records as uuid[]))
           as u(subject, part, record)
     group by subject, part
        on conflict (subject) do update set records = c.records || excluded.records, look_at = excluded.look_at,
           erasures = c.erasures || excluded.erasures
"""
_CLOSING = """
    select subject from ingestion.closing where look_at <= clock_timestamp()
     order by look_at limit :most for update skip locked
"""
# A department that has applied a measure has to be able to read whom it releases.
_STANDS = """
    select c.subject, exists (select from ingestion.revision r where r.part = c.part and r.subject = c.subject)
                   or exists (select from ingestion.named n where n.subject = c.subject)
                   or exists (select from ingestion.review v where v.subject = c.subject and v.sealed <> '[]')
                   or exists (select from ingestion.erasure_answer a
                               where a.record = any(c.records) and a.kind = 'department' and not a.settled)
      from ingestion.closing c where c.subject = any(cast(:subjects as uuid[]))
"""
_LOOK_LATER = """
    update ingestion.closing set look_at = clock_timestamp() + make_interval(secs => :seconds)
     where subject = any(cast(:subjects as uuid[]))
"""
_CLOSED = "delete from ingestion.closing where subject = any(cast(:subjects as uuid[]))"
_OF_SUBJECTS = """
    select distinct on (part, subject, natural_key) part, subject, natural_key, record, rev, state, item, party, origin
      from unnest(cast(:parts as integer[]), cast(:subjects as uuid[])) as u(part, subject)
      join ingestion.revision using (part, subject) order by part, subject, natural_key, rev desc
"""
_HELD = """
    select id from ingestion.review where subject = any(cast(:subjects as uuid[])) and sealed <> '[]'
       and (cast(:records as uuid[]) is null or record = any(:records))
"""
_BLANK = """
    update ingestion.review set state = case when state = 'held' then 'expired' else state end, sealed = '[]',
           decided_at = coalesce(decided_at, :at)
     where id = any(cast(:ids as uuid[]))
"""


async def add(session: Session, erased: Sequence[tuple[Place, UUID]]) -> None:
    """The records at these places are erased, and to be deleted."""
    if erased:
        await session.execute(_ADD, {**_columns([place for place, _ in erased]), "records": [r for _, r in erased]})


async def next_places(session: Session, *, most: int) -> list[Place]:
    """Some of the places of erased records, for this transaction alone."""
    rows = await session.fetch(_NEXT, {"most": most, "longest": SECONDS_AT_MOST})
    return [(row.part, UUID(bytes=row.subject.bytes), row.natural_key) for row in rows]


async def purge(session: Session, places: Sequence[Place], *, today: date) -> list[RecordPurged]:
    """Delete the erased records at these places that everybody has read; which they were. The places are locked.

    Whom a record names that cannot be read is known as far as it was written beside it.
    """
    said = await purges.named(session, places)
    rows = await session.fetch(_PURGE, {**_columns(places), "today": today})
    kept = await named.forget(session, [row.record for row in rows])
    return [
        RecordPurged(
            record=r.record,
            subject=r.subject,
            item=r.item,
            named=tuple(sorted(said.get(r.record, set()) | kept.get(UUID(bytes=r.record.bytes), set()))),
        )
        for r in rows
    ]


async def settle(session: Session, places: Sequence[Place], *, seconds: float) -> None:
    """Of the places where no erased record is any more nothing is left to be done but to close whose it was."""
    rows = await session.fetch(_SETTLED, _columns(places))
    await close(session, [tuple(row) for row in rows], seconds=seconds)


async def close(
    session: Session,
    people: Sequence[tuple[UUID, int, UUID | None]],
    *,
    seconds: float,
    erasure: UUID | None = None,
) -> None:
    """The keys of these people (their parts, and what was erased) go with the last that needs them, not before then.

    `erasure`: whose entry says what becomes of them.
    """
    if people:
        subjects, parts, records = map(list, zip(*people, strict=True))
        given: dict[str, object] = {"subjects": subjects, "parts": parts, "records": records, "seconds": seconds}
        await session.execute(_CLOSE, {**given, "erasure": erasure})


async def next_closing(session: Session, *, most: int) -> list[UUID]:
    """Some whose records were erased, for this transaction alone."""
    return [UUID(bytes=row.subject.bytes) for row in await session.fetch(_CLOSING, {"most": most})]


async def closing(session: Session, people: Collection[UUID]) -> list[Closing]:
    """Whether anything of these people stands. They are locked."""
    rows = await session.fetch(_STANDS, {"subjects": list(people)})
    return [Closing(UUID(bytes=subject.bytes), stands) for subject, stands in rows]


async def look_later(session: Session, subjects: Collection[UUID], *, seconds: float) -> None:
    """Nothing is done about these people before then."""
    await session.execute(_LOOK_LATER, {"subjects": list(subjects), "seconds": seconds})


async def closed(session: Session, subjects: Collection[UUID]) -> None:
    """Nothing is left to be done about these people."""
    await session.execute(_CLOSED, {"subjects": list(subjects)})


async def records_of(session: Session, person: Mapping[UUID, int]) -> list[NewestOf]:
    """The records about somebody, by their subjects (with their parts)."""
    rows = await session.fetch(_OF_SUBJECTS, {"subjects": list(person), "parts": list(person.values())})
    return [
        NewestOf((part, UUID(bytes=subject.bytes), key), UUID(bytes=record.bytes), *rest)
        for part, subject, key, record, *rest in rows
    ]


async def held_rows(session: Session, person: Collection[UUID], *, records: Collection[UUID] | None) -> list[UUID]:
    """The rows about somebody of which something is kept; of these records alone, where some are given."""
    given = None if records is None else list(records)
    return [row.id for row in await session.fetch(_HELD, {"subjects": list(person), "records": given})]


async def blank(session: Session, reviews: Collection[UUID], *, at: datetime) -> None:
    """What these rows said is deleted, and those that nobody has decided expire."""
    await session.execute(_BLANK, {"ids": list(reviews), "at": at})
    await named.forget(session, reviews)


def _columns(places: Sequence[Place]) -> dict[str, object]:
    parts, subjects, keys = zip(*places, strict=True)
    return {"parts": list(parts), "subjects": list(subjects), "keys": list(keys)}
