"""One disclosure or refusal of personal data; and what a bureau was given, which it holds from then on."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from creditmesh.schemas.events.base import Event
from creditmesh.schemas.identifiers import Code, NodeCode
from creditmesh.schemas.signed import SignedText

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
    """The earlier decision that was asked for again under its Idempotency-Key, and was evaluated and logged anew."""
    items: tuple[Code, ...] = ()
    """The items of which something was released (or asked for, on a refusal)."""
    records: tuple[UUID, ...] = ()
    use_until: date | None = None
    """The first day on which what was released may be used no more."""
    node: NodeCode | None = None
    """The node above at which copies of these records were looked at, as it signed; None: this node."""
    looked_at: datetime | None = None
    """When it was there."""


class AccessRecorded(Access, Event):
    """One access, and whom it was about. Refusals are recorded too."""

    type: ClassVar[str] = "access.recorded"

    subject: UUID

    @property
    def key(self) -> str:
        return str(self.subject)


class CopiesDisclosed(Access, Event):
    """Records were disclosed at a node that others send records to: who sent those is told who looked at them.

    Emitted beside the `access.recorded` of the same decision, which is the line of the log.
    """

    type: ClassVar[str] = "access.copies_disclosed"

    subject: UUID

    @property
    def key(self) -> str:
        return str(self.subject)


class AccessToPass(Event):
    """What a node below is to be told of an access to copies of its records, or of records that it passed on."""

    type: ClassVar[str] = "access.to_pass"

    child: NodeCode
    statement: SignedText
    """A `schemas.accesses.AccessStatement`, signed by the node where it was."""

    @property
    def key(self) -> str:
        return self.child


class AccessReceived(Event):
    """A node above has looked at copies of records that this node sent or passed on: verified, as it signed it."""

    type: ClassVar[str] = "access.received"

    peer: NodeCode
    """Who told it."""
    statement: SignedText

    @property
    def key(self) -> str:
        return self.peer


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
