"""One disclosure or refusal of personal data; and what a bureau was given, which it holds from then on."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from creditmesh.schemas.events.base import Event
from creditmesh.schemas.identifiers import Code

CallerKind = Literal["department", "bureau", "subject", "office", "node", "operator", "public"]
AccessOutcome = Literal["released", "nothing", "refused"]


class Access(BaseModel):
    """Who looked, why, on what ground, and what came of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    access: UUID
    """The decision id, echoed in the answer."""
    caller: CallerKind
    party: Code | None = None
    officer: str | None = None
    purpose: str
    """A purpose of the catalogue, or the operation's own word (`own_file`, `review`)."""
    matter: Code | None = None
    ground: str
    """`self`, `statutory`, `authorisation`, `public`, or what was claimed and found wanting."""
    authorisation: UUID | None = None
    outcome: AccessOutcome
    reason: str | None = None
    """The stable code of the refusal."""
    repeats: UUID | None = None
    """The earlier decision that was asked for again under its idempotency key, and was evaluated and logged anew."""
    items: tuple[Code, ...] = ()
    """The items of which something was released (or asked for, on a refusal)."""
    records: tuple[UUID, ...] = ()
    use_until: date | None = None
    """The first day on which what was released may be used no more."""


class AccessRecorded(Access, Event):
    """One access, and whom it was about. Refusals are recorded too."""

    type: ClassVar[str] = "access.recorded"

    subject: UUID

    @property
    def key(self) -> str:
        return str(self.subject)


class DisclosedToBureau(Event):
    """A bureau was given these records: it is told of as their holder when they end.

    Emitted beside the `access.recorded` of the same decision, which is the line of the log.
    """

    type: ClassVar[str] = "access.disclosed_to_bureau"

    access: UUID
    """The decision id of the access."""
    subject: UUID
    party: Code
    """The bureau."""
    records: tuple[UUID, ...]
    use_until: date | None = None
    """The first day on which what was released may be used no more."""

    @property
    def key(self) -> str:
        return str(self.subject)
