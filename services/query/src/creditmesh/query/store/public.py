"""The public read model: masked forms only, found by item, by an organisation's name or by its code."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.queries import PublicRecord
from creditmesh.schemas.rules.visibility import Law, publishes_sql, visible_sql

_COLUMNS = (
    "part", "record", "rev", "item", "kind", "state", "display_from", "display_until", "name", "code", "data",
)  # fmt: skip
_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicForm:
    """A public form to be stored; `fresh`: there is no row of this record yet."""

    part: int
    rev: int
    form: PublicRecord
    name: str | None
    code: str | None
    fresh: bool


async def write(session: Session, published: Sequence[PublicForm]) -> None:
    """Bring the public read model to these forms: new ones by COPY, others where their `rev` is greater."""
    await session.copy("query.public_record", _COLUMNS, [_row(each) for each in published if each.fresh])
    if later := [_row(each) for each in published if not each.fresh]:
        columns = zip(_COLUMNS, zip(*later, strict=True), strict=True)
        await session.execute(_UPSERT, dict(columns))


def _row(published: PublicForm) -> tuple[object, ...]:
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


_UPSERT = """
    insert into query.public_record as known
           (part, record, rev, item, kind, state, display_from, display_until, name, code, data)
    select * from unnest(
           cast(:part as integer[]), cast(:record as uuid[]), cast(:rev as integer[]), cast(:item as text[]),
           cast(:kind as text[]), cast(:state as text[]), cast(:display_from as date[]),
           cast(:display_until as date[]), cast(:name as text[]), cast(:code as text[]), cast(:data as bytea[]))
        on conflict (record, part) do update
       set rev = excluded.rev, item = excluded.item, kind = excluded.kind, state = excluded.state,
           display_from = excluded.display_from, display_until = excluded.display_until,
           name = excluded.name, code = excluded.code, data = excluded.data
     where known.rev < excluded.rev
"""
_DROP = """
    delete from query.public_record p
     using unnest(cast(:part as integer[]), cast(:record as uuid[]), cast(:rev as integer[])) as n(part, record, rev)
     where p.part = n.part and p.record = n.record and p.rev < n.rev
"""


async def drop(session: Session, ended: Sequence[tuple[int, UUID, int]]) -> None:
    """Remove the public forms of records (part, record, rev) that have none any more: repaired, withdrawn."""
    if ended:
        part, record, rev = zip(*ended, strict=True)
        await session.execute(_DROP, {"part": part, "record": record, "rev": rev})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What may be shown on a day: by its law, the items with the kinds the catalogue opens to all."""

    law: Law
    open: Collection[tuple[str, str]]


def _page_of(wanted: str) -> str:
    return f"""
        select data from query.public_record
         where {wanted} and {visible_sql("public_record")}
           and {publishes_sql("public_record")}
           and (item, kind) in
               (select * from unnest(cast(:open_items as text[]), cast(:open_kinds as text[])))
           and record < coalesce(cast(:before as uuid), 'ffffffff-ffff-ffff-ffff-ffffffffffff')
         order by record desc limit :limit
    """


_OF_ITEM = _page_of("item = :item")
_NAMED = _page_of("name between :first and :last")
_CODED = _page_of("code in (:code, :inner)")


async def of_item(session: Session, item: str, *, shown: Shown, before: UUID | None, limit: int) -> list[PublicRecord]:
    """Public records of an item, newest first, before the record `before`."""
    return await _page(session, _OF_ITEM, {"item": item}, shown=shown, before=before, limit=limit)


async def named(session: Session, name: str, *, shown: Shown, before: UUID | None, limit: int) -> list[PublicRecord]:
    """Public records of whoever's folded name begins so."""
    begins = {"first": name, "last": name + _LAST}
    return await _page(session, _NAMED, begins, shown=shown, before=before, limit=limit)


async def coded(session: Session, code: str, *, shown: Shown, before: UUID | None, limit: int) -> list[PublicRecord]:
    """Public records of the organisation with that code, or with the organisation code within it."""
    return await _page(session, _CODED, {"code": code, "inner": code[8:17]}, shown=shown, before=before, limit=limit)


async def _page(
    session: Session,
    statement: str,
    wanted: Mapping[str, str],
    *,
    shown: Shown,
    before: UUID | None,
    limit: int,
) -> list[PublicRecord]:
    values = {
        **wanted,
        **shown.law.binds,
        "open_items": [item for item, _ in shown.open],
        "open_kinds": [kind for _, kind in shown.open],
        "before": before,
        "limit": limit,
    }
    return [PublicRecord.model_validate_json(row.data) for row in await session.fetch(statement, values)]
