"""All SQL of the catalogue service: what was published, read under one lock, and added to."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Integer, bindparam, insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.catalogue.acceptance import Key
from creditmesh.catalogue.tables import publication
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


async def newest(connection: AsyncConnection) -> dict[Key, Publication]:
    """The newest publication of every object."""
    rows = await connection.execute(
        select(publication)
        .ext(distinct_on(publication.c.kind, publication.c.code))
        .order_by(publication.c.kind, publication.c.code, publication.c.number.desc())
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
