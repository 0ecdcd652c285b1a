"""What ingestion does, called by its routes and by its events."""

from creditmesh.ingestion.operations.cases import apply_cases
from creditmesh.ingestion.operations.copies import apply_entries
from creditmesh.ingestion.operations.feed_keys import keep_keys
from creditmesh.ingestion.operations.own_records import Opened, history_of, record_of
from creditmesh.ingestion.operations.quality import keep_refusals, quality_of
from creditmesh.ingestion.operations.records import Change, correct_record, withdraw_record
from creditmesh.ingestion.operations.replays import once
from creditmesh.ingestion.operations.reviews import HeldRow, ReviewDecision, decide_review, held_row, held_rows
from creditmesh.ingestion.operations.subjects import resolve_subject
from creditmesh.ingestion.operations.submission_order import SubmissionOrder, Submitted
from creditmesh.ingestion.operations.submission_status import receipt_of, standing_of, verdicts_of
from creditmesh.ingestion.operations.submissions import submit
from creditmesh.ingestion.store.reviews import Review, reasons_of

__all__ = [
    "Change",
    "HeldRow",
    "Opened",
    "Review",
    "ReviewDecision",
    "SubmissionOrder",
    "Submitted",
    "apply_cases",
    "apply_entries",
    "correct_record",
    "decide_review",
    "held_row",
    "held_rows",
    "history_of",
    "keep_keys",
    "keep_refusals",
    "once",
    "quality_of",
    "reasons_of",
    "receipt_of",
    "record_of",
    "resolve_subject",
    "standing_of",
    "submit",
    "verdicts_of",
    "withdraw_record",
]
