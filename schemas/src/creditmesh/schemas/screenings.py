"""What matching is asked and answers about subjects: screenings, eligibility for rewards, who is on a list."""

from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from creditmesh.schemas.bodies import In, Out
from creditmesh.schemas.identifiers import Code, NodeCode, SubjectKind
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.queries import Mark
from creditmesh.schemas.subject import Document, SubjectIn

Role = Literal["listed", "responsible"]
"""`listed`: the subject itself is on the list; `responsible`: of an organisation that is (法定代表人)."""
Certainty = Literal["exact", "partial", "number_needed", "invalid"]
"""`exact`: the number found the subject; `partial`: it did, and the credential does not reach every item of the matter
or something cannot be read, so that what is not told may apply all the same; `number_needed`: a name alone identifies
nobody; `invalid`: no such number, or a doubtful one that nobody is known by."""


class ScreenedIn(In):
    """A subject to be screened. Without a document nobody is identified, and nothing applies."""

    kind: SubjectKind
    document: Document | None = None
    name: Pii | None = None

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.document is None and not self.name:
            raise PydanticCustomError("nobody_named", "a document, or at least a name")
        return self


class DesignationFound(Out):
    """A place on a list that is visible today, and the record it comes from."""

    list: Code
    record: UUID
    item: Code
    role: Role
    origin: NodeCode
    mark: Literal["disputed"] | None = None
    since: date
    until: date | None = None
    """The first day on which it holds no more; None: open."""
    verified: bool = True
    """False, in a sandbox: nobody has confirmed the list."""


class MeasureFound(Out):
    """A measure that applies to the subject for the matter, because of that list and that record."""

    measure: Code
    list: Code
    record: UUID
    verified: bool = True
    """False, in a sandbox: nobody has confirmed the measure; elsewhere a restriction like it applies to nobody."""


class ScreeningOut(Out):
    """What applies to one subject for the matter. Nothing of it may be used on or after `use_until`: ask again."""

    row: int
    """Its place among the subjects sent, from 1."""
    certainty: Certainty
    designations: tuple[DesignationFound, ...] = ()
    measures: tuple[MeasureFound, ...] = ()
    """Restrictions that the matter must check."""
    rewards: tuple[MeasureFound, ...] = ()
    marks: tuple[Mark, ...] = ()
    decision_id: UUID | None = None
    """The access under which the subject finds it in their log; None where nobody was identified."""
    use_until: date | None = None
    as_of: date
    reasons: tuple[FieldError, ...] = ()
    """Why nobody was identified."""
    unreadable: tuple[UUID, ...] = ()
    """Records of the subject that this node cannot read just now, of which nothing is said. Ask again later."""
    out_of_reach: tuple[Code, ...] = ()
    """With `partial`: the items of the matter of which nothing is said."""


class EligibilityIn(In):
    """Whether a subject is eligible for the rewards of a matter."""

    subject: SubjectIn
    years: Annotated[int, Field(ge=1, le=10)] | None = None
    """Judge the clean years over so many, never fewer than the measure says; None: as the measure says."""


class AdverseFound(Out):
    """An adverse record that is visible today and was decided within the years looked at."""

    record: UUID
    item: Code
    decided_on: date
    mark: Literal["disputed"] | None = None


class EligibilityGround(Out):
    """Why the subject is eligible for a reward."""

    ground: Literal["red_list", "clean_years"]
    measure: Code
    list: Code | None = None
    record: UUID | None = None
    """With `red_list`: the list and the record that puts the subject on it."""
    years: int | None = None
    """With `clean_years`: over how many."""


class EligibilityOut(Out):
    """Eligible or not, on which grounds, and the evidence looked at. Not to be used on or after `use_until`."""

    decision_id: UUID
    eligible: bool
    grounds: tuple[EligibilityGround, ...]
    rewards: tuple[Code, ...]
    """The measures of the matter that follow."""
    years: int | None
    """Over how many years adverse records were looked for; None: no reward of the matter is for the clean."""
    evidence: tuple[AdverseFound, ...]
    partial: bool = False
    """The credential does not reach every item of the matter, or something cannot be read: nobody is found clean by it,
    and evidence may lack."""
    unreadable: tuple[UUID, ...] = ()
    """Records of the subject that this node cannot read just now, of which nothing is said. Ask again later."""
    out_of_reach: tuple[Code, ...] = ()
    """With `partial`: the items of the matter that were not looked at."""
    use_until: date
    as_of: date


class DesignationOut(Out):
    """Somebody who is on the list today: an organisation by name and code, a person only as far as the item shows."""

    record: UUID
    list: Code
    item: Code
    kind: SubjectKind
    name: str | None = None
    number: str | None = None
    origin: NodeCode
    mark: Literal["disputed"] | None = None
    since: date
    until: date | None = None
