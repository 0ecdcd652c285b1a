"""What has been kept for its term: found slice by slice of the revisions, and deleted by the schema's own function."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.ingestion.store.revisions import Place
from creditmesh.ingestion.store.terms import given, kept_sql
from creditmesh.schemas.events import RecordPurged
from creditmesh.schemas.rules.retention import RetentionTerm
from creditmesh.schemas.rules.visibility import Law, until_sql


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


_ROUND = "select day, part, after from ingestion.retention_round for update skip locked"
_MOVE = "update ingestion.retention_round set day = :day, part = :part, after = :after"
_BOUND = """
    select id from ingestion.revision where part = :part and id > :after order by id offset :most limit 1
"""
# A record has the id of the first revision held here, so that each is met once.
_MET = """
    (select part, subject, natural_key from ingestion.revision
      where part = :part and id > :after and (cast(:until as uuid) is null or id <= :until) and id = record) as u
"""
_THESE = """
    unnest(cast(:parts as integer[]), cast(:subjects as uuid[]), cast(:keys as bytea[]))
        as u(part, subject, natural_key)
"""


def _due(places: str) -> str:
    """The records at these places whose term is over: since they ended or were ended, by what their newest says.

    An end that the law of today brought forward may lie years back; it is one since that law is in force. What is
    marked, or has a case that is to be decided, is undecided: its term is not over.
    """
    return f"""
    select due.part, due.subject, due.natural_key, kept.number, kept.months, kept.ended from (
        select n.part, n.subject, n.natural_key, n.record, n.item, n.item_version,
               n.state = 'published' and n.mark is not null as marked,
               least(case when law.until is not null
                          then least(n.display_until, greatest(law.until, cast(n.term ->> 'since' as date))) end,
                     case when n.state <> 'published' then n.legal_date end) as ended
          from {places} cross join lateral (
               select i.part, i.subject, i.natural_key, i.record, i.item, i.item_version, i.state, i.mark, i.legal_date,
                      i.data, said.kind, said.display_from, said.display_until,
                      cast(:terms as jsonb) -> i.item as term
                 from (select * from ingestion.revision r
                        where r.part = u.part and r.subject = u.subject and r.natural_key = u.natural_key
                        order by r.rev desc limit 1) i
                cross join lateral jsonb_to_record(convert_from(i.data, 'UTF8')::jsonb)
                           as said(kind text, display_from date, display_until date) offset 0) n
         cross join lateral (select {until_sql("n")} as until offset 0) law) due
     cross join lateral {kept_sql("due.ended", "due.item", "due.item_version")} kept
     where kept.over <= cast(:as_of as date) and not due.marked
       and not exists (select from ingestion.undecided u where u.record = due.record)
    """


_DUE_IN_SLICE = _due(_MET)
_STILL_DUE = _due(_THESE)
_PURGE = f"""
    select p.record, p.subject, p.item, p.named
      from (select array_agg(part) as parts, array_agg(subject) as subjects, array_agg(natural_key) as keys,
                   array_agg(number) as numbers, array_agg(months) as months, array_agg(ended) as ended
              from ({_STILL_DUE}) d) a
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


async def due(session: Session, of: RevisionSlice, *, law: Law, terms: Mapping[str, RetentionTerm]) -> list[Place]:
    """Where the records of the slice are whose term is over."""
    values = {"part": of.part, "after": of.after, "until": of.until, **_terms(law, terms)}
    return [(row.part, row.subject, row.natural_key) for row in await session.fetch(_DUE_IN_SLICE, values)]


async def purge(
    session: Session, places: Sequence[Place], *, law: Law, terms: Mapping[str, RetentionTerm]
) -> list[RecordPurged]:
    """Delete the records at these places whose term is over still, and that every reader has; say which they were."""
    parts, subjects, keys = zip(*places, strict=True)
    values = {"parts": parts, "subjects": subjects, "keys": keys, **_terms(law, terms)}
    rows = await session.fetch(_PURGE, values)
    return [RecordPurged(record=r.record, subject=r.subject, item=r.item, named=tuple(r.named)) for r in rows]


def _terms(law: Law, terms: Mapping[str, RetentionTerm]) -> dict[str, object]:
    return {"terms": given(terms), "law": law.binds["law"], "as_of": law.as_of}
