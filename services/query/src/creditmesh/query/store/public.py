"""The public read model: masked forms only, found by item, by an organisation's name or by its code."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Integer, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from creditmesh.chassis.database.copy import copy
from creditmesh.query.tables import public_record
from creditmesh.schemas.queries import PublicRecord
from creditmesh.schemas.rules.visibility import visible_sql

_TYPES = {column.name: column.type for column in public_record.columns}
_COLUMNS = tuple(_TYPES)
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A public form to be stored; `fresh`: there is no row of this record yet."""

    part: int
    rev: int
    form: PublicRecord
    name: str | None
    code: str | None
    fresh: bool


async def write(connection: AsyncConnection, published: Sequence[Published]) -> None:
    """Bring the public read model to these forms: new ones by COPY, others where their `rev` is greater."""
    if fresh := [_row(each) for each in published if each.fresh]:
        await copy(connection, "query.public_record", _COLUMNS, fresh)
    if later := [_row(each) for each in published if not each.fresh]:
        columns = zip(_COLUMNS, map(list, zip(*later, strict=True)), strict=True)
        await connection.execute(_UPSERT, dict(columns))


def _row(published: Published) -> tuple[object, ...]:
    form = published.form
    return (
        published.part,
        form.record,
        published.rev,
        form.item,
        form.kind,
        "published",
        form.display_from,
        form.display_until,
        published.name,
        published.code,
        form.model_dump_json().encode(),
    )


_UPSERT = text("""
    insert into query.public_record as known
           (part, record, rev, item, kind, state, display_from, display_until, name, code, data)
    select * from unnest(:part, :record, :rev, :item, :kind, :state, :display_from, :display_until,
                         :name, :code, :data)
        on conflict (record, part) do update
       set rev = excluded.rev, item = excluded.item, kind = excluded.kind, state = excluded.state,
           display_from = excluded.display_from, display_until = excluded.display_until,
           name = excluded.name, code = excluded.code, data = excluded.data
     where known.rev < excluded.rev
""").bindparams(*(bindparam(name, type_=ARRAY(type_)) for name, type_ in _TYPES.items()))

_DROP = text("""
    delete from query.public_record p using unnest(:part, :record, :rev) as n(part, record, rev)
     where p.part = n.part and p.record = n.record and p.rev < n.rev
""").bindparams(
    bindparam("part", type_=ARRAY(Integer)),
    bindparam("record", type_=ARRAY(Uuid)),
    bindparam("rev", type_=ARRAY(Integer)),
)


async def drop(connection: AsyncConnection, ended: Sequence[tuple[int, UUID, int]]) -> None:
    """Remove the public forms of records (part, record, rev) that have none any more: repaired, withdrawn."""
    if ended:
        part, record, rev = zip(*ended, strict=True)
        await connection.execute(_DROP, {"part": list(part), "record": list(record), "rev": list(rev)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What may be shown on a day: the withdrawn items, and the items with the kinds the catalogue opens to all."""

    as_of: date
    withdrawn: Collection[str]
    open: Collection[tuple[str, str]]


_OPEN = text(
    "(public_record.item, public_record.kind) in"
    " (select * from unnest(cast(:open_items as text[]), cast(:open_kinds as text[])))"
).bindparams(bindparam("open_items", type_=ARRAY(Text)), bindparam("open_kinds", type_=ARRAY(Text)))


async def of_item(
    connection: AsyncConnection, item: str, *, shown: Shown, before: UUID | None, limit: int
) -> list[PublicRecord]:
    """Public records of an item, newest first, before the record `before`."""
    return await _page(connection, public_record.c.item == item, shown=shown, before=before, limit=limit)


async def named(
    connection: AsyncConnection, name: str, *, shown: Shown, before: UUID | None, limit: int
) -> list[PublicRecord]:
    """Public records of whoever's folded name begins so."""
    begins = public_record.c.name.between(name, name + _LAST)
    return await _page(connection, begins, shown=shown, before=before, limit=limit)


async def coded(
    connection: AsyncConnection, code: str, *, shown: Shown, before: UUID | None, limit: int
) -> list[PublicRecord]:
    """Public records of the organisation with that code."""
    return await _page(connection, public_record.c.code == code, shown=shown, before=before, limit=limit)


async def _page(
    connection: AsyncConnection, wanted: ColumnElement[bool], *, shown: Shown, before: UUID | None, limit: int
) -> list[PublicRecord]:
    statement = (
        select(public_record.c.data)
        .where(wanted, text(visible_sql("public_record")), _OPEN)
        .order_by(public_record.c.record.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(public_record.c.record < before)
    given = {
        "as_of": shown.as_of,
        "withdrawn": list(shown.withdrawn),
        "open_items": [item for item, _ in shown.open],
        "open_kinds": [kind for _, kind in shown.open],
    }
    return [PublicRecord.model_validate_json(data) for data in await connection.scalars(statement, given)]
