"""The documents of cases: what they are, and their sealed content."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.repair.store.cases import Case
from creditmesh.repair.tables import evidence
from creditmesh.schemas.cases import EvidenceKind, EvidenceMedia
from creditmesh.schemas.sealed import Sealed

_ABOUT = [column for column in evidence.columns if column.name not in {"part", "case_id", "key", "alg", "sealed"}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A document by what it is; `digest` is the SHA-256 of its bytes, `step` the step of the case it came after."""

    digest: bytes
    kind: EvidenceKind
    media_type: EvidenceMedia
    size: int
    at: datetime
    step: int


async def add(connection: AsyncConnection, of: Case, document: Evidence, sealed: Sealed) -> None:
    """Keep a document; the same one again changes nothing."""
    values = {name: getattr(document, name) for name in Evidence.__slots__}
    values |= {"part": of.part, "case_id": of.id, "key": sealed.key, "alg": sealed.alg, "sealed": sealed.text}
    await connection.execute(insert(evidence).values(values).on_conflict_do_nothing())


async def documents_of(connection: AsyncConnection, of: Case) -> list[Evidence]:
    """What the documents of a case are, in the order they came."""
    wanted = select(*_ABOUT).where(evidence.c.part == of.part, evidence.c.case_id == of.id)
    found = await connection.execute(wanted.order_by(evidence.c.at, evidence.c.digest))
    return [_document(row) for row in found.mappings()]


async def content_of(connection: AsyncConnection, of: Case, digest: bytes) -> tuple[Evidence, Sealed] | None:
    """A document with its sealed content."""
    place = evidence.c.part == of.part, evidence.c.case_id == of.id, evidence.c.digest == digest
    row = (await connection.execute(select(evidence).where(*place))).mappings().one_or_none()
    if row is None:
        return None
    about: UUID = of.subject
    sealed = Sealed.model_construct(about=about, field=digest.hex(), key=row["key"], alg=row["alg"], text=row["sealed"])
    return _document(row), sealed


def _document(row: RowMapping) -> Evidence:
    values: dict[str, Any] = {name: row[name] for name in Evidence.__slots__}
    return Evidence(**values)


def kinds(documents: Sequence[Evidence]) -> frozenset[EvidenceKind]:
    """The kinds that are there."""
    return frozenset(each.kind for each in documents)
