"""Who stands where: one row a record and subject, read through the one visibility predicate.

What the record says stands with ingestion, who wrote it, in the part `home`, and is read there.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

from creditmesh.chassis.bulk import in_slices
from creditmesh.chassis.bus.queue import insertions
from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.session import Session
from creditmesh.matching.store.judging import SAID, SLICE, Judged, SaidReader, judged
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.rules.visibility import Law, open_sql, opened, stored_sql
from creditmesh.schemas.screenings import Role

_TYPES = {
    "part": "integer",
    "record": "uuid",
    "subject": "uuid",
    "rev": "integer",
    "role": "text",
    "handle": "text",
    "kind": "text",
    "item": "text",
    "list": "text",
    "nature": "text",
    "origin": "text",
    "state": "text",
    "mark": "text",
    "decided_on": "date",
    "display_from": "date",
    "display_until": "date",
    "since": "date",
    "at": "timestamptz",
    "home": "integer",
    "body": "uuid",
    "responsible": "uuid[]",
}
_COLUMNS = tuple(_TYPES)
_KEY = ("part", "record", "subject")
Key = tuple[int, UUID, UUID]
"""Part, record and subject of a row."""


# Not frozen: one is made for every event, and freezing doubles what that costs.
@dataclass(slots=True, kw_only=True)
class DesignationRow:
    """One row, as the table has it."""

    part: int
    record: UUID
    subject: UUID
    rev: int
    role: Role
    handle: str
    kind: SubjectKind
    item: str
    list: str | None
    nature: str
    origin: str
    state: str
    mark: Literal["disputed"] | None
    decided_on: date
    display_from: date
    display_until: date | None
    since: date
    at: datetime
    home: int
    body: UUID
    responsible: Sequence[UUID]
    """Of the listed: who else has a place by the record."""

    @property
    def key(self) -> Key:
        """What finds the row."""
        return self.part, self.record, self.subject


class OnList(NamedTuple):
    """What a list shows of somebody who is on it, and what their record says."""

    record: UUID
    subject: UUID
    kind: SubjectKind
    item: str
    list: str
    origin: str
    mark: Literal["disputed"] | None
    display_from: date
    display_until: date | None
    event: RecordChanged


class Held(NamedTuple):
    """What an answer tells of somebody's place, as it was read."""

    part: int
    record: UUID
    subject: UUID
    rev: int
    role: Role
    kind: SubjectKind
    item: str
    list: str | None
    nature: str
    origin: str
    mark: Literal["disputed"] | None
    decided_on: date
    display_from: date
    display_until: date | None


async def add(session: Session, rows: Sequence[DesignationRow]) -> None:
    """Add the rows of records that have none yet."""
    await session.copy("matching.standing", _COLUMNS, [_values(row) for row in rows])


def _arrays(names: Iterable[str]) -> str:
    return ", ".join(f"cast(:{name} as {_TYPES[name]}[])" for name in names)


# A row that stood goes on standing since its day; one whose record had ended stands anew. Its columns are in the order
# of the table, whose row type is what the statement is given an array of.
_UPSERT = f"""
    insert into matching.standing as known ({", ".join(_COLUMNS)})
    select {", ".join(_COLUMNS)} from unnest(cast(:rows as matching.standing[]))
        on conflict (record, subject, part) do update
       set {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in {*_KEY, "since"})},
           since = case when known.state = 'published' then known.since else excluded.since end
     where known.rev < excluded.rev
"""


async def put(session: Session, rows: Sequence[DesignationRow]) -> None:
    """Bring rows to what they are by a newer revision; an older one changes nothing."""
    if rows:
        await session.execute(_UPSERT, {"rows": list(map(_values, rows))})


_KNOWN = f"""
    select {", ".join(f"s.{name}" for name in _COLUMNS)}
      from matching.standing s join unnest({_arrays(_KEY)}) as n(part, record, subject)
        on s.part = n.part and s.record = n.record and s.subject = n.subject
"""
_DROP = f"""
    delete from matching.standing s using unnest({_arrays((*_KEY, "rev"))}) as n(part, record, subject, rev)
     where s.part = n.part and s.record = n.record and s.subject = n.subject and s.rev < n.rev
"""


async def known(session: Session, keys: Collection[Key]) -> list[DesignationRow]:
    """The rows of these keys that there are."""
    if not keys:
        return []
    part, record, subject = zip(*keys, strict=True)
    rows = await session.fetch(_KNOWN, {"part": part, "record": record, "subject": subject})
    return [DesignationRow(**row) for row in rows]


async def drop(session: Session, gone: Mapping[Key, int]) -> None:
    """Remove the rows that stand no more by these revisions."""
    if gone:
        part, record, subject = zip(*gone, strict=True)
        given = {"part": part, "record": record, "subject": subject, "rev": list(gone.values())}
        await session.execute(_DROP, given)


