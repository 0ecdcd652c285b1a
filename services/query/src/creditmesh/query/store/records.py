"""The read model: the newest revision of each record, read through the one visibility predicate."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Date, Integer, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.copy import copy
from creditmesh.query.tables import record
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.rules.visibility import visible_sql

_TYPES = {column.name: column.type for column in record.columns}
_COLUMNS = tuple(_TYPES)


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest revision of one record in a batch; `fresh`: the batch also has its first, so there is no row yet."""

    part: int
    event: RecordChanged
    data: bytes
    fresh: bool


async def write(connection: AsyncConnection, newest: Sequence[Newest]) -> list[Newest]:
    """Bring the read model to these revisions: new records by COPY, others where their `rev` is greater.

    Returns those that stand now; an older revision that came again is not among them.
    """
    if fresh := [_row(each) for each in newest if each.fresh]:
        await copy(connection, "query.record", _COLUMNS, fresh)
    later = [_row(each) for each in newest if not each.fresh]
    if not later:
        return list(newest)
    columns = zip(_COLUMNS, map(list, zip(*later, strict=True)), strict=True)
    written = set(await connection.scalars(_UPSERT, dict(columns)))
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
_UPSERT = (
    text("""
    insert into query.record as known
           (part, record, rev, revision, subject, item, kind, state, display_from, display_until, data)
    select * from unnest(:part, :record, :rev, :revision, :subject, :item, :kind, :state,
                         :display_from, :display_until, :data)
        on conflict (record, part) do update
       set rev = excluded.rev, revision = excluded.revision, item = excluded.item, kind = excluded.kind,
           state = excluded.state, display_from = excluded.display_from, display_until = excluded.display_until,
           data = excluded.data
     where known.rev < excluded.rev
    returning known.record
""")
    .bindparams(*(bindparam(name, type_=ARRAY(type_)) for name, type_ in _TYPES.items()))
    .columns(record=Uuid)
)


async def visible_of(
    connection: AsyncConnection,
    *,
    part: int,
    subject: UUID,
    items: Collection[str] | None,
    as_of: date,
    withdrawn: Collection[str],
) -> list[RecordChanged]:
    """What is visible of a subject on the legal date: of these items, or of all (None); newest period first."""
    wanted = record.c.part == part, record.c.subject == subject, text(visible_sql("record"))
    statement = select(record.c.data).where(*wanted).order_by(record.c.display_from.desc(), record.c.record)
    if items is not None:
        statement = statement.where(record.c.item.in_(items))
    found = await connection.scalars(statement, {"as_of": as_of, "withdrawn": list(withdrawn)})
    return [RecordChanged.model_validate_json(data) for data in found]


_HELD = """
    held as (
        select r.record from query.record r
          join unnest(cast(:records as uuid[]), cast(:revs as integer[])) as n(record, rev)
            on r.record = n.record and r.rev = n.rev
         where r.part = :part
           for share of r skip locked
    )
"""
_UNCHANGED = text(f"with {_HELD} select count(*) = cardinality(cast(:records as uuid[])) from held").bindparams(
    bindparam("records", type_=ARRAY(Uuid)), bindparam("revs", type_=ARRAY(Integer)), bindparam("part", type_=Integer)
)


async def unchanged(connection: AsyncConnection, *, part: int, records: Sequence[RecordChanged]) -> bool:
    """Whether none of these has a newer revision, or one under way; they stay so until this transaction ends.

    Rows that the reader is just changing are skipped rather than waited for, so that the two never wait for each other.
    """
    if not records:
        return True
    given = {"part": part, "records": [each.record for each in records], "revs": [each.rev for each in records]}
    return bool(await connection.scalar(_UNCHANGED, given))


_USE = text(f"""
    with {_HELD},
    used as (
        update query.authorisation a set uses = a.uses + :count
         where a.part = :part and a.id = :authorisation and a.subject = :subject and a.bureau = :bureau
           and a.revoked_at is null and a.valid_from <= :as_of and :as_of < a.valid_until
           and a.uses + :count <= a.max_uses
           and (select count(*) from held) = cardinality(cast(:records as uuid[]))
        returning a.id
    )
    select (select count(*) from held) = cardinality(cast(:records as uuid[])) as unchanged,
           exists (select from used) as counted
""").bindparams(
    bindparam("records", type_=ARRAY(Uuid)),
    bindparam("revs", type_=ARRAY(Integer)),
    bindparam("part", type_=Integer),
    bindparam("count", type_=Integer),
    bindparam("authorisation", type_=Uuid),
    bindparam("subject", type_=Uuid),
    bindparam("bureau", type_=Text),
    bindparam("as_of", type_=Date),
)


@dataclass(frozen=True, slots=True)
class Used:
    """Whether what is about to be released still stands, and whether the authorisation held and was counted."""

    unchanged: bool
    counted: bool


async def use(
    connection: AsyncConnection,
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
    row = (
        await connection.execute(
            _USE,
            {
                "part": part,
                "subject": subject,
                "authorisation": authorisation,
                "bureau": bureau,
                "as_of": as_of,
                "count": count,
                "records": [each.record for each in records],
                "revs": [each.rev for each in records],
            },
        )
    ).one()
    return Used(unchanged=row.unchanged, counted=row.counted)
