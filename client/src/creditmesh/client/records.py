"""A department's own records and submissions, and the rows of it that wait for an officer."""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Literal
from urllib.parse import quote
from uuid import UUID

from pydantic import JsonValue

from creditmesh.client.catalogue import Catalogue
from creditmesh.client.http import Call, Wire, asked, new_idempotency_key, understood
from creditmesh.client.listing import Listing
from creditmesh.client.submission import Lane, Submission
from creditmesh.client.upload import Limits, Upload
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.quality import QualityOut
from creditmesh.schemas.records import (
    CorrectionIn,
    DecisionIn,
    HeldReview,
    OwnRevision,
    RecordEnded,
    RecordEntry,
    RecordSearch,
    ReinstatementIn,
    ReviewEntry,
    ReviewState,
    SubmissionOut,
    SubmissionState,
    WithdrawalIn,
)
from creditmesh.schemas.rules.headers import FieldNames
from creditmesh.schemas.signed import SignedText
from creditmesh.schemas.subject import SubjectIn
from creditmesh.schemas.verdicts import ReceiptLine, Verdict
from creditmesh.schemas.words import RecordState

CorrectionReason = Literal["error", "changed", "supplemented", "reopened"]
WithdrawalReason = Literal["changed", "revoked", "unlawful", "void", "removed", "error"]


