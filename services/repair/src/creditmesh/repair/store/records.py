"""What repair knows of this node's own records: the newest revision of each, as far as cases go."""

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from uuid import UUID

import orjson

from creditmesh.chassis.bus.stream import body_of
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.packing import unpack
from creditmesh.repair.filing import Record
from creditmesh.schemas.events import RecordChanged

_COLUMNS = tuple(field.name for field in fields(Record))
"""In the order of the table, whose row type is what a statement is given an array of."""
_BEFORE_FIELDS = attrgetter(*_COLUMNS[: _COLUMNS.index("fields")])
# A correction is remembered from whichever revision told it, the newest everything else.
_UPSERT = f"""
    insert into repair.record as known ({", ".join(_COLUMNS)})
    select {", ".join(_COLUMNS)} from unnest(cast(:rows as repair.record[]))
        on conflict (record, part) do update
       set corrected = greatest(known.corrected, excluded.corrected), rev = excluded.rev, kind = excluded.kind,
           item = excluded.item, item_version = excluded.item_version, severity = excluded.severity,
           state = excluded.state, mark = excluded.mark, decided_on = excluded.decided_on,
           display_from = excluded.display_from, display_until = excluded.display_until, party = excluded.party,
            change = excluded.change, case_id = excluded.case_id, named = excluded.named, fields = excluded.fields,
            false_material = excluded.false_material,
           discharged = known.discharged || excluded.discharged
     where known.rev < excluded.rev
"""
# An id alone says nothing of its part: one probe of the primary key in each.
_BY_ID = f"""
    select {", ".join(f"r.{name}" for name in _COLUMNS)}
      from generate_series(0, cast(:parts as integer) - 1) as p(part)
     cross join lateral (
        select i.* from repair.record i where i.part = p.part and i.record = :record offset 0) r
"""
# The first event that a node tells of a record has the record's id.
_COPY = f"""
    select said.data from generate_series(0, cast(:parts as integer) - 1) as p(part)
     cross join lateral {body_of("ingestion", part="p.part", event="cast(:record as uuid)")} said
"""


async def write(session: Session, records: Sequence[Record]) -> None:
    """Bring these records to their revisions, where those are newer than what is known; each record once."""
    if records:
        rows = [(*_BEFORE_FIELDS(each), orjson.dumps(each.fields).decode(), each.false_material) for each in records]
        await session.execute(_UPSERT, {"rows": rows})


async def record_of(session: Session, record_id: UUID, *, parts: int) -> Record | None:
    """The newest revision of a record, whoever it is about."""
    row = await session.row(_BY_ID, {"record": record_id, "parts": parts})
    return None if row is None else Record(**{**row, "fields": orjson.loads(row.fields)})


async def copy_of(session: Session, record_id: UUID, *, parts: int) -> RecordChanged | None:
    """The first of what ingestion has told of a record that repair knows nothing of, as it does of no copy."""
    row = await session.row(_COPY, {"record": record_id, "parts": parts})
    return None if row is None else RecordChanged.model_validate_json(unpack(row.data))


_GONE = "unnest(cast(:part as integer[]), cast(:record as uuid[])) as g(part, record)"
_FORGET = f"""
    with blanked as (
        update repair.record r set fields = '{{}}' from {_GONE}
         where r.part = g.part and r.record = g.record
           and exists (select from repair.case c where c.record = r.record and c.part = r.part))
    delete from repair.record r using {_GONE}
     where r.part = g.part and r.record = g.record
       and not exists (select from repair.case c where c.record = r.record and c.part = r.part)
"""


_END = f"""
    update repair.record r set state = 'deleted'
      from unnest(cast(:part as integer[]), cast(:record as uuid[])) as g(part, record)
     where r.part = g.part and r.record = g.record
    returning {", ".join(f"r.{name}" for name in _COLUMNS)}
"""


async def forget(session: Session, gone: Sequence[tuple[int, UUID]]) -> None:
    """Delete these records (part, record); where there was a case, what the record said."""
    part, record = zip(*gone, strict=True)
    await session.execute(_FORGET, {"part": part, "record": record})


async def end(session: Session, gone: Sequence[tuple[int, UUID]]) -> list[Record]:
    """Those of these records that are known are deleted; as they stand now."""
    part, record = zip(*gone, strict=True)
    return [Record(**row) for row in await session.fetch(_END, {"part": part, "record": record})]
