"""What repair knows of records: the newest revision of each, as far as cases go."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.fetch import fetch
from creditmesh.repair.filing import Record
from creditmesh.repair.tables import record

_COLUMNS = tuple(field.name for field in fields(Record))
_CHANGING = [name for name in _COLUMNS if name not in {"part", "record", "corrected", "subject"}]
# A correction is remembered from whichever revision told it, the newest everything else.
_UPSERT = text(f"""
    insert into repair.record as known ({", ".join(_COLUMNS)})
    select * from unnest({", ".join(f":{name}" for name in _COLUMNS)})
        on conflict (record, part) do update
       set corrected = greatest(known.corrected, excluded.corrected),
           {", ".join(f"{name} = excluded.{name}" for name in _CHANGING)}
     where known.rev < excluded.rev
""").bindparams(*(bindparam(column.name, type_=ARRAY(column.type)) for column in record.columns))
# An id alone says nothing of its part: one probe of the primary key in each.
_BY_ID = text("""
    select r.* from generate_series(0, cast(:parts as integer) - 1) as p(part)
     cross join lateral (
        select i.* from repair.record i where i.part = p.part and i.record = :record offset 0) r
""").bindparams(bindparam("record", type_=Uuid))


async def write(connection: AsyncConnection, records: Sequence[Record]) -> None:
    """Bring these records to their revisions, where those are newer than what is known; each record once."""
    if records:
        values = {name: [getattr(each, name) for each in records] for name in _COLUMNS}
        await fetch(connection, _UPSERT, values)


async def record_of(connection: AsyncConnection, record_id: UUID, *, parts: int) -> Record | None:
    """The newest revision of a record, whoever it is about."""
    row = (await connection.execute(_BY_ID, {"record": record_id, "parts": parts})).mappings().one_or_none()
    return None if row is None else _record(row)


def _record(row: RowMapping) -> Record:
    values: dict[str, Any] = {name: _plain(row[name]) for name in _COLUMNS}
    return Record(**values)


def _plain(value: object) -> object:
    # The driver's own class is a UUID to everybody but the JSON writer.
    return UUID(bytes=value.bytes) if isinstance(value, UUID) else value
