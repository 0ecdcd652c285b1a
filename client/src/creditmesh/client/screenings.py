"""What applies to a subject for a matter, and for which rewards they are eligible."""

from typing import TypeVar

from pydantic import BaseModel

from creditmesh.client.http import Call, Wire, new_key
from creditmesh.schemas.identifiers import Code
from creditmesh.schemas.pii import REVEAL
from creditmesh.schemas.screenings import EligibilityIn, EligibilityOut, ScreenedIn, ScreeningOut

T = TypeVar("T")


class Screenings:
    """For departments: each call names the matter and, unless an officer's own token calls, the officer."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def screen(
        self, subject: ScreenedIn, *, matter: Code, officer: str | None = None, key: str | None = None
    ) -> ScreeningOut:
        """Which lists the subject is on today, and which measures the matter must check because of it."""
        return self._asked("/v1/screenings", subject, ScreeningOut, matter=matter, officer=officer, key=key)

    def eligibility(
        self, asked: EligibilityIn, *, matter: Code, officer: str | None = None, key: str | None = None
    ) -> EligibilityOut:
        """Whether the subject is eligible for the matter's rewards, on which grounds, with the evidence."""
        return self._asked("/v1/eligibility", asked, EligibilityOut, matter=matter, officer=officer, key=key)

    def _asked(
        self, path: str, body: BaseModel, into: type[T], *, matter: Code, officer: str | None, key: str | None
    ) -> T:
        call = Call(
            method="POST",
            path=path,
            params={"matter": matter} | ({} if officer is None else {"officer": officer}),
            headers={"Content-Type": "application/json"},
            body=body.model_dump_json(context=REVEAL, exclude_none=True).encode(),
            key=key or new_key(),
        )
        return self._wire.read(call, into)
