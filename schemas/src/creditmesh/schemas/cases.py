"""What the repair service is asked and answers: cases, their evidence and steps, and who knows of what they changed."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from creditmesh.schemas.acknowledgements import Proof
from creditmesh.schemas.bodies import In, Out
from creditmesh.schemas.events.case import CaseEffect, CaseKind, CaseState
from creditmesh.schemas.events.holder import HolderKind, HolderOutcome
from creditmesh.schemas.identifiers import Code, NodeCode
from creditmesh.schemas.signed import Statement
from creditmesh.schemas.texts import Cited, Said
from creditmesh.schemas.words import Change

EvidenceKind = Literal["proof", "commitment", "statement"]
"""`proof` of correction and performance, the public `commitment` (信用承诺书), a `statement` or any other document."""
EvidenceMedia = Literal["application/pdf", "image/png", "image/jpeg"]
Action = Literal["accept", "return", "approve", "refuse", "appeal", "revoke"]
"""`revoke`: an approval that ended the record is taken back by whoever gave it."""
Remedy = Literal["withdraw", "corrected"]
"""How an objection is upheld: its record ends (for somebody whom it only names: for them), or was corrected already."""
Wanted = Literal["correct", "add", "stop_publication", "remove"]
"""What the subject asks for: put it right, complete it, show it no more, take them off the list."""
StepAction = Literal[
    "file",
    "complete",
    "accept",
    "return",
    "approve",
    "refuse",
    "appeal",
    "revoke",
    "record_ended",
    "record_reopened",
]
"""`complete`: the last missing document came. `record_ended`: the record ended otherwise, or was deleted, so that
nothing is left. `record_reopened`: its body opened it again, and the case goes on where it stood."""
EffectChange = Change | Literal["deleted"]
"""`deleted`: the record was deleted after its term before what was decided became a revision."""
Standing = Literal["none", "under_way", "done"]


class CaseIn(In):
    """What a subject files about a record that is about them, or names them: then for themselves alone."""

    kind: CaseKind
    record: UUID
    statement: Annotated[Said, Field(repr=False)]
    """In the subject's own words: what is wrong, or how it was put right."""
    outcome_wanted: Wanted | None = None


class ActionIn(In):
    """One step of a case; which of these it takes depends on the action."""

    action: Action
    reason: Annotated[Said | None, Field(repr=False)] = None
    """In words, to the subject; a refusal needs it, and a revocation: its ground."""
    basis: Cited | None = None
    """The decision's number; a revocation needs it. It travels in clear: no person's data."""
    missing: Annotated[tuple[EvidenceKind, ...], Field(max_length=3)] = ()
    """Of `return`: every document that is missing, all at once; a case is returned once."""
    remedy: Remedy | None = None
    """Of `approve` of an objection."""
    false_material: bool = False
    """Of `revoke` of a repair: it was obtained by false material, and what the item's rule says follows."""


class EvidenceOut(Out):
    """One document of a case, by what it is; its content is at `/v1/cases/{id}/evidence/{digest}`."""

    digest: str
    """Hex SHA-256 of its bytes."""
    kind: EvidenceKind
    media_type: EvidenceMedia
    size: int
    """Bytes."""
    at: datetime


class StepOut(Out):
    """One step of a case: who did what, when, why."""

    number: int
    """1 for the filing."""
    action: StepAction
    state: CaseState
    """The state after it."""
    at: datetime
    legal_date: date
    party: Code | None = None
    """None: the subject. The node's own code: the node, which deletes records after their term."""
    officer: str | None = None
    reason: str | None = Field(default=None, repr=False)
    basis: str | None = None
    missing: tuple[EvidenceKind, ...] = ()
    remedy: Remedy | None = None
    effect: CaseEffect | None = None
    """What it does to the record."""
    rev: int | None = None
    """The revision that did so; None while it is under way."""


class CaseEntry(Out):
    """A case as it stands, without what was said in it."""

    case: UUID
    kind: CaseKind
    state: CaseState
    """`closed` also where the time for an appeal is over."""
    record: UUID
    item: Code
    party: Code
    """The party that made the record, and decides."""
    filed_on: date
    due: date | None = None
    """The last day of whoever has it now: to accept or return it, to decide it, to decide its appeal."""
    calendar: Literal["known", "unknown", "stopped"] = "known"
    """`unknown`: the holiday calendar does not know the year yet, so the deadline is open rather than guessed.

    `stopped`: the time for an appeal, while another case that bars it is decided; what is left of it goes on after.
    """
    overdue: bool = False
    appeal_until: date | None = None
    """The last day on which the subject may appeal against a refusal."""
    appeal_open: bool = False
    """Whether an appeal may be made today; an end that is not known counts as open."""
    final: bool = False
    """Whether a refusal can be appealed no more."""
    marking: Standing = "none"
    """Whether the record carries the mark `disputed` because of this case."""
    effect: Literal["under_way", "done"] | None = None
    """Whether what was decided has become a revision of the record; None: it changes nothing."""
    false_material_on: date | None = None
    """The day on which the repair was revoked because it had been obtained by false material."""


class CaseOut(CaseEntry):
    """A case whole."""

    rev: int
    """The revision of the record that it was filed about."""
    statement: str | None = Field(default=None, repr=False)
    """None once the person was erased."""
    outcome_wanted: Wanted | None = None
    missing: tuple[EvidenceKind, ...] = ()
    """What it was returned for and still lacks."""
    evidence: tuple[EvidenceOut, ...] = ()
    steps: tuple[StepOut, ...] = ()


class CertificateLine(Out):
    """How one holder stands to the revision."""

    holder: Code
    kind: HolderKind
    outcome: HolderOutcome | Literal["not_told"]
    """`not_told`: a node above of which nothing is known yet; the node itself: not all who may hold it are known."""
    at: datetime | None = None
    code: str | None = None
    """Why it was refused."""
    proof: Proof | None = None
    """Of a node that answered: what verifies off line."""
    task: UUID | None = None
    """Of a department: the task it answered."""
    reachable: bool = True
    """False of a bureau, which is told when it next asks."""
    last_access: datetime | None = None
    use_until: date | None = None
    """Of a bureau: the first day on which what it has may be used no more."""
    note: str = ""
    note_zh: str = ""


class Certificate(Statement):
    """同步更新证明: which revision of the record a case brought about, and who knows of it. Nobody is named."""

    node: NodeCode
    case: UUID
    kind: CaseKind
    record: UUID
    item: Code
    rev: int
    change: EffectChange
    decided_on: date
    decided_by: Code | None = None
    """None: the subject, whose appeal brought the mark back."""
    basis: str | None = None
    above: tuple[NodeCode, ...] = ()
    """The nodes directly above, to which the record was sent; those to whom they passed it on stand in their proofs."""
    lines: tuple[CertificateLine, ...]
    """Of a record that was deleted here nobody was told, and none is known: each node deletes by its own law."""
    complete: bool
    """Whether every node and every department of this node has applied it; bureaus cannot be told.

    Departments of nodes above have their tasks to lift there: how far they are is known to their own node alone.
    """
    pending: tuple[Code, ...]
    """The nodes and departments that have not, or have refused it, by code."""
    issued_at: datetime
    public: str
    """Base64 of the 32 bytes of the key that signs it; the node's party row has it too."""
