"""What ingestion does, called by its routes."""

from creditmesh.ingestion.operations.once import once
from creditmesh.ingestion.operations.order import Order, Submitted
from creditmesh.ingestion.operations.own import Opened, history_of, record_of
from creditmesh.ingestion.operations.records import Change, correct_record, withdraw_record
from creditmesh.ingestion.operations.reviews import Decision, HeldRow, decide_review, held_row, held_rows
from creditmesh.ingestion.operations.standing import chunks_of, standing_of
from creditmesh.ingestion.operations.subjects import resolve_subject
from creditmesh.ingestion.operations.submissions import submit
from creditmesh.ingestion.store.reviews import Review, reasons_of

__all__ = [
    "Change",
    "Decision",
    "HeldRow",
    "Opened",
    "Order",
    "Review",
    "Submitted",
    "chunks_of",
    "correct_record",
    "decide_review",
    "held_row",
    "held_rows",
    "history_of",
    "once",
    "reasons_of",
    "record_of",
    "resolve_subject",
    "standing_of",
    "submit",
    "withdraw_record",
]
