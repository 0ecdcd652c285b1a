"""Cases: an objection or a repair, filed by its subject, decided by the body that made the record."""

from collections.abc import Iterator
from uuid import UUID

from creditmesh.client.http import Call, Wire, new_key
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.cases import ActionIn, CaseEntry, CaseIn, CaseOut, CertificateOut, EvidenceKind, EvidenceOut


class Cases:
    """For subjects who file, and for officers who decide."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def file(self, case: CaseIn, *, key: str | None = None) -> CaseOut:
        """File an objection or a repair about a record of one's own."""
        return self._wire.post("/v1/cases", case, CaseOut, key=key)

    def to_handle(self) -> Iterator[CaseEntry]:
        """The cases on a party's records; all of them for the credit office."""
        return self._wire.pages("/v1/cases", Page[CaseEntry])

    def read(self, case: UUID) -> CaseOut:
        """One case with its steps."""
        return self._wire.get(f"/v1/cases/{case}", CaseOut)

    def add_evidence(
        self, case: UUID, content: bytes, *, kind: EvidenceKind, media_type: str, key: str | None = None
    ) -> EvidenceOut:
        """Add one document: PDF, PNG or JPEG."""
        call = Call(
            method="POST",
            path=f"/v1/cases/{case}/evidence",
            params={"kind": kind},
            headers={"Content-Type": media_type},
            body=content,
            key=key or new_key(),
        )
        return self._wire.read(call, EvidenceOut)

    def act(self, case: CaseOut, action: ActionIn, *, key: str | None = None) -> CaseOut:
        """Take one step from the case as it was read: accept, return, approve, refuse, appeal. 412 if it has moved."""
        etag = f'"{len(case.steps)}"'
        return self._wire.post(f"/v1/cases/{case.case}/actions", action, CaseOut, key=key, etag=etag)

    def certificate(self, case: UUID) -> CertificateOut:
        """Who holds what the case changed, and who has acknowledged it."""
        return self._wire.get(f"/v1/cases/{case}/certificate", CertificateOut)
