"""CSV as departments write it, through the reader that the client has too; what its header means is the item's."""

from collections.abc import Iterator

from creditmesh.chassis.errors import Invalid, Malformed
from creditmesh.schemas.files import Encoding, Table, TableRow, rows_of
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.headers import Columns, FieldNames

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class BadHeader(Invalid):
    """The header does not name the item's fields."""

    code = "bad_header"
    title = "The header does not fit the item"
    title_zh = "表头与目录条目不符"


def read(
    body: bytes, *, encoding: Encoding | None, names: FieldNames
) -> tuple[tuple[FieldError, ...], Iterator[TableRow]]:
    """What is left out of the file, and its rows.

    BadHeader if the header does not name the item's fields, Malformed for UTF-16.
    """
    if body.startswith(_UTF_16):
        raise Malformed(
            "The file is UTF-16; save it as CSV in UTF-8 or GB18030.",
            "该文件为 UTF-16 编码；请另存为 UTF-8 或 GB18030 编码的 CSV。",
        )
    table = Table.of(body, encoding, names=names)
    columns = names.columns(table.header.cells)
    if columns.errors or not any(columns.codes):
        raise _bad(columns, table.header.line)
    above = (reason("above_header", line=line) for line in table.above)
    return (*above, *columns.notices), rows_of(table, columns, is_header=names.are)


def _bad(columns: Columns, line: int) -> BadHeader:
    return BadHeader(
        f"Line {line} was taken for the header; give it the field codes or names of the item's template.",
        f"第 {line} 行被视为表头；表头须为该目录条目模板中的字段代码或名称。",
        errors=columns.errors,
    )
