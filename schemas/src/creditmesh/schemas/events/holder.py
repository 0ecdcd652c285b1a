"""What exchange tells of who holds a record, and whether they know that it changed."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from creditmesh.schemas.acknowledgements import Proof
from creditmesh.schemas.events.base import Event
from creditmesh.schemas.identifiers import Code
from creditmesh.schemas.words import Change

HolderKind = Literal["node", "department", "bureau"]
HolderOutcome = Literal["told", "acknowledged", "refused", "unreachable", "unshared"]
"""`told`: it is on its way there. `unreachable`: a bureau, which has no feed yet and asks again by `use_until`.

Of this node itself, once a revision: `told`, that everybody was, the nodes `above` among them; `unshared`, that it has
sent the revision to no node: not the record, or that it is withheld in its place."""


class HolderChanged(Event):
    """How one holder stands to one revision that marks or ends a record, or that the holder refused."""

    type: ClassVar[str] = "holder.changed"
    version: ClassVar[int] = 2
    """2: `proof.acknowledgement` is the text that was signed; in 1 its members stood there, and are read as it."""

    subject: UUID
    record: UUID
    rev: int
    change: Change
    holder: Code
    """The code of the node, the department or the bureau."""
    kind: HolderKind
    outcome: HolderOutcome
    at: datetime
    """When the holder answered, or when it was told."""
    item: Code
    party: Code
    """The party that submitted the record."""
    code: str | None = None
    """Why it was refused."""
    proof: Proof | None = None
    """Of a node that answered about a mark or an end: what verifies off line."""
    above: tuple[Code, ...] = ()
    """Of this node itself: the nodes directly above that may have the record, also where they were taken out since."""
    task: UUID | None = None
    """Of a department: the task it answered."""
    last_access: datetime | None = None
    use_until: date | None = None
    """Of a bureau: when it last read the record, and until when that answer may be used."""

    @property
    def key(self) -> str:
        return str(self.subject)
