"""A party's own records, found without their ids: by document number, by whom they are about, by their day."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.chassis.packing import BodyReader
from creditmesh.ingestion.store.days import DayPlace
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.events.record import RecordState

_MOST = 1000
"""Records that a page looks at, at most, where it is narrowed to some of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFilter:
    """Which of a party's records; None: any."""

    party: str
    origin: str
    number: bytes | None
    subject: tuple[int, UUID] | None
    """Whom they are about, with their part."""
    items: Collection[str] | None
    state: RecordState | None
    since: date
    until: date
    """The legal dates on which they were accepted, both included."""


@dataclass(frozen=True, slots=True)
class OwnRecord:
    """A record as it stands: the day it was accepted, and its newest event; None where it cannot be read."""

    place: DayPlace
    changed_on: date
    subject: UUID
    item: str
    event: RecordChanged | None


_COLUMNS = "part, subject, natural_key, id, legal_date, item, origin"
_LOOKED = """
    {table} where party = :party and legal_date between :since and :until {more}
       and (legal_date, id) < (cast(:day as date), cast(:before as uuid))
     order by legal_date desc, id desc limit :most
"""
_FOUND = """
    with looked as materialized (select {columns} from {source}),
    found as (
        select w.legal_date as accepted_on, w.id as record, w.subject, w.item, r.legal_date as changed_on, r.data
          from looked w
         cross join lateral (
            select i.legal_date, i.data, i.state from ingestion.revision i
             where i.part = w.part and i.subject = w.subject and i.natural_key = w.natural_key
             order by i.rev desc limit 1) r
         where w.origin = :origin and (cast(:items as text[]) is null or w.item = any(:items))
           and (cast(:state as text) is null or r.state = :state)
           {also}
         order by w.legal_date desc, w.id desc limit :limit
    )
    select (select count(*) from looked) as looked, e.legal_date as last_day, e.id as last, f.*
      from (select legal_date, id from looked order by legal_date, id limit 1) e left join found f on true
     order by f.accepted_on desc, f.record desc
"""
_OF_SUBJECT = "and (cast(:subject as uuid) is null or (w.part = :part and w.subject = :subject))"
# All that there is of a subject: OFFSET 0 keeps the planner from reading the days of the party for it.
_ABOUT = """
    (select * from ingestion.revision where part = :part and subject = :subject offset 0) r
"""


def _found(table: str, more: str, also: str) -> str:
    return _FOUND.format(columns=_COLUMNS, source=_LOOKED.format(table=table, more=more), also=also)


_BY_DAY = _found("ingestion.revision", "and id = record", "")
_BY_NUMBER = _found("ingestion.revision", "and number is not null and number = :number", _OF_SUBJECT)
_BY_SUBJECT = _found(_ABOUT, "and id = record", "")


async def page(
    session: Session, asked: RecordFilter, *, after: DayPlace | None, limit: int
) -> tuple[list[OwnRecord], DayPlace | None]:
    """Records newest first, and where the search ended, if that is before the end of the list."""
    part, subject = asked.subject or (None, None)
    narrowed = asked.state is not None or asked.items is not None or (subject is not None and asked.number is not None)
    most = _MOST if narrowed else limit
    day, before = after or DayPlace.behind(asked.until)
    values: dict[str, object] = {
        "party": asked.party,
        "origin": asked.origin,
        "items": None if asked.items is None else list(asked.items),
        "state": asked.state,
        "since": asked.since,
        "until": asked.until,
        "day": day,
        "before": before,
        "most": most,
        "limit": limit,
    }
    if asked.number is not None:
        rows = await session.fetch(_BY_NUMBER, {**values, "number": asked.number, "part": part, "subject": subject})
    elif subject is not None:
        rows = await session.fetch(_BY_SUBJECT, {**values, "part": part, "subject": subject})
    else:
        rows = await session.fetch(_BY_DAY, values)
    reader = BodyReader(RecordChanged.model_validate_json, of="ingestion")
    found = [
        OwnRecord(
            DayPlace(row.accepted_on, row.record),
            row.changed_on,
            UUID(bytes=row.subject.bytes),
            row.item,
            reader.read(row.record, row.data),
        )
        for row in rows
        if row.record is not None
    ]
    ended = DayPlace(rows[0].last_day, rows[0].last) if rows and rows[0].looked == most else None
    return found, ended
