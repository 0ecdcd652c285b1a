"""The documents of cases: what they are, and their sealed content."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

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
_DOCUMENTS = """
    select digest, kind, media_type, size, at, step from repair.evidence
     where part = :part and case_id = :case_id
"""
_OF_CASE = f"{_DOCUMENTS} order by at, digest"
_ONE = f"{_DOCUMENTS} and digest = :digest"
_CONTENT = """
    select key, alg, sealed from repair.evidence
     where part = :part and case_id = :case_id and digest = :digest
"""


async def add(session: Session, of: Case, document: Evidence, sealed: Sealed) -> None:
    """Keep a document; the same one again changes nothing."""
    values = {"part": of.part, "case_id": of.id, "key": sealed.key, "alg": sealed.alg, "sealed": sealed.text}
    await session.execute(_ADD, asdict(document) | values)


async def documents_of(session: Session, of: Case) -> list[Evidence]:
    """What the documents of a case are, in the order they came."""
    return [Evidence(**row) for row in await session.fetch(_OF_CASE, {"part": of.part, "case_id": of.id})]


async def document_of(session: Session, of: Case, digest: bytes) -> Evidence | None:
    """What one document is."""
    row = await session.row(_ONE, {"part": of.part, "case_id": of.id, "digest": digest})
    return None if row is None else Evidence(**row)


async def content_of(session: Session, of: Case, digest: bytes) -> Sealed:
    """The sealed content of a document that there is: none is ever removed."""
    (row,) = await session.fetch(_CONTENT, {"part": of.part, "case_id": of.id, "digest": digest})
    return Sealed.model_construct(about=of.subject, field=digest.hex(), key=row.key, alg=row.alg, text=row.sealed)


def kinds(documents: Sequence[Evidence]) -> frozenset[EvidenceKind]:
    """The kinds that are there."""
    return frozenset(each.kind for each in documents)
