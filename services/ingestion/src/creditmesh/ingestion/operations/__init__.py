"""What ingestion does, called by its routes and by its events."""

from creditmesh.ingestion.operations.copying.accesses import log_from_above, tell_origins
from creditmesh.ingestion.operations.copying.comparing import compare, shown_copies, withhold_unsaid
from creditmesh.ingestion.operations.copying.pages import apply_pages
from creditmesh.ingestion.operations.erasing import erase_person
from creditmesh.ingestion.operations.erasure_entries import erasure_of, keep_answers, list_erasures
from creditmesh.ingestion.operations.quality import keep_refusals, quality_of
from creditmesh.ingestion.operations.records.cases import apply_cases
from creditmesh.ingestion.operations.records.changes import (
    ChangeRequest,
    correct_record,
    reinstate_record,
    withdraw_record,
)
from creditmesh.ingestion.operations.records.finding import find_records
from creditmesh.ingestion.operations.records.outnumbered import write_above
from creditmesh.ingestion.operations.records.reading import OpenedRevision, history_of, record_of
from creditmesh.ingestion.operations.records.replays import idempotent_change
from creditmesh.ingestion.operations.records.reviews import (
    HeldRow,
    ReviewDecision,
    decide_review,
    held_row,
    held_rows,
)
from creditmesh.ingestion.operations.subjects import confirm_number, resolve_subject
from creditmesh.ingestion.operations.submitting.submission_run import SubmissionOrder, Submitted
from creditmesh.ingestion.operations.submitting.submissions import (
    SubmissionSearch,
    progress_of,
    receipt_of,
    submission_out,
    submissions_of,
    submit,
    verdicts_of,
)
from creditmesh.ingestion.store.reviews import Review, reasons_of

__all__ = [
    "ChangeRequest",
    "HeldRow",
    "OpenedRevision",
    "Review",
    "ReviewDecision",
    "SubmissionOrder",
    "SubmissionSearch",
    "Submitted",
    "apply_cases",
    "apply_pages",
    "compare",
    "confirm_number",
    "correct_record",
    "decide_review",
    "erase_person",
    "erasure_of",
    "find_records",
    "held_row",
    "held_rows",
    "history_of",
    "idempotent_change",
    "keep_answers",
    "keep_refusals",
    "list_erasures",
    "log_from_above",
    "progress_of",
    "quality_of",
    "reasons_of",
    "receipt_of",
    "record_of",
    "reinstate_record",
    "resolve_subject",
    "shown_copies",
    "submission_out",
    "submissions_of",
    "submit",
    "tell_origins",
    "verdicts_of",
    "withdraw_record",
    "withhold_unsaid",
    "write_above",
]
