"""What a submitter is told: one verdict a row in the order sent, and the receipt of the submission."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import orjson
from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from creditmesh.schemas.identifiers import Code, NodeCode
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.signed import SignedText, Statement

VerdictWord = Literal["accepted", "unchanged", "corrected", "held", "refused"]
VERDICTS: tuple[VerdictWord, ...] = ("accepted", "unchanged", "corrected", "held", "refused")


class Verdict(BaseModel):
    """What became of one row."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    row: int
    """Its place in the submission, 1 for the first; the header, titles above it and blank lines are not counted."""
    line: int | None = None
    """The line of the file it begins in, 1 for the first, as an editor shows it, and a spreadsheet unless a cell above
    has line breaks; of CSV and NDJSON."""
    verdict: VerdictWord
    record: UUID | None = None
    """The record it made, changed or repeats; None where it made none."""
    rev: int | None = Field(None, validation_alias=AliasChoices("rev", "revision"))
    """The number of the record's newest revision after this row; of a dry run, the one that it would have. Lines that
    were stored before it was called so have it as `revision`."""
    item: Code
    review: UUID | None = None
    """Where a held row waits for an officer."""
    reasons: tuple[FieldError, ...] = ()
    notices: tuple[FieldError, ...] = ()
    """What is told and holds nothing up: what of the file was not read (lines above the header and columns of no field
    with the first row, a name of no field with the first object that has it); that a number stood under another name
    so far."""


class Receipt(Statement):
    """What a node signs at the end of a submission: the counts, and a digest over all verdict lines."""

    submission: UUID
    node: NodeCode
    item: Code
    rows: int
    accepted: int
    unchanged: int
    corrected: int
    held: int
    refused: int
    digest: str
    """`sha-256:<hex>` over the verdict lines, each with its line end."""


class ReceiptLine(BaseModel):
    """The last line of the answer to a bulk submission."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    receipt: SignedText
    """A `Receipt`."""


def verdict_line(
    row: int,
    verdict: VerdictWord,
    *,
    item: str,
    record: UUID | None = None,
    rev: int | None = None,
    review: UUID | None = None,
    reasons: Sequence[FieldError] = (),
    line: int | None = None,
    notices: Sequence[FieldError] = (),
) -> bytes:
    """One verdict as a line of NDJSON, its line end included; made from a plain dict, without a model on the way."""
    told: dict[str, object] = {"row": row}
    if line is not None:
        told["line"] = line
    told["verdict"] = verdict
    if record is not None:
        told["record"] = str(record)
    if rev is not None:
        told["rev"] = rev
    told["item"] = item
    if review is not None:
        told["review"] = str(review)
    if reasons:
        told["reasons"] = _told(reasons)
    if notices:
        told["notices"] = _told(notices)
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


def _told(errors: Sequence[FieldError]) -> list[dict[str, str]]:
    return [{"code": e.code, "pointer": e.pointer, "detail": e.detail, "detail_zh": e.detail_zh} for e in errors]
