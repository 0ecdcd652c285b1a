"""The read model: the newest revision of each record, read through the one visibility predicate."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.rules.visibility import visible_sql

_COLUMNS = (
    "part", "record", "rev", "revision", "subject", "item", "kind", "state", "display_from", "display_until", "data",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest revision of one record in a batch; `fresh`: the batch also has its first, so there is no row yet."""

    part: int
    event: RecordChanged
    data: bytes
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
        event.revision,
        event.subject,
        event.item,
        event.kind,
        event.state,
        event.display_from,
        event.display_until,
        newest.data,
    )


# A record whose first revision never came (it was dropped from the dead letters) is inserted by a later one: the newest
# revision says everything.
_UPSERT = """
    insert into query.record as known
           (part, record, rev, revision, subject, item, kind, state, display_from, display_until, data)
    select * from unnest(
           cast(:part as integer[]), cast(:record as uuid[]), cast(:rev as integer[]), cast(:revision as uuid[]),
           cast(:subject as uuid[]), cast(:item as text[]), cast(:kind as text[]), cast(:state as text[]),
           cast(:display_from as date[]), cast(:display_until as date[]), cast(:data as bytea[]))
        on conflict (record, part) do update
       set rev = excluded.rev, revision = excluded.revision, item = excluded.item, kind = excluded.kind,
           state = excluded.state, display_from = excluded.display_from, display_until = excluded.display_until,
           data = excluded.data
     where known.rev < excluded.rev
    returning known.record
"""

_VISIBLE = f"""
    select record.data from query.record
     where record.part = :part and record.subject = :subject and {visible_sql("record")}
       and (cast(:items as text[]) is null or record.item = any(:items))
     order by record.display_from desc, record.record
"""


async def visible_of(
    session: Session,
    *,
    part: int,
    subject: UUID,
    items: Collection[str] | None,
    as_of: date,
    withdrawn: Collection[str],
) -> list[RecordChanged]:
    """What is visible of a subject on the legal date: of these items, or of all (None); newest period first."""
    values = {
        "part": part,
        "subject": subject,
        "items": None if items is None else list(items),
        "as_of": as_of,
        "withdrawn": list(withdrawn),
    }
    return [RecordChanged.model_validate_json(row.data) for row in await session.fetch(_VISIBLE, values)]


_HELD = """
    held as (
        select r.record from query.record r
          join unnest(cast(:records as uuid[]), cast(:revs as integer[])) as n(record, rev)
            on r.record = n.record and r.rev = n.rev
         where r.part = :part
           for share of r skip locked
    )
"""
_UNCHANGED = f"with {_HELD} select count(*) = cardinality(cast(:records as uuid[])) from held"


async def unchanged(session: Session, *, part: int, records: Sequence[RecordChanged]) -> bool:
    """Whether none of these has a newer revision, or one under way; they stay so until this transaction ends.

    Rows that the reader is just changing are skipped rather than waited for, so that the two never wait for each other.
    """
    if not records:
        return True
    values = {"part": part, "records": [each.record for each in records], "revs": [each.rev for each in records]}
    return bool(await session.value(_UNCHANGED, values))


_USE = f"""
    with {_HELD},
    used as (
        update query.authorisation a set uses = a.uses + cast(:count as integer)
         where a.part = :part and a.id = :authorisation and a.subject = :subject and a.bureau = :bureau
           and a.revoked_at is null and a.valid_from <= :as_of and :as_of < a.valid_until
           and a.uses + cast(:count as integer) <= a.max_uses
           and (select count(*) from held) = cardinality(cast(:records as uuid[]))
        returning a.id
    )
    select (select count(*) from held) = cardinality(cast(:records as uuid[])) as unchanged,
           exists (select from used) as counted
"""


@dataclass(frozen=True, slots=True)
class Used:
    """Whether what is about to be released still stands, and whether the authorisation held and was counted."""

    unchanged: bool
    counted: bool


async def use(
    session: Session,
    *,
    part: int,
    subject: UUID,
    authorisation: UUID,
    bureau: str,
    as_of: date,
    count: int,
    records: Sequence[RecordChanged],
) -> Used:
    """Count a use of the authorisation, in the one statement that also checks that it holds and nothing has changed.

    `count` is 0 for a repeated request, which uses up nothing but needs an authorisation that still holds.
    """
    values = {
        "part": part,
        "subject": subject,
        "authorisation": authorisation,
        "bureau": bureau,
        "as_of": as_of,
        "count": count,
        "records": [each.record for each in records],
        "revs": [each.rev for each in records],
    }
    [(unchanged, counted)] = await session.fetch(_USE, values)
    return Used(unchanged=unchanged, counted=counted)
