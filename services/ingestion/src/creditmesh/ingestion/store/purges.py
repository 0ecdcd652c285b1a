"""What has been kept for its term: found slice by slice of the revisions, and deleted by the schema's own function."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

import orjson

from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.packing import Unpackable, unpack
from creditmesh.ingestion.store.revisions import Place
from creditmesh.ingestion.store.terms import given, kept_sql
from creditmesh.schemas.events import RecordChanged, RecordPurged
from creditmesh.schemas.rules.retention import RetentionTerm
from creditmesh.schemas.rules.visibility import Law

AT_ONCE = 50
"""Bodies of revisions that are read at once: a record may have any number, and each may be large."""
_UNREADABLE = (Unpackable, ValueError)
"""What comes of a body that is damaged, or that a newer version wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRound:
    """How far the round of a legal day has come: the revision of a part after which it goes on."""

    day: date
    part: int
    after: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionSlice:
    """Revisions of a part, by id: after one, up to another (None: to the end)."""

    part: int
    after: UUID
    until: UUID | None


class DueSlice(NamedTuple):
    """Where the records are whose term is over, and those of which it cannot be said."""

    places: list[Place]
    unreadable: set[UUID]


class Purged(NamedTuple):
    """What was deleted, and the records that stay because it cannot be said whom they name."""

    events: list[RecordPurged]
    unreadable: set[UUID]


_ROUND = "select day, part, after from ingestion.retention_round for update skip locked"
_MOVE = "update ingestion.retention_round set day = :day, part = :part, after = :after"
_BOUND = """
    select id from ingestion.revision where part = :part and id > :after order by id offset :most limit 1
"""
_NEWEST = """
    select n.part, n.id from {places}
     cross join lateral (
        select * from ingestion.revision r
         where r.part = u.part and r.subject = u.subject and r.natural_key = u.natural_key
         order by r.rev desc limit 1) n
"""
# A record has the id of the first revision held here, so that each is met once.
_MET = _NEWEST.format(
    places="""
    (select part, subject, natural_key from ingestion.revision
      where part = :part and id > :after and (cast(:until as uuid) is null or id <= :until) and id = record) as u
"""
)
_THESE = _NEWEST.format(
    places="""
    unnest(cast(:parts as integer[]), cast(:subjects as uuid[]), cast(:keys as bytea[]))
        as u(part, subject, natural_key)
"""
)
_REVISIONS = """
    select r.part, r.id
      from unnest(cast(:parts as integer[]), cast(:subjects as uuid[]), cast(:keys as bytea[]))
           as u(part, subject, natural_key)
      join ingestion.revision r on r.part = u.part and r.subject = u.subject and r.natural_key = u.natural_key
"""
_SAID = """
    select r.part, r.subject, r.natural_key, r.id, r.record, r.item, r.data
      from unnest(cast(:parts as integer[]), cast(:ids as uuid[])) as u(part, id)
      join ingestion.revision r on r.part = u.part and r.id = u.id
"""
# The records whose term is over: since they ended or were ended, by what their newest says, if it is that still. An end
# that the law of today brought forward may lie years back; it is one since that law is in force. What is marked, or has
# a case that is to be decided, is undecided: its term is not over.
_DUE = f"""
    select due.part, due.subject, due.natural_key, kept.number, kept.months, kept.ended from (
        select n.part, n.subject, n.natural_key, n.record, n.item, n.item_version,
               n.state = 'published' and n.mark is not null as marked,
               least(case when u.ends is not null
                          then least(u.stored, greatest(u.ends, cast(n.term ->> 'since' as date))) end,
                     case when n.state <> 'published' then n.legal_date end) as ended
          from unnest(cast(:parts as integer[]), cast(:subjects as uuid[]), cast(:keys as bytea[]),
                      cast(:ids as uuid[]), cast(:stored as date[]), cast(:ends as date[]))
               as u(part, subject, natural_key, id, stored, ends)
         cross join lateral (
               select i.*, cast(:terms as jsonb) -> i.item as term
                 from (select r.part, r.subject, r.natural_key, r.id, r.record, r.item, r.item_version, r.state, r.mark,
                              r.legal_date
                         from ingestion.revision r
                        where r.part = u.part and r.subject = u.subject and r.natural_key = u.natural_key
                        order by r.rev desc limit 1) i
                where i.id = u.id offset 0) n) due
     cross join lateral {kept_sql("due.ended", "due.item", "due.item_version")} kept
     where kept.over <= cast(:as_of as date) and not due.marked
       and not exists (select from ingestion.undecided u where u.record = due.record)
"""
_PURGE = f"""
    select p.record, p.subject, p.item
      from (select array_agg(part) as parts, array_agg(subject) as subjects, array_agg(natural_key) as keys,
                   array_agg(number) as numbers, array_agg(months) as months, array_agg(ended) as ended
              from ({_DUE}) d) a
     cross join lateral ingestion.purge(
           a.parts, a.subjects, a.keys, a.numbers, a.months, a.ended, cast(:as_of as date)) p
"""


