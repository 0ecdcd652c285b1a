"""CSV as departments write it, through the reader that the client has too; what its header means is the item's."""

from collections.abc import Iterator

from creditmesh.chassis.errors import Invalid, Malformed
from creditmesh.schemas.files import HEAD, Encoding, Table, TableRow, foreign, parted_otherwise, rows_of
from creditmesh.schemas.files.workbook import Unreadable, Workbook
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.headers import Columns, FieldNames


class BadHeader(Invalid):
    """The header does not name the item's fields."""

    code = "bad_header"
    title = "The header does not fit the item"
    title_zh = "表头与目录条目不符"


def read(
    body: bytes, *, encoding: Encoding | None, names: FieldNames
) -> tuple[tuple[FieldError, ...], Iterator[TableRow]]:
    """What is left out of the file, and its rows.

    BadHeader if the header does not name the item's fields, Malformed for what is no table at all, or in an encoding
    that is neither said nor one of the two.
    """
    if (why := foreign(body)) is not None:
        raise Malformed(*why)
    return _read(Table.of(body, encoding, names=names), names)


def read_sheet(book: Workbook, *, names: FieldNames) -> tuple[tuple[FieldError, ...], Iterator[TableRow]]:
    """The same of a sheet. Malformed too where cells of its rows are merged: but for the first they say nothing."""
    try:
        table = book.table(names)
    except Unreadable as unreadable:
        raise Malformed(*unreadable.why) from None
    notices, rows = _read(table, names)
    return (*notices, *([reason("hidden_cells")] if book.hidden else ())), rows


def _read(table: Table, names: FieldNames) -> tuple[tuple[FieldError, ...], Iterator[TableRow]]:
    if table.is_doubtful:
        raise Malformed(
            "The file is no UTF-8 and does not read as Chinese in GB18030; save it as CSV in UTF-8, or, if it is "
            "GB18030 all the same, say so: Content-Type: text/csv; charset=gb18030.",
            "文件不是 UTF-8，按 GB18030 读取也不是中文；请另存为 UTF-8 的 CSV；若确为 GB18030，"
            "请注明：Content-Type: text/csv; charset=gb18030。",
        )
    if (mark := parted_otherwise(table, names)) is not None:
        raise BadHeader(
            f"The columns are separated by {mark}; send commas (or tabs or semicolons) between them.",
            f"各列以 {mark} 分隔；请改用逗号（或制表符、分号）分隔。",
        )
    columns = names.columns(table.header.cells)
    if columns.errors or not any(columns.codes):
        raise _bad(columns, table)
    above = (reason("above_header", line=line) for line in table.above)
    return (*above, *columns.notices), rows_of(table, columns, is_header=names.are)


def _bad(columns: Columns, table: Table) -> BadHeader:
    line, parted = table.header.line, len(table.header.cells) > 1
    return BadHeader(
        f"Line {line} was taken for the header, which is looked for in the first {HEAD}; "
        "give it the field codes or names of the item's template"
        + ("." if parted else ", with commas, tabs or semicolons between them: none was found."),
        f"第 {line} 行被视为表头（表头须在前 {HEAD} 行之内）；表头须为该目录条目模板中的字段代码或名称"
        + ("。" if parted else "，以逗号、制表符或分号分隔：未找到分隔符。"),
        errors=columns.errors,
    )
