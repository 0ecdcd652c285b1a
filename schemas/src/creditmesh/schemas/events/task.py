"""What matching tells of a task."""

from typing import ClassVar, Literal
from uuid import UUID

from creditmesh.schemas.events.base import Event
from creditmesh.schemas.identifiers import Code

Feedback = Literal["applied", "not_applicable", "not_executed", "lifted"]
"""What a department did: `lifted` answers a task whose ground has ended after the measure was applied."""


class TaskChanged(Event):
    """A department answered a task: it applied the measure, did not and says why, or has lifted it."""

    type: ClassVar[str] = "task.changed"

    task: UUID
    subject: UUID
    """Whom the measure is for; not always the one on the list."""
    record: UUID
    """The record that is the ground."""
    rev: int
    """The revision of it that was answered."""
    list: Code
    measure: Code
    party: Code
    outcome: Feedback
    officer: str | None = None

    @property
    def key(self) -> str:
        return str(self.subject)
