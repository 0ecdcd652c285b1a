"""The rows of a table as JSON texts, under the fields that its header names."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import orjson

from creditmesh.schemas.files.lines import LINE_BYTES
from creditmesh.schemas.files.table import BLANK, Table
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.headers import Columns


class TableRow(NamedTuple):
    """One row: the line it begins in, and its JSON text, or why there is none."""

    line: int
    text: bytes | FieldError


def _is_no_header(_: Sequence[str]) -> bool:
    return False


def rows_of(
    table: Table, columns: Columns, *, is_header: Callable[[Sequence[str]], bool] = _is_no_header
) -> Iterator[TableRow]:
    """The rows below the header, each with the line it begins in.

    Cells that are empty, or missing at the end of a line, are left out; a row that says nothing under the item's fields
    is none; the header, where it or what `is_header` knows as one stands there again, is refused.
    """
    codes, width = columns.codes, len(columns.codes)
    for line, _, cells, fault in table.records():
        if fault is not None:
            yield TableRow(line, reason(fault, limit=LINE_BYTES))
        elif "".join(cells[width:]).strip(BLANK):
            yield TableRow(line, reason("malformed_row"))
        elif cells == table.header.cells or is_header(cells):
            yield TableRow(line, reason("header_again"))
        else:
            row = {code: cell for code, cell in zip(codes, cells, strict=False) if cell and code is not None}
            if "".join(row.values()).strip(BLANK):
                yield TableRow(
                    line, bytes(memoryview(orjson.dumps(row)))
                )  # a copy: the encoder's own has 4 KiB or more
