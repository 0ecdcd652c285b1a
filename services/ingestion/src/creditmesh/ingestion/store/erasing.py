"""Erasures: records on their way out, and the entry that stays of each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.session import Session
from creditmesh.ingestion.store import closing, purges
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """The entry that stays of one: it says of nobody."""

    id: UUID
    at: datetime
    legal_date: date
    officer: str
    ground: str
    basis: str
    records: int
    held_rows: int
    elsewhere: str
    """JSON: how many records about the person which other node had sent."""
    named_in: int | None
    """None: ordered before this was written down."""


class ErasedRecord(NamedTuple):
    """A record that was erased, and by which revision."""

    record: UUID
    rev: int
    item: str
    party: str
    deleted: bool = False


_ADD = """
    insert into ingestion.erasing (part, subject, natural_key, record)
    select * from unnest(cast(:parts as integer[]), cast(:subjects as uuid[]), cast(:keys as bytea[]),
                         cast(:records as uuid[]))
        on conflict do nothing
"""
_DUE = """
    select part, subject, natural_key from ingestion.erasing where try_at <= statement_timestamp()
     order by try_at limit :most
"""
# Those that somebody has still to read are not tried again at once, and the longer they wait the more seldom.
_TRY = """
    update ingestion.erasing e
       set tries = least(e.tries + 1, 10),
           try_at = clock_timestamp() + make_interval(secs => least(power(2, e.tries), :longest))
      from unnest(cast(:parts as integer[]), cast(:subjects as uuid[]), cast(:keys as bytea[]))
           as u(part, subject, natural_key)
     where e.part = u.part and e.subject = u.subject and e.natural_key = u.natural_key
       and e.try_at <= statement_timestamp()
    returning e.part, e.subject, e.natural_key
"""
# Only what is erased still by its newest revision. Where somebody has still to read it the function leaves it.
_PURGE = """
    select p.record, p.subject, p.item, p.named
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
_KEEP = f"""
    insert into ingestion.erasure ({", ".join(Erasure.__slots__)})
    values ({", ".join(f":{name}" for name in Erasure.__slots__)})
"""
_KEEP_RECORDS = """
    insert into ingestion.erased_record (erasure, record, rev, item, party)
    select :erasure, * from unnest(cast(:records as uuid[]), cast(:revs as integer[]), cast(:items as text[]),
                                   cast(:parties as text[]))
"""
_ERASURES = """
    select * from ingestion.erasure where (cast(:id as uuid) is null or id = :id) order by id desc limit :limit
"""
_RECORDS = """
    select e.record, e.rev, e.item, e.party,
           not exists (select from ingestion.erasing w where w.record = e.record) as deleted
      from ingestion.erased_record e where e.erasure = :erasure order by e.record
"""


async def add(session: Session, erased: Sequence[tuple[Place, UUID]]) -> None:
    """The records at these places are erased, and to be deleted."""
    if erased:
        await session.execute(_ADD, {**_columns([place for place, _ in erased]), "records": [r for _, r in erased]})


async def due(session: Session, *, most: int) -> list[Place]:
    """Some of the places of erased records; read before they are locked, so that nobody waits in a circle."""
    return _places(await session.fetch(_DUE, {"most": most}))


async def still_due(session: Session, places: Sequence[Place]) -> list[Place]:
    """Those of them that nobody has tried meanwhile, and that are tried now. They are locked."""
    return _places(await session.fetch(_TRY, {**_columns(places), "longest": SECONDS_AT_MOST}))


async def purge(session: Session, places: Sequence[Place], *, today: date) -> list[RecordPurged]:
    """Delete the erased records at these places that everybody has read; which they were. The places are locked.

    Whom a record names that cannot be read is known as far as it was written beside it.
    """
    said = await purges.named(session, places)
    rows = await session.fetch(_PURGE, {**_columns(places), "today": today})
    return [
        RecordPurged(
            record=r.record,
            subject=r.subject,
            item=r.item,
            named=tuple(sorted(said.get(r.record, set()).union(UUID(bytes=each.bytes) for each in r.named))),
        )
        for r in rows
    ]


async def settle(session: Session, places: Sequence[Place], *, seconds: float) -> None:
    """Of the places where no erased record is any more nothing is left to be done but to close whose it was."""
    rows = await session.fetch(_SETTLED, _columns(places))
    await closing.close(session, [tuple(row) for row in rows], seconds=seconds)


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


async def keep(session: Session, erasure: Erasure, erased: Sequence[ErasedRecord]) -> None:
    """Write down an erasure."""
    await session.execute(_KEEP, asdict(erasure))
    records, revs, items, parties, _ = zip(*erased, strict=True) if erased else ((), (), (), (), ())
    columns = {"records": list(records), "revs": list(revs), "items": list(items), "parties": list(parties)}
    await session.execute(_KEEP_RECORDS, {"erasure": erasure.id, **columns})


async def erasures(session: Session, *, id_: UUID | None = None, limit: int = 100) -> list[Erasure]:
    """The newest erasures, or the one of that id."""
    return [Erasure(**row) for row in await session.fetch(_ERASURES, {"id": id_, "limit": limit})]


async def erased_records(session: Session, erasure: UUID) -> list[ErasedRecord]:
    """What was erased by one, and whether it is deleted here."""
    return [ErasedRecord(*row) for row in await session.fetch(_RECORDS, {"erasure": erasure})]


def _places(rows: Sequence[Row]) -> list[Place]:
    return [(row.part, UUID(bytes=row.subject.bytes), row.natural_key) for row in rows]


def _columns(places: Sequence[Place]) -> dict[str, object]:
    parts, subjects, keys = zip(*places, strict=True)
    return {"parts": list(parts), "subjects": list(subjects), "keys": list(keys)}
