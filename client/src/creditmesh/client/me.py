"""The person's own side: their file, who looked, what they permitted."""

from uuid import UUID

from creditmesh.client.http import Call, Wire, new_idempotency_key
from creditmesh.client.listing import AccessListing, Listing
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.cases import CaseEntry
from creditmesh.schemas.queries import AccessLog, AuthorisationIn, AuthorisationOut, ExportOut, FileOut


class Me:
    """For the holder of a person's token. Free, and each look is itself in the log."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def file(self) -> FileOut:
        """The whole file, every source named."""
        return self._wire.get("/v1/me/file", FileOut)

    def accesses(self) -> AccessListing:
        """Who looked, and who was refused, newest first; `copies_at` says where else there is a log."""
        return AccessListing(self._wire.pages("/v1/me/accesses", AccessLog))

    def authorisations(self) -> Listing[AuthorisationOut]:
        """What was permitted to whom, and how often it was used."""
        return self._wire.listing("/v1/me/authorisations", Page[AuthorisationOut])

    def authorise(self, authorisation: AuthorisationIn, *, idempotency_key: str | None = None) -> AuthorisationOut:
        """Permit a bureau to ask; the answer's `token` is what the bureau is handed."""
        return self._wire.post(
            "/v1/me/authorisations", authorisation, AuthorisationOut, idempotency_key=idempotency_key
        )

    def revoke(self, authorisation: UUID) -> None:
        """Take a permission back, from the bureau's next call on."""
        self._wire.answer(
            Call(method="DELETE", path=f"/v1/me/authorisations/{authorisation}", idempotency_key=new_idempotency_key())
        )

    def cases(self) -> Listing[CaseEntry]:
        """Their objections and repairs, newest first: where each stands, who has it, until when."""
        return self._wire.listing("/v1/me/cases", Page[CaseEntry])

    def export(self) -> ExportOut:
        """Everything of the person in one machine-readable document."""
        return self._wire.get("/v1/me/export", ExportOut)
