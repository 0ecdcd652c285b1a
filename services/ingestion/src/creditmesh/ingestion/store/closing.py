"""People whose records were erased, until the last that needs their key is gone, and when an order's keys went."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.session import Session

Person = Mapping[UUID, int]
"""The subjects of somebody, or of several, with their parts."""
Closed = tuple[UUID, int, UUID | None]
"""A subject, its part, and a record of theirs that was erased and is deleted."""


class KeyNeed(NamedTuple):
    """What needs somebody's key beside what goes: a record or a held row, who has still to lift, or who may have."""

    subject: UUID
    stays: bool
    lifts: bool
    waits: bool

    @property
    def known(self) -> bool:
        """Whether it is known of something that it needs the key."""
        return self.stays or self.lifts


class KeyEntry(NamedTuple):
    """What became of the keys of an order: whose is still there, and when the last was destroyed."""

    people: Person
    destroyed_at: datetime | None


_CLOSE = """
    insert into ingestion.closing as c (subject, part, records, erasures, look_at)
    select subject, part, array_remove(array_agg(record), null),
           cast(:erasures as uuid[])
        || array(select e.erasure from ingestion.erased_record e where e.record = any(array_agg(u.record))),
           clock_timestamp() + make_interval(secs => :seconds)
      from unnest(cast(:subjects as uuid[]), cast(:parts as integer[]), cast(:records as uuid[]))
           as u(subject, part, record)
     group by subject, part
        on conflict (subject) do update
       set records = c.records || excluded.records, erasures = c.erasures || excluded.erasures,
           look_at = excluded.look_at
"""
_DUE = "select subject from ingestion.closing where look_at <= statement_timestamp() order by look_at limit :most"
_STILL_DUE = """
    select subject, part from ingestion.closing
     where subject = any(cast(:subjects as uuid[])) and look_at <= statement_timestamp()
"""
# A department that has applied a measure has to be able to read whom it releases. Which departments do is known when
# this node itself has been told of: that is said last.
_NEEDS = """
    select u.subject,
           exists (select from ingestion.revision r
                    where r.part = u.part and r.subject = u.subject and r.record <> all(cast(:going as uuid[])))
        or exists (select from ingestion.named n
                    where n.subject = u.subject and n.record <> all(cast(:going as uuid[])))
        or exists (select from ingestion.review v
                    where v.subject = u.subject and v.sealed <> '[]' and v.id <> all(cast(:going as uuid[]))) as stays,
           exists (select from ingestion.erasure_answer a
                    where a.kind = 'department' and not a.settled
                      and (a.record = any(cast(:going as uuid[]))
                           or a.record in (select unnest(c.records) from ingestion.closing c
                                            where c.subject = u.subject))) as lifts,
           exists (select from ingestion.closing c cross join lateral unnest(c.records) as e(record)
                    where c.subject = u.subject
                      and not exists (select from ingestion.erasure_answer a
                                       where a.record = e.record and a.holder = :node)) as waits
      from unnest(cast(:subjects as uuid[]), cast(:parts as integer[])) as u(subject, part)
"""
_LOOK_LATER = """
    update ingestion.closing set look_at = clock_timestamp() + make_interval(secs => :seconds)
     where subject = any(cast(:subjects as uuid[]))
"""
# Two who destroy keys of one order do so one after the other: the second sees that it is the last.
_OF_SAME_ORDERS = """
    select from ingestion.closing
     where erasures && array(
           select e.erasure from ingestion.closing c cross join lateral unnest(c.erasures) as e(erasure)
            where c.subject = any(cast(:subjects as uuid[])))
     order by subject for update
"""
_CLOSED = """
    with gone as (
        delete from ingestion.closing where subject = any(cast(:subjects as uuid[])) returning erasures)
    insert into ingestion.erased_key (erasure, at)
    select distinct e.erasure, cast(:at as timestamptz) from gone cross join lateral unnest(gone.erasures) as e(erasure)
     where not exists (select from ingestion.closing c
                        where e.erasure = any(c.erasures) and c.subject <> all(cast(:subjects as uuid[])))
        on conflict do nothing
"""
_ERASED = """
    select distinct r.record from ingestion.closing c cross join lateral unnest(c.records) as r(record)
     where c.subject = any(cast(:subjects as uuid[]))
"""
_OF = "select subject, part from ingestion.closing where :erasure = any(erasures)"
_GOING = "select record from ingestion.erasing where subject = any(cast(:subjects as uuid[]))"
_DESTROYED = "select at from ingestion.erased_key where erasure = :erasure"


async def close(session: Session, people: Sequence[Closed], *, seconds: float, erasure: UUID | None = None) -> None:
    """The keys of these people go with the last that needs them, not before then.

    `erasure`: the order that says so; those that said so of their records before do too.
    """
    if people:
        subjects, parts, records = map(list, zip(*people, strict=True))
        given: dict[str, object] = {"subjects": subjects, "parts": parts, "records": records, "seconds": seconds}
        await session.execute(_CLOSE, {**given, "erasures": [] if erasure is None else [erasure]})


async def due(session: Session, *, most: int) -> list[UUID]:
    """Some who are to be looked at; read before they are locked, so that nobody waits in a circle."""
    return [UUID(bytes=row.subject.bytes) for row in await session.fetch(_DUE, {"most": most})]


async def still_due(session: Session, people: Collection[UUID]) -> dict[UUID, int]:
    """Those of them whom nobody has looked at meanwhile, with their parts. They are locked."""
    return _person(await session.fetch(_STILL_DUE, {"subjects": list(people)}))


async def needs(session: Session, person: Person, *, node: str, going: Collection[UUID] = ()) -> list[KeyNeed]:
    """Whether these people's keys are needed, with all that stands; or as it were without the records and rows `going`.

    It is what destroys a key, and what is said of it before.
    """
    values = {"subjects": list(person), "parts": list(person.values()), "going": list(going), "node": node}
    return [KeyNeed(UUID(bytes=subject.bytes), *need) for subject, *need in await session.fetch(_NEEDS, values)]


async def look_later(session: Session, subjects: Collection[UUID], *, seconds: float) -> None:
    """Nothing is done about these people before then."""
    await session.execute(_LOOK_LATER, {"subjects": list(subjects), "seconds": seconds})


async def closed(session: Session, subjects: Collection[UUID], *, at: datetime) -> None:
    """The keys of these people are destroyed; the orders of which they were the last are written down."""
    if subjects:
        await session.fetch(_OF_SAME_ORDERS, {"subjects": list(subjects)})
        await session.execute(_CLOSED, {"subjects": list(subjects), "at": at})


async def erased(session: Session, person: Collection[UUID]) -> set[UUID]:
    """The records about somebody that were erased and are deleted, while their key is there."""
    return {UUID(bytes=row.record.bytes) for row in await session.fetch(_ERASED, {"subjects": list(person)})}


async def entry(session: Session, erasure: UUID) -> KeyEntry:
    """What became of an order's keys."""
    people = _person(await session.fetch(_OF, {"erasure": erasure}))
    return KeyEntry(people, await session.value(_DESTROYED, {"erasure": erasure}))


async def going(session: Session, person: Collection[UUID]) -> list[UUID]:
    """The records of these people that are erased, and not yet deleted."""
    return [UUID(bytes=row.record.bytes) for row in await session.fetch(_GOING, {"subjects": list(person)})]


def _person(rows: Sequence[Row]) -> dict[UUID, int]:
    return {UUID(bytes=row.subject.bytes): row.part for row in rows}