_DISCHARGED = f"""
    select d.part, d.record, d.subject
      from matching.discharged d join unnest({_arrays(_KEY)}) as n(part, record, subject)
        on d.part = n.part and d.record = n.record and d.subject = n.subject
"""
_PURGE = f"select matching.purge({_arrays(_KEY)})"
_DISCHARGE = f"""
    insert into matching.discharged (part, record, subject)
    select * from unnest({_arrays(_KEY)}) on conflict do nothing
"""


async def discharged(session: Session, keys: Collection[Key]) -> set[Key]:
    """Those of these places that concern their subjects no more."""
    if not keys:
        return set()
    part, record, subject = map(list, zip(*keys, strict=True))
    rows = await session.fetch(_DISCHARGED, {"part": part, "record": record, "subject": subject})
    return {(row.part, row.record, row.subject) for row in rows}


async def discharge(session: Session, keys: Collection[Key]) -> None:
    """These places concern their subjects no more, for good."""
    if keys:
        part, record, subject = map(list, zip(*keys, strict=True))
        await session.execute(_DISCHARGE, {"part": part, "record": record, "subject": subject})


async def purge(session: Session, gone: Collection[Key]) -> None:
    """Delete these places, with the answers to their tasks but of measures that were applied and not lifted since.

    A discharge stays: the record may come again, and concerns whom it was ended for no more.
    """
    part, record, subject = map(list, zip(*gone, strict=True))
    await session.execute(_PURGE, {"part": part, "record": record, "subject": subject})


_VISIBLE_OF = f"""
    select {", ".join(f"s.{name}" for name in Held._fields)},
           case when s.item = any(cast(:judged as text[])) then {SAID} end as data
      from matching.standing s join unnest({_arrays(("part", "subject"))}) as n(part, subject)
        on s.part = n.part and s.subject = n.subject
     where {stored_sql("s")} and s.item = any(:items)
     order by s.display_from desc, s.record
"""
Visible = tuple[list[Held], dict[UUID, list[UUID]]]
"""Where some visibly stand, and by subject the records that cannot be read: whether these count is not known."""


async def visible_of(session: Session, subjects: Mapping[UUID, int], *, items: Collection[str], law: Law) -> Visible:
    """Where these subjects (with their parts) visibly stand by records of these items, all in one statement.

    What they say is read where the rules of their item have changed, and each row's end is what it is under the law.
    """
    given = {"part": list(subjects.values()), "subject": list(subjects), "items": list(items), "judged": [*law.items]}
    found, unreadable, reader = list[Held](), dict[UUID, list[UUID]](), SaidReader()
    async for some in in_slices(await session.fetch(_VISIBLE_OF, given | {**law.binds}), SLICE):
        for *held, data in some:
            row = Held(*held)
            if row.item in law.items:
                event = reader.read(row.record, data)
                if event is None and data is not None:
                    unreadable.setdefault(row.subject, []).append(UUID(bytes=row.record.bytes))
                if event is None or not law.shows(event):
                    continue
                row = row._replace(display_until=law.until(event))
            found.append(row)
    return found, unreadable


RELEASE = f"""
    with held as (
        select s.record from matching.standing s
          join unnest({_arrays((*_KEY, "rev"))}) as n(part, record, subject, rev)
            on s.part = n.part and s.record = n.record and s.subject = n.subject and s.rev = n.rev
           for share of s skip locked
    ), decided as (
        select count(*) = cardinality(cast(:rev as integer[])) as unchanged from held
    ), {insertions(None, on="(select unchanged from decided)")}
    select unchanged from decided
"""
"""Writes what was gathered if none of the rows told of has a newer revision, or one under way (`Context.write`).

Rows that the reader is just changing are skipped rather than waited for, so that the two never wait for each other.
"""


def released(rows: Collection[Held]) -> dict[str, object]:
    """The values of `RELEASE` for an answer from these rows."""
    return {name: [getattr(row, name) for row in rows] for name in (*_KEY, "rev")}


_ON_LIST = f"""
    select {", ".join(f"s.{name}" for name in OnList._fields[:-1])}, {SAID} as data from matching.standing s
     where s.list = :list and s.record > :after and s.role = 'listed' and {stored_sql("s")} and {open_sql("s")}
     order by s.record limit :limit
"""


async def on_list(
    session: Session,
    code: str,
    *,
    shown: Collection[tuple[str, str]],
    law: Law,
    after: UUID | None,
    limit: int,
) -> Judged[OnList, UUID]:
    """Who is visibly on a list by records of these items and kinds, in the order of these, after the record `after`."""
    given = {"list": code, "opened": opened(shown), **law.binds}

    async def read(after: UUID, limit: int) -> Sequence[Row]:
        return await session.fetch(_ON_LIST, given | {"after": after, "limit": limit})

    def judge(row: Row, reader: SaidReader) -> OnList | None:
        *columns, data = row
        event = reader.read(row.record, data)
        if event is None or not law.shows(event):
            return None
        return OnList._make((*columns, event))._replace(display_until=law.until(event))

    return await judged(read, judge=judge, place=lambda row: row.record, after=after or UUID(int=0), most=limit)


def _values(row: DesignationRow) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in _COLUMNS)
