"""What departments and bureaus ask, and the authorisations bureaus hand in."""

from uuid import UUID

from creditmesh.client.http import Wire
from creditmesh.schemas.queries import AuthorisationOut, HandedIn, QueryIn, QueryOut


class Queries:
    """Queries about one subject, each on a stated ground."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def ask(self, query: QueryIn, *, idempotency_key: str | None = None) -> QueryOut:
        """What may be released of this subject now; under the same Idempotency-Key the same decision, made again."""
        return self._wire.post("/v1/queries", query, QueryOut, idempotency_key=idempotency_key)


class Authorisations:
    """The bureau's side of authorisations."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def hand_in(self, token: str, *, idempotency_key: str | None = None) -> AuthorisationOut:
        """Hand in an authorisation as its subject gave it: the signed text."""
        return self._wire.post(
            "/v1/authorisations", HandedIn(token=token), AuthorisationOut, idempotency_key=idempotency_key
        )

    def read(self, authorisation: UUID) -> AuthorisationOut:
        """An authorisation and what became of it."""
        return self._wire.get(f"/v1/authorisations/{authorisation}", AuthorisationOut)
