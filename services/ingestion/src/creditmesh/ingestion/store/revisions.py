"""Revisions: what a record's history is, and the COPY that adds to it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

import orjson

from creditmesh.chassis.database.connecting import Row as DatabaseRow
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.packing import unpack
from creditmesh.ingestion.store.reviews import KnownReviews
from creditmesh.ingestion.verdicts import Known
from creditmesh.schemas.events.record import RecordState

_TYPES = {
    "at": "timestamptz",
    "legal_date": "date",
    "part": "integer",
    "rev": "integer",
    "item_version": "integer",
    "id": "uuid",
    "record": "uuid",
    "subject": "uuid",
    "submission": "uuid",
    "natural_key": "bytea",
    "fingerprint": "bytea",
    "mac_key": "text",
    "mac_alg": "text",
    "item": "text",
    "party": "text",
    "origin": "text",
    "lane": "text",
    "state": "text",
    "mark": "text",
    "traceparent": "text",
    "data": "bytea",
    "name": "bytea",
    "told_rev": "integer",
    "number": "bytea",
}
COLUMNS = tuple(_TYPES)
"""The columns of a revision in the order of a row to be written; `data` is packed."""

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

    @property
    def known(self) -> Known:
        """What a verdict needs of it, but for its submission."""
        return Known(self.record, self.rev, self.fingerprint, self.state, self.mark, None, self.party)


_PLACES = """
    unnest(cast(:parts as integer[]), cast(:subjects as uuid[]), cast(:keys as bytea[]))
        as u(part, subject, natural_key)
"""
# Locks, then reads: one call, two snapshots (see the migration). A row without an id is the place of what was deleted.
# One without a natural key is a review, or a code of the subject of that id, and without an id too a name of a subject
# that stands under one: under this (`heard`) or under others.
_LOCKED = """
    select natural_key, id, rev, fingerprint, state, mark, submission, whose
      from ingestion.locked(:lock_class, :lock_keys, :parts, :subjects, :keys, :party, :fingerprints,
                            :named_parts, :named, :names)
"""
INSERTION = f"""
    insert into ingestion.revision ({", ".join(COLUMNS)})
    select * from unnest({", ".join(f"cast(:revision_{c} as {kind}[])" for c, kind in _TYPES.items())})
"""
"""Adds the rows of `few`, in the statement that writes what belongs with them."""

_STORED = """
    select r.id, r.part, r.subject, r.natural_key, r.record, r.rev, r.fingerprint, r.item, r.party, r.origin, r.state,
           r.mark, r.at, r.legal_date, r.data
"""
# An id alone says nothing of its part: one probe of the primary key in each.
_BY_ID = f"""
    {_STORED} from generate_series(0, cast(:parts as integer) - 1) as p(part)
     cross join lateral (
        select i.* from ingestion.revision i where i.part = p.part and i.id = :id offset 0) r
"""
_BY_IDS = f"""
    {_STORED} from unnest(cast(:parts as integer[]), cast(:ids as uuid[])) as w(part, id)
     cross join lateral (
        select i.* from ingestion.revision i where i.part = w.part and i.id = w.id offset 0) r
"""
_NEWEST = f"""
    {_STORED} from {_PLACES}
     cross join lateral (
        select i.* from ingestion.revision i
         where i.part = u.part and i.subject = u.subject and i.natural_key = u.natural_key
         order by i.rev desc limit 1) r
"""
_NEWEST_OF = f"""
    select u.part, u.subject, u.natural_key, r.rev, r.data from {_PLACES}
     cross join lateral (
        select i.rev, i.data from ingestion.revision i
         where i.part = u.part and i.subject = u.subject and i.natural_key = u.natural_key
           and i.state = any(cast(:states as text[]))
         order by i.rev desc limit 1) r
"""
_EXPIRED = f"""
    select u.part, u.subject, u.natural_key from {_PLACES}
      join ingestion.closed c on c.part = u.part and c.natural_key = u.natural_key
                             and c.state in ('published', 'withheld')
"""
# What is counted ahead of its origin (`told_rev`) came after what stands under that number here, and is it.
_SAID = """
    select w.part, w.subject, w.natural_key, w.rev, r.data
      from unnest(cast(:parts as integer[]), cast(:subjects as uuid[]), cast(:keys as bytea[]),
                  cast(:revs as integer[])) as w(part, subject, natural_key, rev)
     cross join lateral (
        select i.data from (
            (select t.rev, t.data from ingestion.revision t
              where t.part = w.part and t.subject = w.subject and t.natural_key = w.natural_key and t.told_rev = w.rev
              order by t.rev desc limit 1)
            union all
            select s.rev, s.data from ingestion.revision s
             where s.part = w.part and s.subject = w.subject and s.natural_key = w.natural_key and s.rev = w.rev
               and s.told_rev is null
            ) i order by i.rev desc limit 1) r
"""
_OF_PLACE = f"""
    {_STORED} from ingestion.revision r
     where r.part = :part and r.subject = :subject and r.natural_key = :natural_key order by r.rev
