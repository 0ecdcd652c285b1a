"""What the ingestion service is asked and answers beside verdicts: own records, submissions, reviews."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, JsonValue, StringConstraints

from creditmesh.schemas.bodies import In, Out
from creditmesh.schemas.bounds import Day
from creditmesh.schemas.identifiers import Code, NodeCode
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.subject import SubjectIn
from creditmesh.schemas.texts import STORABLE, Cited, Note
from creditmesh.schemas.verdicts import VerdictWord
from creditmesh.schemas.words import Change, RecordState, Severity

SubmissionState = Literal["under_way", "done"]
ReviewState = Literal["held", "released", "refused", "expired"]
"""`expired`: nobody decided it within the term of its item; what it said is deleted, and the row may be sent again."""


class CorrectionIn(In):
    """The whole new content of a record, by catalogue code, and why it changes."""

    fields: Annotated[dict[str, JsonValue], Field(max_length=200, repr=False)]
    reason: Literal["error", "changed", "supplemented", "reopened"]
    basis: Cited | None = None


class ReinstatementIn(In):
    """A decision that holds again, whose withdrawn record was deleted after its term: the whole row."""

    fields: Annotated[dict[str, JsonValue], Field(max_length=200, repr=False)]
    basis: Annotated[Cited, Field(min_length=1)]
    """The document by which it holds again."""


class WithdrawalIn(In):
    """Why a record ends.

    Its decision was changed, revoked, found unlawful or void (行政处罚法 art. 48), the subject was removed from the
    list, or the record was entered in error.
    """

    reason: Literal["changed", "revoked", "unlawful", "void", "removed", "error"]
    basis: Cited | None = None


class OwnRevision(Out):
    """One revision of a record as the party that submitted it sees it, sealed fields opened."""

    record: UUID
    revision: UUID
    rev: int
    change: Change
    item: Code
    item_version: int
    state: RecordState
    mark: Literal["disputed"] | None = None
    severity: Severity | None = None
    decided_on: date
    display_from: date
    display_until: date | None = None
    """The first day on which it is shown no more; None: open."""
    false_material: bool = False
    """Whether a repair of it was obtained by false material and revoked: it is shown for the longest period."""
    issuer: str
    party: Code
    origin: NodeCode
    submission: UUID | None = None
    officer: str | None = None
    reason: str | None = None
    basis: str | None = None
    at: datetime
    legal_date: date
    fields: dict[str, JsonValue] = Field(repr=False)
    """Empty once the record is shown no more: its period or the record has ended, or its item was withdrawn."""


class RecordSearch(In):
    """Which of your own records; whatever is left out is any."""

    number: Pii | None = None
    """The document's number, as it was sent or as another officer would write it."""
    issuer: Annotated[str, StringConstraints(max_length=64, pattern=STORABLE)] | None = None
    """The code of 18 characters of the body that issued it."""
    subject: SubjectIn | None = None
    item: Code | None = None
    state: RecordState | None = None
    since: Day | None = None
    """The first legal date on which they were accepted."""
    until: Day | None = None
    """The last one, included."""
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=200, pattern=STORABLE)] | None = None


class RecordEntry(Out):
    """One of your own records without what it says."""

    record: UUID
    rev: int
    """The number of its newest revision, which a change needs in quotes as `If-Match`."""
    item: Code
    state: RecordState
    mark: Literal["disputed"] | None = None
    issuer: str
    decided_on: date
    accepted_on: date
    """The legal date on which it was accepted."""
    changed_on: date
    """The legal date of its newest revision."""
    submission: UUID | None = None
    """The submission by which its newest revision came, if by one."""


class RecordEnded(Out):
    """What a withdrawal made of a record."""

    record: UUID
    rev: int
    """The number of the revision that ended it."""
    state: RecordState


class SubmissionOut(Out):
    """How a submission stands; it is `done` when its receipt is there."""

    submission: UUID
    item: Code
    item_version: int
    lane: Literal["live", "backfill"]
    state: SubmissionState
    done: int
    """Rows that have their verdict."""
    total: int
    counts: dict[VerdictWord, int]
    at: datetime
    legal_date: date
    links: dict[Literal["verdicts", "receipt"], str]


class ReviewEntry(Out):
    """One held row without what it says."""

    review: UUID
    state: ReviewState
    item: Code
    party: Code
    submission: UUID | None = None
    row: int
    """Its place in the submission."""
    record: UUID | None = None
    """The record it would change; None: it would be new."""
    reason: str | None = None
    basis: str | None = None
    """What a correction, or a reinstatement (`reinstated`), gave as its own."""
    reasons: tuple[FieldError, ...]
    at: datetime
    officer: str | None = None
    note: str | None = None
    decided_at: datetime | None = None


class HeldReview(ReviewEntry):
    """One held row with what it says."""

    fields: dict[str, JsonValue] = Field(repr=False)
    """Empty once it is decided, or while its item is not in force."""


class DecisionIn(In):
    """What an officer decides of a held row."""

    decision: Literal["release", "refuse"]
    note: Note | None = None


class SubjectFound(Out):
    """The subject that a document belongs to."""

    subject: UUID
