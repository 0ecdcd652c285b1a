"""Files of rows as departments have them, read alike by the node that takes them and the client that sends them."""

from creditmesh.schemas.files.encoding import MARK, Encoding, Octets, encoding_of, encoding_said
from creditmesh.schemas.files.foreign import foreign
from creditmesh.schemas.files.lines import FILE_BYTES, LINE_BYTES, MOST_LINE_ENDS, MOST_ROWS, lines_of
from creditmesh.schemas.files.rows import TableRow, rows_of
from creditmesh.schemas.files.table import HEAD, PADDING, Names, Table, TableRecord, parted_otherwise

__all__ = [
    "FILE_BYTES",
    "HEAD",
    "LINE_BYTES",
    "MARK",
    "MOST_LINE_ENDS",
    "MOST_ROWS",
    "PADDING",
    "Encoding",
    "Names",
    "Octets",
    "Table",
    "TableRecord",
    "TableRow",
    "encoding_of",
    "encoding_said",
    "foreign",
    "lines_of",
    "parted_otherwise",
    "rows_of",
]