async def lead(session: Session) -> RetentionRound | None:
    """Where the round stands, for this transaction alone; None where another is at it."""
    row = await session.row(_ROUND, {})
    return None if row is None else RetentionRound(day=row.day, part=row.part, after=row.after)


async def move(session: Session, to: RetentionRound) -> None:
    """The round goes on from there."""
    await session.execute(_MOVE, asdict(to))


async def bound(session: Session, *, part: int, after: UUID, most: int) -> UUID | None:
    """Up to which revision a slice of so many goes; None: to the end of the part."""
    found: UUID | None = await session.value(_BOUND, {"part": part, "after": after, "most": most - 1})
    return found


async def due(session: Session, of: RevisionSlice, *, law: Law, terms: Mapping[str, RetentionTerm]) -> DueSlice:
    """The records of the slice whose term is over."""
    values = {"part": of.part, "after": of.after, "until": of.until}
    unreadable = set[UUID]()
    judged = await _judged(session, await session.fetch(_MET, values), law, terms, unreadable)
    places = [(row.part, row.subject, row.natural_key) for row in await session.fetch(_DUE, judged)]
    return DueSlice(places, unreadable)


async def purge(session: Session, places: Sequence[Place], *, law: Law, terms: Mapping[str, RetentionTerm]) -> Purged:
    """Delete the records at these places whose term is over still, and that every reader has; say which they were.

    The places are locked: no revision comes to them.
    """
    parts, subjects, keys = zip(*places, strict=True)
    where = {"parts": parts, "subjects": subjects, "keys": keys}
    named, unreadable = await _named(session, await session.fetch(_REVISIONS, where))
    judged = await _judged(session, await session.fetch(_THESE, where), law, terms, unreadable)
    rows = await session.fetch(_PURGE, judged)
    events = [
        RecordPurged(record=r.record, subject=r.subject, item=r.item, named=tuple(sorted(named[r.record])))
        for r in rows
    ]
    return Purged(events, unreadable)


async def named(session: Session, places: Sequence[Place]) -> dict[UUID, set[UUID]]:
    """Whom else the records at these places name, as far as their revisions can be read."""
    parts, subjects, keys = zip(*places, strict=True)
    where = {"parts": list(parts), "subjects": list(subjects), "keys": list(keys)}
    return (await _named(session, await session.fetch(_REVISIONS, where)))[0]


async def _judged(
    session: Session, newest: Sequence[Row], law: Law, terms: Mapping[str, RetentionTerm], unreadable: set[UUID]
) -> dict[str, object]:
    """The values of `_DUE` for these revisions: when each ends, as it was stored and by the law of today.

    It says nothing of records that are unreadable, and adds those of which it finds it.
    """
    judged = list[tuple[object, ...]]()
    async for part, subject, key, id_, record, item, data in _said(session, newest):
        if record not in unreadable:
            try:
                judged.append((part, subject, key, id_, *_ends(item, data, law)))
            except _UNREADABLE:
                unreadable.add(record)
    names = ("parts", "subjects", "keys", "ids", "stored", "ends")
    columns = list(zip(*judged, strict=True)) or [()] * len(names)
    return {**dict(zip(names, columns, strict=True)), "terms": given(terms), "as_of": law.as_of}


def _ends(item: str, data: bytes, law: Law) -> tuple[date | None, date | None]:
    says = unpack(data)
    until = orjson.loads(says).get("display_until")
    stored = None if until is None else date.fromisoformat(until)
    return stored, law.until(RecordChanged.model_validate_json(says)) if item in law.items else stored


async def _named(session: Session, revisions: Sequence[Row]) -> tuple[dict[UUID, set[UUID]], set[UUID]]:
    """Whom else the records of these revisions name, and the records of which one cannot be read."""
    named, unreadable = dict[UUID, set[UUID]](), set[UUID]()
    async for _, subject, _, _, record, _, data in _said(session, revisions):
        try:
            related = {UUID(each["subject"]) for each in orjson.loads(unpack(data)).get("related", ())}
        except _UNREADABLE:
            unreadable.add(record)
        else:
            named.setdefault(record, set()).update(related - {UUID(bytes=subject.bytes)})
    return named, unreadable


async def _said(session: Session, revisions: Sequence[Row]) -> AsyncIterator[Row]:
    """These revisions with their bodies, some read at a time."""
    for first in range(0, len(revisions), AT_ONCE):
        parts, ids = zip(*revisions[first : first + AT_ONCE], strict=True)
        for row in await session.fetch(_SAID, {"parts": parts, "ids": ids}):
            yield row
