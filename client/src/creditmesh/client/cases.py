"""Objections and repairs: the subject files, whoever has the case takes its steps, the certificate says who knows."""

from datetime import date
from uuid import UUID

from creditmesh.client.http import Call, Wire, new_idempotency_key
from creditmesh.client.listing import Listing
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.cases import (
    ActionIn,
    CaseEntry,
    CaseIn,
    CaseOut,
    EvidenceKind,
    EvidenceMedia,
    EvidenceOut,
)
from creditmesh.schemas.events.case import CaseKind, CaseState
from creditmesh.schemas.signed import SignedText


class Cases:
    """For a subject on their own cases; for the department that made a record, and the credit office."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def file(self, case: CaseIn, *, idempotency_key: str | None = None) -> CaseOut:
        """File an objection to a record, or apply for its repair; the subject's."""
        return self._wire.post("/v1/cases", case, CaseOut, idempotency_key=idempotency_key)

    def to_handle(
        self, *, state: CaseState | None = None, kind: CaseKind | None = None, due_before: date | None = None
    ) -> Listing[CaseEntry]:
        """Cases to handle, in the order they were filed, without what was said in them."""
        day = None if due_before is None else due_before.isoformat()
        return self._wire.listing("/v1/cases", Page[CaseEntry], state=state, kind=kind, due_before=day)

    def read(self, case: UUID) -> CaseOut:
        """One case whole; reading it is in the log of the person it concerns."""
        return self._wire.get(f"/v1/cases/{case}", CaseOut)

    def act(self, case: CaseOut, action: ActionIn, *, idempotency_key: str | None = None) -> CaseOut:
        """Take a step in the case as it was read: a `ProblemError` (412) if it has moved since."""
        etag = f'"{len(case.steps)}"'
        return self._wire.post(
            f"/v1/cases/{case.case}/actions", action, CaseOut, idempotency_key=idempotency_key, etag=etag
        )

    def add_evidence(
        self,
        case: UUID,
        content: bytes,
        *,
        kind: EvidenceKind,
        media_type: EvidenceMedia,
        idempotency_key: str | None = None,
    ) -> EvidenceOut:
        """Add a document to one's own case; the same content again is the same document."""
        call = Call(
            method="POST",
            path=f"/v1/cases/{case}/evidence",
            params={"kind": kind},
            headers={"Content-Type": media_type},
            body=content,
            idempotency_key=idempotency_key or new_idempotency_key(),
        )
        return self._wire.read(call, EvidenceOut)

    def evidence(self, case: UUID, digest: str) -> bytes:
        """One document as it was sent, by its digest."""
        return self._wire.answer(Call(method="GET", path=f"/v1/cases/{case}/evidence/{digest}")).content

    def certificate(self, case: UUID) -> SignedText:
        """Which revision the case brought about, and which holders know of it: `certificates.check` it off line."""
        return self._wire.get(f"/v1/cases/{case}/certificate", SignedText)
