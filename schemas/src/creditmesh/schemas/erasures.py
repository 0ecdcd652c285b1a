"""The erasure of a person's data: what an operator orders, and the entry that stays, which says of nobody."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from creditmesh.schemas.acknowledgements import Proof
from creditmesh.schemas.bodies import In, Out
from creditmesh.schemas.events.holder import HolderKind, HolderOutcome
from creditmesh.schemas.identifiers import Code, NodeCode
from creditmesh.schemas.subject import SubjectIn
from creditmesh.schemas.texts import Cited, Officer
from creditmesh.schemas.words import ErasureGround

KeyState = Literal["goes", "stays", "destroyed"]
"""What becomes of a person's key: it goes with what was ordered, it stays for what is not, or it is destroyed."""
MOST_RECORDS = 1000
"""Records that one order may name."""


class ErasureIn(In):
    """Whose records of this node are to be erased, who answers for it, on which ground and by which document."""

    person: SubjectIn
    ground: ErasureGround
    basis: Cited
    officer: Officer
    records: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MOST_RECORDS)] | None = None
    """These alone; None: all that this node has made about the person."""
    confirmed: bool = False
    """Without it nothing is done, and the answer says what would be."""

    @model_validator(mode="after")
    def _names_what_rests_on_consent(self) -> "ErasureIn":
        if self.ground == "consent_withdrawn" and self.records is None:
            raise PydanticCustomError("records_needed", "name the records that rest on the consent: others do not")
        return self


class ErasedRecordOut(Out):
    """A record that is erased, and how its holders stand to that."""

    record: UUID
    rev: int
    """By which its end is told; before it is erased its newest."""
    item: Code
    party: Code
    """Who submitted it, and must not send it again."""
    deleted: bool = False
    """Whether it is deleted here; until then some reader has still to know."""
    pending: tuple[Code, ...]
    """The nodes and departments that have not answered that they erased it; this node while not all are known.

    Of what is only considered: nobody.
    """
    holders: tuple["ErasureLine", ...] = ()


class ErasureLine(Out):
    """How one holder stands to the erasure of a record."""

    holder: Code
    kind: HolderKind
    outcome: HolderOutcome
    at: datetime
    code: str | None = None
    """Why it was refused."""
    proof: Proof | None = None
    """Of a node that answered: what verifies off line."""
    use_until: date | None = None
    """Of a bureau: the first day on which what it has may be used no more."""


class ErasureOut(Out):
    """An erasure: what would go, or what went, and what is pending. Nothing in it says of whom."""

    erasure: UUID | None = None
    """None: nothing was done."""
    at: datetime | None = None
    officer: str
    ground: ErasureGround
    basis: str
    records: tuple[ErasedRecordOut, ...] = ()
    held_rows: int = 0
    """Rows that waited for an officer, or were refused: what they said goes."""
    erased_before: tuple[UUID, ...] = ()
    """Records that the order names and that are erased already: an order may be given again."""
    elsewhere: dict[NodeCode, int] = Field(default_factory=dict)
    """Records about the person that other nodes had sent when it was ordered: only their operators erase these."""
    named_in: int = 0
    """Records and held rows about others that named the person when it was ordered: they stay, and the key too."""
    key: KeyState | None = None
    """Whether the key that opens what is left is destroyed: it goes with the last that needs it; None: not asked."""
    key_destroyed_at: datetime | None = None
    """When it was; of a person of two keys, the second."""
    complete: bool | None = None
    """Whether all is deleted here, every node and department has answered that it is there, and the key is destroyed,
    unless it stays; None: not asked, or all is gone and of the key nothing is known."""
