"""What a node above signs about a look at copies of records: for the node whose records they are, and its people."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from creditmesh.schemas.bounds import Day, Instant
from creditmesh.schemas.events.access import CallerKind
from creditmesh.schemas.identifiers import Code, NodeCode
from creditmesh.schemas.signed import Statement
from creditmesh.schemas.texts import CitedElsewhere, Word

MOST_ABOUT = 100
"""Records of one statement; more are told in more of them."""
SUBJECT = "subject"
"""The role of whom a record is about, beside those of the persons that it names."""


class AboutRecord(BaseModel):
    """A record that was shown, and as what it names the person who was looked at: subjects are each node's own."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    record: UUID
    role: Word = SUBJECT


class AccessStatement(Statement):
    """One disclosure of copies of one node's records at another: who looked, when, why, and by what right."""

    by: NodeCode
    """Where it was: the node that signs."""
    origin: NodeCode
    """The node whose records they are; its statement names no other's."""
    at: Instant
    access: UUID
    """The decision id there."""
    caller: CallerKind
    party: Code | None = None
    officer: CitedElsewhere | None = None
    purpose: Word
    matter: Code | None = None
    ground: Word
    use_until: Day | None = None
    about: Annotated[tuple[AboutRecord, ...], Field(min_length=1, max_length=MOST_ABOUT)]
