"""What repair tells of a case."""

from typing import ClassVar, Literal
from uuid import UUID

from creditmesh.schemas.events.base import Event
from creditmesh.schemas.identifiers import Code

CaseKind = Literal["objection", "repair"]
CaseState = Literal["filed", "returned", "accepted", "approved", "refused", "appealed", "closed", "revoked"]
"""`returned`: documents are missing, listed once. `approved`: repaired, or the objection upheld. `revoked`: that
was taken back, and the record is open again."""
CaseEffect = Literal["mark", "unmark", "repair", "withdraw", "discharge", "reopen"]
"""What a step of a case does to its record; most steps do nothing to it. `discharge`: the case is that of a person whom
the record only names, and ends it for them alone. `reopen`: what the case had ended is shown again as it was."""


class CaseChanged(Event):
    """A case took a step. Where the step has an effect, ingestion writes it as a revision of the record."""

    type: ClassVar[str] = "case.changed"

    case: UUID
    kind: CaseKind
    subject: UUID
    record: UUID
    state: CaseState
    effect: CaseEffect | None = None
    party: Code | None = None
    """The party that took the step; None where the subject did."""
    officer: str | None = None
    basis: str | None = None
    """The decision's number, where it has one."""
    false_material: bool = False
    """Of a revocation: whether the repair had been obtained by false material."""

    @property
    def key(self) -> str:
        return str(self.subject)