"""


@dataclass(slots=True)
class Locked:
    """What is known under the locks of everybody concerned."""

    histories: dict[bytes, list[Known]] = field(default_factory=dict)
    """Every revision, oldest first, by natural key; absent where there is none."""
    deleted: dict[bytes, str] = field(default_factory=dict)
    """How records had ended that were deleted after their term, by natural key."""
    reviews: KnownReviews = field(default_factory=dict)
    """The reviews that rows of the doubtful fingerprints already have with this party."""
    heard: set[bytes] = field(default_factory=set)
    """The names under which their subjects stand."""
    unheard: set[bytes] = field(default_factory=set)
    """The names under which their subjects do not stand, although they stand under another."""
    codes: dict[UUID, set[bytes]] = field(default_factory=dict)
    """The whole codes under which subjects stand."""


async def locked(
    session: Session,
    locks: Mapping[str, object],
    places: Iterable[Place],
    *,
    party: str,
    doubtful: Collection[bytes],
    names: Iterable[Place],
) -> Locked:
    """Take these locks; then what is known of these places, doubtful fingerprints and names (each at its subject)."""
    known, wanted = Locked(), set(places)
    if not wanted:
        return known
    named = _columns(set(names))
    values = {**locks, **_columns(wanted), "party": party, "fingerprints": list(doubtful)}
    values |= {"named_parts": named["parts"], "named": named["subjects"], "names": named["keys"]}
    for key, id_, rev, fingerprint, state, mark, submission, whose in await session.fetch(_LOCKED, values):
        if key is not None and id_ is None:
            known.deleted[key] = state
        elif key is not None:
            known.histories.setdefault(key, []).append(Known(id_, rev, fingerprint, state, mark, submission, whose))
        elif state == "code":
            known.codes.setdefault(id_, set()).add(fingerprint)
        elif id_ is not None:
            known.reviews[fingerprint] = (id_, state)
        else:
            (known.heard if state == "heard" else known.unheard).add(fingerprint)
    for history in known.histories.values():
        history.sort(key=lambda revision: revision.rev)
    return known


async def write(session: Session, rows: Sequence[Sequence[object]]) -> None:
    """Add these revisions (rows of `COLUMNS`); DatabaseError that breaks a constraint if one is there already."""
    await session.copy("ingestion.revision", COLUMNS, rows)


def few(rows: Sequence[Sequence[object]]) -> dict[str, object]:
    """The values of `INSERTION`."""
    columns = zip(*rows, strict=True) if rows else [()] * len(COLUMNS)
    return {f"revision_{name}": column for name, column in zip(COLUMNS, columns, strict=True)}


async def revision(session: Session, revision_id: UUID, *, parts: int) -> Stored | None:
    """One revision by its id."""
    row = await session.row(_BY_ID, {"id": revision_id, "parts": parts})
    return None if row is None else _stored(row)


async def firsts(session: Session, records: Iterable[tuple[int, UUID]]) -> dict[UUID, Stored]:
    """The revisions that have these ids in these parts, by id: a record has the id of the first revision held here."""
    wanted = set(records)
    if not wanted:
        return {}
    parts, ids = zip(*wanted, strict=True)
    rows = await session.fetch(_BY_IDS, {"parts": parts, "ids": ids})
    return {stored.id: stored for stored in map(_stored, rows)}


async def newest(session: Session, places: Iterable[Place]) -> dict[Place, Stored]:
    """The newest revision at each of these places; places without any are absent."""
    wanted = set(places)
    if not wanted:
        return {}
    rows = await session.fetch(_NEWEST, _columns(wanted))
    return {stored.place: stored for stored in map(_stored, rows)}


async def newest_of(session: Session, places: Iterable[Place], states: Collection[str]) -> dict[Place, int]:
    """The newest revision at each of these places, as its origin counts it, after which it was in such a state."""
    wanted = set(places)
    rows = await session.fetch(_NEWEST_OF, {**_columns(wanted), "states": list(states)}) if wanted else ()
    return {
        (part, subject, key): orjson.loads(unpack(data)).get("origin_rev") or rev
        for part, subject, key, rev, data in rows
    }


async def expired(session: Session, places: Iterable[Place]) -> set[Place]:
    """Those of these places whose records ended by their dates, or by the law of a day, and were deleted."""
    wanted = set(places)
    rows = await session.fetch(_EXPIRED, _columns(wanted)) if wanted else ()
    return {(row.part, row.subject, row.natural_key) for row in rows}


async def homes(session: Session, records: Collection[UUID], *, parts: int) -> dict[UUID, Place]:
    """Where these records of this node are; those that are not here are absent."""
    found = await firsts(session, ((part, record) for record in records for part in range(parts)))
    return {record: stored.place for record, stored in found.items() if stored.record == record}


class RevisionSaid(NamedTuple):
    """What one revision is, by its number."""

    change: str
    revision: str


async def said(session: Session, numbered: Collection[tuple[Place, int]]) -> dict[tuple[Place, int], RevisionSaid]:
    """What the revisions are that have these numbers at their origin, at these places; what is not here is absent.

    One each: what stands here for content that was refused gives way to the revision itself.
    """
    if not numbered:
        return {}
    columns = zip(*((*place, rev) for place, rev in numbered), strict=True)
    wanted = dict(zip(("parts", "subjects", "keys", "revs"), columns, strict=True))
    rows = await session.fetch(_SAID, wanted)
    found = ((((part, subject, key), rev), orjson.loads(unpack(data))) for part, subject, key, rev, data in rows)
    return {numbered: RevisionSaid(event["change"], event["revision"]) for numbered, event in found}


async def revisions(session: Session, record: UUID, *, parts: int) -> list[Stored]:
    """All revisions of a record, oldest first; empty if there is no such record."""
    first = await revision(session, record, parts=parts)
    if first is None or first.record != record:
        return []
    part, subject, natural_key = first.place
    rows = await session.fetch(_OF_PLACE, {"part": part, "subject": subject, "natural_key": natural_key})
    return [_stored(row) for row in rows]


def _columns(places: Collection[Place]) -> dict[str, object]:
    parts, subjects, keys = zip(*places, strict=True) if places else ((), (), ())
    return {"parts": parts, "subjects": subjects, "keys": keys}


def _stored(row: DatabaseRow) -> Stored:
    id_, part, subject, natural_key, *others, data = row
    return Stored(id_, (part, subject, natural_key), *(*others, unpack(data)))
