"""What repair does, called by its routes and by its readers."""

from creditmesh.repair.operations.acting import act
from creditmesh.repair.operations.certifying import certificate_of
from creditmesh.repair.operations.documents import UploadedDocument, add_document, document_of
from creditmesh.repair.operations.filing import file_case
from creditmesh.repair.operations.following import follow_holders, follow_records, forget_records
from creditmesh.repair.operations.listing import cases_to_handle, own_cases
from creditmesh.repair.operations.replays import once
from creditmesh.repair.operations.showing import shown_case

__all__ = [
    "UploadedDocument",
    "act",
    "add_document",
    "cases_to_handle",
    "certificate_of",
    "document_of",
    "file_case",
    "follow_holders",
    "follow_records",
    "forget_records",
    "once",
    "own_cases",
    "shown_case",
]