class Records:
    """Submitting, reading, correcting, withdrawing. `rev` is what a change was made from: 412 if stale."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def submit(self, item: str, record: Mapping[str, JsonValue], *, idempotency_key: str | None = None) -> Verdict:
        """Submit one record, its fields by catalogue code. A refusal is a `ProblemError` that names the fields."""
        return self._wire.post(
            f"/v1/items/{quote(item, safe='')}/records", dict(record), Verdict, idempotency_key=idempotency_key
        )

    def upload(self, file: Path, *, item: str, charset: str | None = None, limits: Limits | None = None) -> Upload:
        """A file as it will be sent, cut where it is too large; for a table the node is asked for the item's fields."""
        return Upload.of(
            file, names=lambda: FieldNames(Catalogue(self._wire).item(item)), charset=charset, limits=limits
        )

    def submit_file(
        self,
        file: Upload | Path,
        *,
        item: str,
        lane: Lane = "live",
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Submission:
        """Submit a file: iterate the answer for the verdicts. Under the same Idempotency-Key a broken one goes on."""
        upload = file if isinstance(file, Upload) else self.upload(file, item=item)
        return Submission(
            wire=self._wire,
            upload=upload,
            item=item,
            lane=lane,
            dry_run=dry_run,
            idempotency_key=idempotency_key or new_idempotency_key(),
        )

    def find(
        self,
        *,
        number: str | None = None,
        issuer: str | None = None,
        subject: SubjectIn | None = None,
        item: str | None = None,
        state: RecordState | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> Listing[RecordEntry]:
        """Your own records by document number, issuing body, subject, the days they were accepted, state; newest first.

        Each with the `rev` that `correct` and `withdraw` need. Whoever is named, or has that document, sees the look.
        """
        given: dict[str, object] = {"number": number, "issuer": issuer, "subject": subject, "item": item}
        given |= {"state": state, "since": since, "until": until}
        return self._wire.searched("/v1/records/searches", asked(RecordSearch, **given), Page[RecordEntry])

    def read(self, record: UUID) -> OwnRevision:
        """A record as it stands, sensitive fields opened; the person it concerns sees that it was read."""
        return self._wire.get(f"/v1/records/{record}", OwnRevision)

    def revisions(self, record: UUID) -> list[OwnRevision]:
        """Every revision of a record, oldest first; an access like reading it."""
        return self._wire.get(f"/v1/records/{record}/revisions", list[OwnRevision])

    def correct(
        self,
        record: UUID,
        fields: Mapping[str, JsonValue],
        *,
        rev: int,
        reason: CorrectionReason,
        basis: str | None = None,
        idempotency_key: str | None = None,
    ) -> Verdict:
        """Replace the whole content of a record; one that has ended is opened again by it."""
        body = asked(CorrectionIn, fields=dict(fields), reason=reason, basis=basis)
        return self._wire.post(
            f"/v1/records/{record}/corrections", body, Verdict, idempotency_key=idempotency_key, etag=_etag(rev)
        )

    def reinstate(
        self, item: str, fields: Mapping[str, JsonValue], *, basis: str, idempotency_key: str | None = None
    ) -> Verdict:
        """Ask that a decision is taken in again whose withdrawn record was deleted: held for the credit office."""
        body = asked(ReinstatementIn, fields=dict(fields), basis=basis)
        return self._wire.post(f"/v1/items/{item}/reinstatements", body, Verdict, idempotency_key=idempotency_key)

    def withdraw(
        self,
        record: UUID,
        *,
        rev: int,
        reason: WithdrawalReason,
        basis: str | None = None,
        idempotency_key: str | None = None,
    ) -> RecordEnded:
        """End a record: from now on it is shown and used nowhere."""
        body = asked(WithdrawalIn, reason=reason, basis=basis)
        return self._wire.post(
            f"/v1/records/{record}/withdrawal", body, RecordEnded, idempotency_key=idempotency_key, etag=_etag(rev)
        )

    def quality(
        self, *, item: str | None = None, party: str | None = None, since: date | None = None, until: date | None = None
    ) -> QualityOut:
        """How rows were judged and what nodes above refused, item by item; without days, of the last thirty."""
        days = {"since": since, "until": until}
        given = {name: day.isoformat() for name, day in days.items() if day is not None}
        return self._wire.get("/v1/quality", QualityOut, item=item, party=party, **given)


class Submissions:
    """What a department has sent: each submission with its counts, the verdicts and the receipt."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def list(
        self,
        *,
        item: str | None = None,
        state: SubmissionState | None = None,
        since: date | None = None,
        until: date | None = None,
    ) -> Listing[SubmissionOut]:
        """The submissions that were begun on these legal dates, newest first."""
        days = {"since": since, "until": until}
        given = {name: day.isoformat() for name, day in days.items() if day is not None}
        return self._wire.listing("/v1/submissions", Page[SubmissionOut], item=item, state=state, **given)

    def read(self, submission: UUID) -> SubmissionOut:
        """How a submission stands."""
        return self._wire.get(f"/v1/submissions/{submission}", SubmissionOut)

    def verdicts(self, submission: UUID) -> Iterator[Verdict]:
        """The verdicts a submission has so far, in the order sent."""
        return (understood(line, Verdict) for line in self.verdict_lines(submission).split(b"\n") if line)

    def verdict_lines(self, submission: UUID) -> bytes:
        """The same as they came, to the byte: what the receipt's digest is over."""
        return self._wire.answer(Call(method="GET", path=f"/v1/submissions/{submission}/verdicts")).content

    def receipt(self, submission: UUID) -> SignedText:
        """The receipt of a complete submission (`said(Receipt, ...)` reads it); 404 while it is not."""
        return self._wire.get(f"/v1/submissions/{submission}/receipt", ReceiptLine).receipt


class Reviews:
    """Held rows, for officers with a token of their own."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def waiting(self, *, state: ReviewState = "held") -> Listing[ReviewEntry]:
        """Held rows in the order they were held, without what they say; or those that were decided."""
        return self._wire.listing("/v1/reviews", Page[ReviewEntry], state=state)

    def read(self, review: UUID) -> HeldReview:
        """One held row with what it says; the person it concerns sees that it was read."""
        return self._wire.get(f"/v1/reviews/{review}", HeldReview)

    def release(self, review: UUID, *, note: str | None = None, idempotency_key: str | None = None) -> Verdict:
        """Let a held row into its record."""
        return self._decide(review, DecisionIn(decision="release", note=note), idempotency_key)

    def refuse(self, review: UUID, *, note: str | None = None, idempotency_key: str | None = None) -> Verdict:
        """Refuse a held row for good."""
        return self._decide(review, DecisionIn(decision="refuse", note=note), idempotency_key)

    def confirm_number(self, subject: SubjectIn, *, idempotency_key: str | None = None) -> None:
        """Say that a doubtful number is somebody's all the same: questions by it are answered from then on."""
        self._wire.tell("/v1/subjects/confirmations", subject, idempotency_key=idempotency_key)

    def _decide(self, review: UUID, decision: DecisionIn, idempotency_key: str | None) -> Verdict:
        return self._wire.post(f"/v1/reviews/{review}/decision", decision, Verdict, idempotency_key=idempotency_key)


def _etag(rev: int) -> str:
    return f'"{rev}"'
