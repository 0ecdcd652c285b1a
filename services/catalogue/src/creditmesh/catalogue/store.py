"""All SQL of the catalogue service: what was published, and what was refused of a higher tier, under one lock."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Integer, bindparam, delete, insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.catalogue.acceptance import Key
from creditmesh.catalogue.tables import publication, refused_entry
from creditmesh.schemas.events.catalogue import ObjectKind

_LOCK = text("select pg_advisory_xact_lock(:lock_class, 0)").bindparams(bindparam("lock_class", type_=Integer))


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


async def lock(connection: AsyncConnection, lock_class: int) -> None:
    """Publish one at a time: numbers are given, and what stands is read, under this lock."""
    await connection.execute(_LOCK, {"lock_class": lock_class})


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


async def newest(connection: AsyncConnection, *, of: Sequence[str] | None = None) -> dict[Key, Publication]:
    """The newest publication of every object; `of`: the newest that these tiers issued."""
    statement = select(publication) if of is None else select(publication).where(publication.c.issued_by.in_(of))
    rows = await connection.execute(
        statement.ext(distinct_on(publication.c.kind, publication.c.code)).order_by(
            publication.c.kind, publication.c.code, publication.c.number.desc()
        )
    )
    return {(row.kind, row.code): Publication(**row._mapping) for row in rows}  # noqa: SLF001 - SQLAlchemy's public name


async def issued(connection: AsyncConnection) -> list[Publication]:
    """The newest version of every object that each tier issued."""
    tiers = (publication.c.kind, publication.c.code, publication.c.issued_by)
    rows = await connection.execute(
        select(publication)
        .ext(distinct_on(*tiers))
        .where(publication.c.state == "published")
        .order_by(*tiers, publication.c.number.desc())
    )
    return [Publication(**row._mapping) for row in rows]  # noqa: SLF001


async def digests(connection: AsyncConnection) -> set[tuple[ObjectKind, str, bytes]]:
    """Every body that was ever published."""
    rows = await connection.execute(select(publication.c.kind, publication.c.code, publication.c.digest))
    return {(row.kind, row.code, bytes(row.digest)) for row in rows}


async def add(connection: AsyncConnection, publications: Sequence[Publication]) -> None:
    """Add rows; there is no other way to change the table."""
    if publications:
        await connection.execute(insert(publication), [row._asdict() for row in publications])


async def refused(connection: AsyncConnection) -> list[RefusedEntry]:
    """What was refused of higher tiers and not made up for since, in the order of each feed."""
    rows = await connection.execute(
        select(refused_entry).order_by(refused_entry.c.peer, refused_entry.c.feed, refused_entry.c.index)
    )
    return [RefusedEntry(**row._mapping) for row in rows]  # noqa: SLF001


async def keep_refused(connection: AsyncConnection, rows: Sequence[RefusedEntry]) -> None:
    """From now on these and no others are refused."""
    await connection.execute(delete(refused_entry))
    if rows:
        await connection.execute(insert(refused_entry), [asdict(row) for row in rows])
