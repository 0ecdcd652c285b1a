"""The read model: the newest revision of each record, read through the one visibility predicate.

What it says, its event's body, stands with ingestion, who wrote it, and is read there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from creditmesh.chassis.bus.stream import body_of
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.packing import BodyReader
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.rules.visibility import Law, stored_sql

_COLUMNS = (
    "part", "record", "rev", "body", "subject", "item", "kind", "state", "display_from", "display_until",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest revision of one record in a batch, and the id of the event that told it.

    `fresh`: the batch also has its first, so there is no row yet.
    """

    part: int
    event: RecordChanged
    body: UUID
    fresh: bool


async def write(session: Session, newest: Sequence[Newest]) -> list[Newest]:
    """Bring the read model to these revisions: new records by COPY, others where their `rev` is greater.

    Returns those that stand now; an older revision that came again is not among them.
    """
    await session.copy("query.record", _COLUMNS, [_row(each) for each in newest if each.fresh])
    later = [_row(each) for each in newest if not each.fresh]
    if not later:
        return list(newest)
    columns = zip(_COLUMNS, zip(*later, strict=True), strict=True)
    written = {row.record for row in await session.fetch(_UPSERT, dict(columns))}
    return [each for each in newest if each.fresh or each.event.record in written]


def _row(newest: Newest) -> tuple[object, ...]:
    event = newest.event
    return (
        newest.part,
        event.record,
        event.rev,
        newest.body,
        event.subject,
        event.item,
        event.kind,
        event.state,
        event.display_from,
        event.display_until,
    )


# A record whose first revision never came (it was dropped from the dead letters) is inserted by a later one: the newest
# revision says everything.
_UPSERT = """
    insert into query.record as known
           (part, record, rev, body, subject, item, kind, state, display_from, display_until)
    select * from unnest(
           cast(:part as integer[]), cast(:record as uuid[]), cast(:rev as integer[]), cast(:body as uuid[]),
           cast(:subject as uuid[]), cast(:item as text[]), cast(:kind as text[]), cast(:state as text[]),
           cast(:display_from as date[]), cast(:display_until as date[]))
        on conflict (record, part) do update
       set rev = excluded.rev, body = excluded.body, item = excluded.item, kind = excluded.kind,
           state = excluded.state, display_from = excluded.display_from, display_until = excluded.display_until
     where known.rev < excluded.rev
    returning known.record
"""

_PURGE = """
    with gone as (select * from unnest(cast(:part as integer[]), cast(:record as uuid[])) as u(part, record)),
         public as (delete from query.public_record p using gone g where p.part = g.part and p.record = g.record)
    delete from query.record r using gone g where r.part = g.part and r.record = g.record
"""


async def purge(session: Session, gone: Sequence[tuple[int, UUID]]) -> None:
    """Delete these records (part, record) and their public forms."""
    part, record = zip(*gone, strict=True)
    await session.execute(_PURGE, {"part": part, "record": record})


def said_by(alias: str, *, part: str) -> str:
    """What the row of that alias says, as a table `said` with the column data.

    Where its part is a parameter, the other parts' tables are not even opened.
    """
    return f"cross join lateral {body_of('ingestion', part=part, event=f'{alias}.body')} said"


VISIBLE = f"""
    select row(record.record, record.item, record.kind, said.data) as kept
      from query.record {said_by("record", part=":part")}
     where record.part = :part and record.subject = :subject and {stored_sql("record")}
       and (cast(:items as text[]) is null or record.item = any(:items))
     order by record.display_from desc, record.record
"""
"""What is visible of `:subject` on `:as_of` as it was stored: of `:items`, or of all (null); newest period first."""


class UnreadableRecord(NamedTuple):
    """A record that is visible as it was stored, and that cannot be read."""

    record: UUID
    item: str
    kind: SubjectKind


class ShownRecords(NamedTuple):
    """What is visible of somebody, and what is so as far as can be told, for it cannot be read."""

    events: list[RecordChanged]
    unreadable: list[UnreadableRecord]


def shown(kept: Iterable[Sequence[Any]], law: Law) -> ShownRecords:
    """What of these (record, item, kind, body) is visible under the law."""
    reader, found = BodyReader(RecordChanged.model_validate_json, of="query"), ShownRecords([], [])
    for record, item, kind, data in kept:
        event = reader.read(record, data)
        if event is None:
            found.unreadable.append(UnreadableRecord(UUID(bytes=record.bytes), item, kind))
        elif law.shows(event):
            found.events.append(event)
    return found
