"""The public read model: masked forms only, found by item, by an organisation's name or by its code."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import orjson

from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.packing import BodyReader
from creditmesh.schemas.queries import PublicRecord
from creditmesh.schemas.rules.personal_numbers import VERSION
from creditmesh.schemas.rules.visibility import Law, open_sql, opened, publishes_sql, visible_sql

_COLUMNS = (
    "part", "record", "rev", "item", "kind", "state", "display_from", "display_until", "name", "code", "data",
    "searched",
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
    """Bring the public read model to these forms: new ones by COPY, others where their `rev` is greater.

    Or their `searched`, of the same `rev`.
    """
    await session.copy("query.public_record", _COLUMNS, [row_of(each) for each in published if each.fresh])
    if later := [row_of(each) for each in published if not each.fresh]:
        columns = zip(_COLUMNS, zip(*later, strict=True), strict=True)
        await session.execute(_UPSERT, dict(columns))


def row_of(published: PublicForm) -> tuple[object, ...]:
    """The row of a form, as the table has it."""
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
        orjson.dumps(vars(form), default=str),  # the model's own writer takes five times as long
        VERSION,
    )


_UPSERT = """
    insert into query.public_record as known
           (part, record, rev, item, kind, state, display_from, display_until, name, code, data, searched)
    select * from unnest(
           cast(:part as integer[]), cast(:record as uuid[]), cast(:rev as integer[]), cast(:item as text[]),
           cast(:kind as text[]), cast(:state as text[]), cast(:display_from as date[]),
           cast(:display_until as date[]), cast(:name as text[]), cast(:code as text[]), cast(:data as bytea[]),
           cast(:searched as integer[]))
        on conflict (record, part) do update
       set rev = excluded.rev, item = excluded.item, kind = excluded.kind, state = excluded.state,
           display_from = excluded.display_from, display_until = excluded.display_until,
           name = excluded.name, code = excluded.code, data = excluded.data,
           searched = excluded.searched
     where (known.rev, known.searched) < (excluded.rev, excluded.searched)
"""
_UNSEARCHED = f"""
    select part, record, rev, data, name, code from query.public_record where searched < {VERSION} and record > :after
     order by record, part limit :most for update skip locked
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


async def hold_unsearched(session: Session, *, after: UUID, most: int) -> list[tuple[UUID, PublicForm | None]]:
    """Forms behind a record that were not searched by the rule of today, nobody else's until this transaction ends.

    Each with its record; None in place of one that cannot be read.
    """
    reader = form_reader()
    rows = await session.fetch(_UNSEARCHED, {"after": after, "most": most})
    read = [(row, reader.read(row.record, row.data)) for row in rows]
    return [
        (
            UUID(bytes=row.record.bytes),
            None
            if form is None
            else PublicForm(part=row.part, rev=row.rev, form=form, name=row.name, code=row.code, fresh=False),
        )
        for row, form in read
    ]


def form_reader() -> BodyReader[PublicRecord]:
    """What reads the forms of one answer, and leaves out those that cannot be read."""
    return BodyReader(PublicRecord.model_validate_json, of="query")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What may be shown on a day: by its law, the items with the kinds the catalogue opens to all."""

    law: Law
    open: Collection[tuple[str, str]]

    @property
    def given(self) -> dict[str, object]:
        """As the parameters of the predicates."""
        return {**self.law.binds, "opened": opened(self.open)}


_SHOWN = f"{visible_sql('p')} and {publishes_sql('p')} and {open_sql('p')}"
_NIL = UUID(int=0)
_MAX = UUID(int=2**128 - 1)


def _newest(wanted: str) -> str:
    return f"""
        select record, data, searched from query.public_record p
         where {wanted} and record < :before and {_SHOWN}
         order by record desc limit :limit
    """


_OF_ITEM = _newest("item = :item")
_CODED = _newest("code in (:code, :inner)")
_NAMED = f"""
    select name, record, data, searched from query.public_record p
     where (name, record) > (:name, cast(:record as uuid)) and name <= :last and {_SHOWN}
     order by name, record limit :limit
"""


class StoredForm(NamedTuple):
    """A public form as it is kept, and whether it was searched for persons' numbers by the rule of today when made."""

    record: UUID
    kept: bytes
    searched: bool
    name: str = ""
    """Of a search by name: the folded name by which it was found."""


async def of_item(session: Session, item: str, *, shown: Shown, before: UUID | None, limit: int) -> list[StoredForm]:
    """Public records of an item, newest first, before the record `before`."""
    values = {"item": item, "before": before or _MAX, "limit": limit}
    return [_form(row) for row in await session.fetch(_OF_ITEM, values | shown.given)]


async def coded(session: Session, code: str, *, shown: Shown, before: UUID | None, limit: int) -> list[StoredForm]:
    """Public records of the organisation with that code, or the organisation code in it, newest first."""
    values = {"code": code, "inner": code[8:17], "before": before or _MAX, "limit": limit}
    return [_form(row) for row in await session.fetch(_CODED, values | shown.given)]


async def named(
    session: Session, name: str, *, shown: Shown, after: tuple[str, UUID] | None, limit: int
) -> list[StoredForm]:
    """Public records of whoever's folded name begins so, by name and record, after the place `after`."""
    first, record = after or (name, _NIL)
    values = {"name": first, "record": record, "last": name + _LAST, "limit": limit}
    found = await session.fetch(_NAMED, values | shown.given)
    return [_form(row)._replace(name=row.name) for row in found]


def _form(row: Row) -> StoredForm:
    return StoredForm(UUID(bytes=row.record.bytes), row.data, row.searched >= VERSION)
