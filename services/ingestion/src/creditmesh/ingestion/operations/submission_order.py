"""What a caller sends in, and what comes of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from creditmesh.ingestion import receipts
from creditmesh.ingestion.formats import SubmittedRow
from creditmesh.ingestion.operations.intake import Intake
from creditmesh.ingestion.revisions import Lane


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionOrder:
    """What a caller sends in: rows of one item."""

    item: str
    read: Callable[[Intake], Iterable[SubmittedRow]] = field(repr=False)
    """Gives the rows, for the item's headers; it may refuse the body as a whole."""
    digest: bytes
    key: str | None = None
    lane: Lane = "live"
    dry_run: bool = False
    single: bool = False
    """One row whose refusal is the answer to the request, and stores nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What came of it."""

    submission: UUID
    replayed: bool
    counts: receipts.Counts
    lines: bytes
    """One verdict a row, in the order sent."""
    receipt: bytes | None
    """The last line; None for a dry run."""
