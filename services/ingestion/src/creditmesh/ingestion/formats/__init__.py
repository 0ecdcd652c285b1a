"""The shapes a submission may have, all read into the same thing: rows of JSON text in the order sent."""

from creditmesh.ingestion.formats.body import decoded
from creditmesh.ingestion.formats.books import SubmittedBody
from creditmesh.ingestion.formats.media import Media, media_of
from creditmesh.ingestion.formats.rows import MOST_ROW_BYTES, SubmittedRow, is_single, rows_of

__all__ = [
    "MOST_ROW_BYTES",
    "Media",
    "SubmittedBody",
    "SubmittedRow",
    "decoded",
    "is_single",
    "media_of",
    "rows_of",
]
