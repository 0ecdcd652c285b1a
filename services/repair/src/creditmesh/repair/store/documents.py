"""The documents of cases: what they are, and their sealed content."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.repair.store.cases import Case
from creditmesh.schemas.cases import EvidenceKind, EvidenceMedia
from creditmesh.schemas.sealed import Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A document by what it is; `digest` is the SHA-256 of its bytes, `step` the step of the case it came after."""

    digest: bytes
    kind: EvidenceKind
    media_type: EvidenceMedia
    size: int
    at: datetime
    step: int


_ADD = """
    insert into repair.evidence (part, case_id, digest, kind, media_type, size, at, step, key, alg, sealed)
    values (:part, :case_id, :digest, :kind, :media_type, :size, :at, :step, :key, :alg, :sealed)
        on conflict do nothing
"""
_OF_CASE = """
    select digest, kind, media_type, size, at, step from repair.evidence
     where part = :part and case_id = :case_id order by at, digest
"""
_CONTENT = """
    select digest, kind, media_type, size, at, step, key, alg, sealed from repair.evidence
     where part = :part and case_id = :case_id and digest = :digest
"""


async def add(session: Session, of: Case, document: Evidence, sealed: Sealed) -> None:
    """Keep a document; the same one again changes nothing."""
    values = {"part": of.part, "case_id": of.id, "key": sealed.key, "alg": sealed.alg, "sealed": sealed.text}
    await session.execute(_ADD, asdict(document) | values)


async def documents_of(session: Session, of: Case) -> list[Evidence]:
    """What the documents of a case are, in the order they came."""
    return [Evidence(**row) for row in await session.fetch(_OF_CASE, {"part": of.part, "case_id": of.id})]


async def content_of(session: Session, of: Case, digest: bytes) -> tuple[Evidence, Sealed] | None:
    """A document with its sealed content."""
    row = await session.row(_CONTENT, {"part": of.part, "case_id": of.id, "digest": digest})
    if row is None:
        return None
    *document, key, alg, text = row
    about: UUID = of.subject
    sealed = Sealed.model_construct(about=about, field=digest.hex(), key=key, alg=alg, text=text)
    return Evidence(**dict(zip(Evidence.__slots__, document, strict=True))), sealed


def kinds(documents: Sequence[Evidence]) -> frozenset[EvidenceKind]:
    """The kinds that are there."""
    return frozenset(each.kind for each in documents)
