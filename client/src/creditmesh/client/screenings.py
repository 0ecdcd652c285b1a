"""What a department asks before it deals with subjects: what applies to them, what they are eligible for."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from creditmesh.client.errors import NotUnderstood
from creditmesh.client.http import Call, Wire, new_idempotency_key, understood
from creditmesh.client.listing import Listing
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.pii import REVEAL
from creditmesh.schemas.screenings import DesignationOut, EligibilityIn, EligibilityOut, ScreenedIn, ScreeningOut

BATCH = 1000
"""Subjects that are asked about at once; a node takes ten times as many, and answers when it has the last."""
_SILENCE = 120.0


class Screenings:
    """For departments: each call names the matter and, unless an officer's own token calls, the officer.

    Each subject finds in their log who asked, and for what.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def screen(
        self, subject: ScreenedIn, *, matter: str, officer: str | None = None, idempotency_key: str | None = None
    ) -> ScreeningOut:
        """Which designations, restrictions and rewards apply to one subject today."""
        return self._wire.post(
            "/v1/screenings", subject, ScreeningOut, params=_ground(matter, officer), idempotency_key=idempotency_key
        )

    def screen_many(
        self, subjects: Iterable[ScreenedIn], *, matter: str, officer: str | None = None, batch: int = BATCH
    ) -> Iterator[ScreeningOut]:
        """The same for many, in their order, `row` numbered through from 1."""
        waiting, before = iter(subjects), 0
        while asked := list(islice(waiting, batch)):
            for answer in self._answers(asked, matter, officer):
                yield answer.model_copy(update={"row": before + answer.row}) if before else answer
            before += len(asked)

    def eligibility(
        self, asked: EligibilityIn, *, matter: str, officer: str | None = None, idempotency_key: str | None = None
    ) -> EligibilityOut:
        """Whether a subject is eligible for the matter's rewards, on which grounds, with the evidence looked at."""
        return self._wire.post(
            "/v1/eligibility", asked, EligibilityOut, params=_ground(matter, officer), idempotency_key=idempotency_key
        )

    def on_list(self, code: str) -> Listing[DesignationOut]:
        """Who is on a list today: organisations by name and code, persons masked."""
        return self._wire.listing("/v1/designations", Page[DesignationOut], list=code)

    def _answers(self, asked: Sequence[ScreenedIn], matter: str, officer: str | None) -> list[ScreeningOut]:
        lines = [subject.model_dump_json(context=REVEAL, exclude_none=True) for subject in asked]
        call = Call(
            method="POST",
            path="/v1/screenings",
            params=_ground(matter, officer),
            headers={"Content-Type": "application/x-ndjson"},
            body="\n".join((*lines, "")).encode(),
            idempotency_key=new_idempotency_key(),
            patience=_SILENCE,
        )
        content = self._wire.answer(call).content
        answers = [understood(line, ScreeningOut) for line in content.split(b"\n") if line]
        if [answer.row for answer in answers] != list(range(1, len(asked) + 1)):
            raise NotUnderstood(
                "There is not one answer for each subject, in their order.", "应答与所送主体未能按序逐一对应。"
            )
        return answers


def _ground(matter: str, officer: str | None) -> dict[str, str]:
    return {"matter": matter} | ({} if officer is None else {"officer": officer})
