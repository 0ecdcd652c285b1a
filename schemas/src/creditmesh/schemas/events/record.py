"""What is told of a record's life: by ingestion, and by the exchange where a revision's number is taken above."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from creditmesh.schemas.encodings import Json
from creditmesh.schemas.events.base import Event
from creditmesh.schemas.identifiers import Code, NodeCode, SubjectKind
from creditmesh.schemas.sealed import Sealed
from creditmesh.schemas.words import Change, RecordState, Severity

__all__ = ["Change", "RecordChanged", "RecordPurged", "RecordState", "Related", "RevisionOutnumbered", "Severity"]


class Related(BaseModel):
    """Another subject the record names, such as an organisation's legal representative."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    role: str
    subject: UUID
    part: int


class RecordChanged(Event):
    """One revision of one record, whole: the newest `rev` of a record says everything about it."""

    type: ClassVar[str] = "record.changed"

    subject: UUID
    kind: SubjectKind
    record: UUID
    revision: UUID
    rev: int
    origin_rev: int | None = None
    """Of a copy whose content came after it was withheld for it: the number at its origin; None: `rev` is that."""
    change: Change
    item: Code
    item_version: int
    origin: NodeCode
    lane: Literal["live", "backfill"] = "live"
    state: RecordState = "published"
    mark: Literal["disputed"] | None = None
    severity: Severity | None = None
    decided_on: date
    display_from: date
    display_until: date | None = None
    """The first day on which it is shown no more; None: open."""
    issuer: str
    """The issuing body's 18-character code."""
    party: Code
    """The party that submitted it."""
    submission: UUID | None = None
    officer: str | None = None
    reason: str | None = None
    basis: str | None = None
    case: UUID | None = None
    """The case whose step made this revision."""
    false_material: bool = False
    """Whether a repair of it was obtained by false material and revoked: it is shown for the longest period."""
    about: UUID | None = None
    """Of `discharged`: the related person whom the record concerns no more, whatever later revisions say."""
    fields: dict[str, Json]
    """The fields that are not sensitive, by catalogue code, in catalogue order."""
    sealed: tuple[Sealed, ...] = ()
    related: tuple[Related, ...] = ()

    @property
    def key(self) -> str:
        return str(self.subject)

    @property
    def named(self) -> tuple[UUID, ...]:
        """Whom it names beside its subject, each once."""
        if not self.related:
            return ()
        return tuple(dict.fromkeys(each.subject for each in self.related if each.subject != self.subject))


class RecordPurged(Event):
    """A record was kept for its term after it ended, or was erased, and is deleted here; readers delete theirs."""

    type: ClassVar[str] = "record.purged"

    subject: UUID
    record: UUID
    item: Code
    named: tuple[UUID, ...] = ()
    """Whom it ever named beside its subject."""

    @property
    def key(self) -> str:
        return str(self.subject)


class RevisionOutnumbered(Event):
    """A revision that this node decided has a number that its feed `up` has for another one of the record.

    What it decided from there on, and still stands, is to have numbers above `above`.
    """

    type: ClassVar[str] = "revision.outnumbered"

    record: UUID
    revision: UUID
    above: int

    @property
    def key(self) -> str:
        return str(self.record)
