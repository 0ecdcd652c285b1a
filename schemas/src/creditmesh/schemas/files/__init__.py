"""Files of rows as departments have them, read alike by the node that takes them and the client that sends them."""

from creditmesh.schemas.files.encoding import MARK, Encoding, Octets, encoding_of, encoding_said, is_doubtful
from creditmesh.schemas.files.foreign import foreign
from creditmesh.schemas.files.lines import LINE_BYTES, lines_of
from creditmesh.schemas.files.rows import TableRow, rows_of
from creditmesh.schemas.files.table import Table, TableRecord

__all__ = [
    "LINE_BYTES",
    "MARK",
    "Encoding",
    "Octets",
    "Table",
    "TableRecord",
    "TableRow",
    "encoding_of",
    "encoding_said",
    "foreign",
    "is_doubtful",
    "lines_of",
    "rows_of",
]
