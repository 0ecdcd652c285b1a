"""Tasks: measures that a department must apply to a subject, and what it answers."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from creditmesh.schemas.bodies import In, Out
from creditmesh.schemas.events.task import Feedback
from creditmesh.schemas.identifiers import Code, NodeCode, SubjectKind
from creditmesh.schemas.screenings import Role
from creditmesh.schemas.texts import Note, Officer

TaskState = Literal["open", "answered", "withdrawn", "closed"]
"""`open`: to be answered. `withdrawn`: its ground has ended, and the measure that was applied must be lifted.
`closed`: it was lifted. A task whose ground ended without the measure having been applied is there no more."""
TaskId = Annotated[str, Field(max_length=114)]
"""`<record>.<12 hex digits>.<measure>`: the digits stand for whom the measure is for, and tell nobody who that is."""


class Concerned(Out):
    """Whom a measure is for, as the department that must apply it needs to know."""

    kind: SubjectKind
    name: str | None = None
    number: str | None = None
    """None: what was known of the person was erased."""


class TaskAnswer(Out):
    """The newest answer to a task."""

    outcome: Feedback
    reason: str | None = None
    officer: str
    at: datetime


class TaskOut(Out):
    """A measure that the department must apply to a subject, as long as its ground is visible."""

    id: TaskId
    task: UUID
    """The id by which events name it."""
    state: TaskState
    measure: Code
    name: str
    name_zh: str
    nature: Literal["reward", "restriction"]
    verified: bool = True
    """False, in a sandbox: nobody has confirmed the measure or the list; elsewhere it would restrict nobody."""
    list: Code
    record: UUID
    item: Code
    origin: NodeCode
    role: Role
    mark: Literal["disputed"] | None = None
    subject: Concerned | None = None
    """None once it is closed."""
    since: date
    """The first day on which the task stood at this node."""
    age_days: int
    due: date | None = None
    """The tenth working day after `since`; None, with `due_note`: the holiday calendar does not know that year."""
    due_note: str | None = None
    due_note_zh: str | None = None
    answer: TaskAnswer | None = None
    answers: int = 0
    """How many answers the party gave so far: the `ETag` on which the next one is decided."""


class FeedbackIn(In):
    """A department's answer: it applied the measure, or did not and says why, or has lifted it."""

    outcome: Feedback
    reason: Note | None = None
    """Needed with `not_applicable` and `not_executed`. No personal data."""
    officer: Officer | None = None
    """Who answers; not needed with an officer's own token."""

    @model_validator(mode="after")
    def _explained(self) -> Self:
        if self.outcome in {"not_applicable", "not_executed"} and self.reason is None:
            raise PydanticCustomError("reason_needed", "say why the measure was not applied")
        return self


class FeedbackOut(Out):
    """The answer as it was kept."""

    feedback: UUID
    id: TaskId
    task: UUID
    outcome: Feedback
    reason: str | None = None
    officer: str
    at: datetime
