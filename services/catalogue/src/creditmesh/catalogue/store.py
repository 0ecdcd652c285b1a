"""All SQL of the catalogue service: what was published, and what was refused of a higher tier, under one lock."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import orjson

from creditmesh.catalogue.acceptance import Key
from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.session import Session
from creditmesh.schemas.events.catalogue import ObjectKind


class Publication(NamedTuple):
    """One row: a version of an object, or its withdrawal."""

    kind: ObjectKind
    code: str
    number: int
    state: str
    effective: date
    issued_by: str
    basis: str | None
    digest: bytes
    body: Mapping[str, Any]
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedEntry:
    """One row: an entry of a higher tier's catalogue that could not be taken over, as it was told."""

    peer: str
    feed: str
    index: int
    kind: str | None
    code: str | None
    body: str
    errors: Sequence[Mapping[str, Any]]
    at: datetime


_PUBLICATION = ", ".join(Publication._fields)
_REFUSED_ENTRY = ", ".join(RefusedEntry.__slots__)
_LOCK = "select pg_advisory_xact_lock(cast(:lock_class as integer), 0)"
_NEWEST = f"""
    select distinct on (kind, code) {_PUBLICATION} from catalogue.publication
     where cast(:tiers as text[]) is null or issued_by = any(:tiers)
     order by kind, code, number desc
"""
_PARTIES = f"""
    select {_PUBLICATION} from catalogue.publication
     where kind = 'party' and (cast(:codes as text[]) is null or code = any(:codes)) order by code, number
"""
_ISSUED = f"""
    select distinct on (kind, code, issued_by) {_PUBLICATION} from catalogue.publication
     order by kind, code, issued_by, number desc
"""
_DIGESTS = "select kind, code, digest from catalogue.publication"
_REFUSED = f"select {_REFUSED_ENTRY} from catalogue.refused_entry order by peer, feed, index"
_FORGET_REFUSED = "delete from catalogue.refused_entry"


_HEARD = """
    select h.peer, h.feed, h.kind, h.code, h.index
      from unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:kinds as text[]), cast(:codes as text[]))
           as told(peer, feed, kind, code)
      join catalogue.heard h using (peer, feed, kind, code)
"""
_HEAR = """
    insert into catalogue.heard (peer, feed, kind, code, index)
    select * from unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:kinds as text[]), cast(:codes as text[]),
                         cast(:indices as bigint[]))
    on conflict (peer, feed, kind, code) do update set index = excluded.index
"""
ToldObject = tuple[str, str, str, str]
"""An object as it is told: peer, feed, kind, code."""


async def lock(session: Session, lock_class: int) -> None:
    """Publish one at a time: numbers are given, and what stands is read, under this lock."""
    await session.execute(_LOCK, {"lock_class": lock_class})


async def newest(session: Session, *, of: Sequence[str] | None = None) -> dict[Key, Publication]:
    """The newest publication of every object; `of`: the newest that these tiers issued."""
    rows = await session.fetch(_NEWEST, {"tiers": of})
    return {(row.kind, row.code): _publication(row) for row in rows}


async def parties(session: Session, *, codes: Collection[str] | None = None) -> dict[str, list[Publication]]:
    """All publications of every party, or of those of these codes, the oldest first."""
    found: dict[str, list[Publication]] = defaultdict(list)
    for row in await session.fetch(_PARTIES, {"codes": None if codes is None else sorted(codes)}):
        found[row.code].append(_publication(row))
    return found


async def issued(session: Session) -> list[Publication]:
    """The last word of each tier on every object: a version of it, or its withdrawal."""
    return [_publication(row) for row in await session.fetch(_ISSUED)]


async def digests(session: Session) -> set[tuple[ObjectKind, str, bytes]]:
    """Every body that was ever published."""
    return {(kind, code, digest) for kind, code, digest in await session.fetch(_DIGESTS)}


async def add(session: Session, publications: Iterable[Publication]) -> None:
    """Add rows; there is no other way to change the table."""
    await session.copy("catalogue.publication", Publication._fields, _rows(Publication._fields, "body", publications))


async def refused(session: Session) -> list[RefusedEntry]:
    """What was refused of higher tiers and not made up for since, in the order of each feed."""
    rows = await session.fetch(_REFUSED)
    return [RefusedEntry(**{**row, "errors": orjson.loads(row.errors)}) for row in rows]


async def heard(session: Session, objects: Collection[ToldObject]) -> dict[ToldObject, int]:
    """The index of the last that was said of each of these objects; without those of which nothing was."""
    rows = await session.fetch(_HEARD, _columns(objects)) if objects else ()
    return {(peer, feed, kind, code): index for peer, feed, kind, code, index in rows}


async def hear(session: Session, objects: Mapping[ToldObject, int]) -> None:
    """So far these were heard."""
    if objects:
        await session.execute(_HEAR, {**_columns(objects), "indices": list(objects.values())})


async def keep_refused(session: Session, entries: Iterable[RefusedEntry]) -> None:
    """From now on these and no others are refused."""
    await session.execute(_FORGET_REFUSED)
    names = RefusedEntry.__slots__
    await session.copy("catalogue.refused_entry", names, _rows(names, "errors", entries))


def _columns(objects: Collection[ToldObject]) -> dict[str, Sequence[str]]:
    peers, feeds, kinds, codes = zip(*objects, strict=True)
    return {"peers": peers, "feeds": feeds, "kinds": kinds, "codes": codes}


def _publication(row: Row) -> Publication:
    return Publication(**{**row, "body": orjson.loads(row.body)})


def _rows(names: Sequence[str], json: str, of: Iterable[object]) -> list[list[object]]:
    """Rows of these columns, of which one is JSON."""
    return [[_json(getattr(each, name)) if name == json else getattr(each, name) for name in names] for each in of]


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
