"""Revisions: what a record's history is, and the COPY that adds to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Integer, LargeBinary, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.copy import copy
from creditmesh.chassis.database.fetch import fetch
from creditmesh.ingestion.verdicts import Known
from creditmesh.schemas.events.record import RecordState

COLUMNS = (
    "at", "legal_date", "part", "rev", "item_version", "id", "record", "subject", "submission", "natural_key",
    "fingerprint", "mac_key", "mac_alg", "item", "party", "origin", "lane", "state", "mark", "traceparent", "data",
)  # fmt: skip
"""The columns of a revision in the order of a row to be written."""

Place = tuple[int, UUID, bytes]
"""Where a record's revisions are: part, subject, natural key."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One revision as it stands; its fields are in the order of the columns of `_STORED`."""

    id: UUID
    place: Place
    record: UUID
    rev: int
    fingerprint: bytes
    item: str
    party: str
    origin: str
    state: RecordState
    mark: Literal["disputed"] | None
    at: datetime
    legal_date: date
    data: bytes
    """The event: everything about the record (`RecordChanged`)."""


# One probe of the unique index a place: OFFSET 0 keeps the planner from anything else, whatever its statistics say.
_HISTORIES = text("""
    select u.natural_key, r.record, r.rev, r.fingerprint, r.state, r.mark, r.submission
      from unnest(:parts, :subjects, :keys) as u(part, subject, natural_key)
     cross join lateral (
        select i.record, i.rev, i.fingerprint, i.state, i.mark, i.submission from ingestion.revision i
         where i.part = u.part and i.subject = u.subject and i.natural_key = u.natural_key
         order by i.rev offset 0) r
""").bindparams(
    bindparam("parts", type_=ARRAY(Integer)),
    bindparam("subjects", type_=ARRAY(Uuid)),
    bindparam("keys", type_=ARRAY(LargeBinary)),
)

_STORED = """
    select r.id, r.part, r.subject, r.natural_key, r.record, r.rev, r.fingerprint, r.item, r.party, r.origin, r.state,
           r.mark, r.at, r.legal_date, r.data
"""
# An id alone says nothing of its part: one probe of the primary key in each.
_BY_ID = text(f"""
    {_STORED} from generate_series(0, cast(:parts as integer) - 1) as p(part)
     cross join lateral (
        select i.* from ingestion.revision i where i.part = p.part and i.id = :id offset 0) r
""").bindparams(bindparam("id", type_=Uuid))
_BY_IDS = text(f"""
    {_STORED} from unnest(:parts, :ids) as w(part, id)
     cross join lateral (
        select i.* from ingestion.revision i where i.part = w.part and i.id = w.id offset 0) r
""").bindparams(bindparam("parts", type_=ARRAY(Integer)), bindparam("ids", type_=ARRAY(Uuid)))
_NEWEST = text(f"""
    {_STORED} from unnest(:parts, :subjects, :keys) as u(part, subject, natural_key)
     cross join lateral (
        select i.* from ingestion.revision i
         where i.part = u.part and i.subject = u.subject and i.natural_key = u.natural_key
         order by i.rev desc limit 1) r
""").bindparams(
    bindparam("parts", type_=ARRAY(Integer)),
    bindparam("subjects", type_=ARRAY(Uuid)),
    bindparam("keys", type_=ARRAY(LargeBinary)),
)
_OF_PLACE = text(f"""
    {_STORED} from ingestion.revision r
     where r.part = :part and r.subject = :subject and r.natural_key = :natural_key order by r.rev
""").bindparams(bindparam("subject", type_=Uuid), bindparam("natural_key", type_=LargeBinary))


async def histories(connection: AsyncConnection, places: Iterable[Place]) -> dict[bytes, list[Known]]:
    """Every revision at these places, oldest first, by natural key; places without any are absent."""
    wanted = list(set(places))
    if not wanted:
        return {}
    parts, subjects, keys = (list(each) for each in zip(*wanted, strict=True))
    rows = await fetch(connection, _HISTORIES, {"parts": parts, "subjects": subjects, "keys": keys})
    found: dict[bytes, list[Known]] = {}
    for key, record, rev, fingerprint, state, mark, submission in rows:
        known = Known(_uuid(record), rev, fingerprint, state, mark, _uuid(submission) if submission else None)
        found.setdefault(key, []).append(known)
    for history in found.values():
        history.sort(key=lambda known: known.rev)
    return found


async def write(connection: AsyncConnection, rows: Sequence[Sequence[object]]) -> None:
    """Add these revisions (rows of `COLUMNS`); `store.Collision` if one of them is there already."""
    if rows:
        await copy(connection, "ingestion.revision", COLUMNS, rows)


async def revision(connection: AsyncConnection, revision_id: UUID, *, parts: int) -> Stored | None:
    """One revision by its id."""
    row = (await connection.execute(_BY_ID, {"id": revision_id, "parts": parts})).one_or_none()
    return None if row is None else _stored(row)


async def firsts(connection: AsyncConnection, records: Iterable[tuple[int, UUID]]) -> dict[UUID, Stored]:
    """The revisions that have these ids in these parts, by id: a record has the id of the first revision held here."""
    wanted = list(set(records))
    if not wanted:
        return {}
    parts, ids = (list(each) for each in zip(*wanted, strict=True))
    rows = await fetch(connection, _BY_IDS, {"parts": parts, "ids": ids})
    return {stored.id: stored for stored in map(_stored, rows)}


async def newest(connection: AsyncConnection, places: Iterable[Place]) -> dict[Place, Stored]:
    """The newest revision at each of these places; places without any are absent."""
    wanted = list(set(places))
    if not wanted:
        return {}
    parts, subjects, keys = (list(each) for each in zip(*wanted, strict=True))
    rows = await fetch(connection, _NEWEST, {"parts": parts, "subjects": subjects, "keys": keys})
    return {stored.place: stored for stored in map(_stored, rows)}


async def revisions(connection: AsyncConnection, record: UUID, *, parts: int) -> list[Stored]:
    """All revisions of a record, oldest first; empty if there is no such record."""
    first = await revision(connection, record, parts=parts)
    if first is None or first.record != record:
        return []
    part, subject, natural_key = first.place
    values: Mapping[str, object] = {"part": part, "subject": subject, "natural_key": natural_key}
    return [_stored(row) for row in await connection.execute(_OF_PLACE, values)]


def _stored(row: Sequence[Any]) -> Stored:
    id_, part, subject, natural_key, record, *others = row
    place = (part, _uuid(subject), natural_key)
    return Stored(_uuid(id_), place, _uuid(record), *others)


def _uuid(driver: UUID) -> UUID:
    # The driver's own class is a UUID to everybody but the JSON writer.
    return UUID(bytes=driver.bytes)
