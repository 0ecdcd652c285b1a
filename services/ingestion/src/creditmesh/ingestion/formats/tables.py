"""CSV as departments write it: UTF-8 or GB18030, a byte order mark or none, codes or Chinese names in the header."""

import csv
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO, TextIOWrapper

import orjson

from creditmesh.chassis.errors import Invalid, Malformed
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.headers import Columns

_MARK = b"\xef\xbb\xbf"

Headers = Callable[[Sequence[str]], Columns]
"""Finds the fields that a file's first line names."""


class BadHeader(Invalid):
    """The first line does not name the item's fields."""

    code = "bad_header"
    title = "The header does not fit the item"
    title_zh = "表头与目录条目不符"


def read(body: bytes, *, encoding: str | None, headers: Headers) -> Iterator[bytes | FieldError]:
    """The rows as JSON texts, cells that are empty left out; lines without any content are no rows.

    BadHeader if the first line does not name the item's fields, Malformed if the body is not in its encoding.
    """
    known = encoding or _encoding_of(body)
    text = TextIOWrapper(BytesIO(body.removeprefix(_MARK)), encoding=known, errors="strict", newline="")
    reader = csv.reader(text)
    try:
        columns = _columns(_first(reader), headers)
        yield from _rows(reader, columns)
    except UnicodeError as error:
        raise Malformed(
            "The file is not in the encoding it names; send text/csv; charset=utf-8 or charset=gb18030.",
            "文件内容与声明的编码不符；请使用 text/csv; charset=utf-8 或 charset=gb18030。",
        ) from error


def _encoding_of(body: bytes) -> str:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def _first(reader: Iterator[list[str]]) -> list[str]:
    try:
        return next(reader, [])
    except csv.Error:  # a cell beyond the reader's limit, or a carriage return inside one: no header of ours
        return []


def _columns(header: Sequence[str], headers: Headers) -> tuple[str, ...]:
    columns = headers(header)
    if columns.errors or not columns.codes:
        raise BadHeader(
            "Begin the file with the field codes or names of the item's template.",
            "文件首行须为该目录条目模板中的字段代码或名称。",
            errors=columns.errors,
        )
    return columns.codes


def _rows(reader: Iterator[list[str]], columns: tuple[str, ...]) -> Iterator[bytes | FieldError]:
    width = len(columns)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield reason("malformed_row")
            continue
        if len(cells) == width:
            row = {column: cell for column, cell in zip(columns, cells, strict=True) if cell}
            if row:
                yield orjson.dumps(row)
        elif any(cell.strip() for cell in cells):
            yield _uneven(cells, columns)


def _uneven(cells: list[str], columns: tuple[str, ...]) -> bytes | FieldError:
    if len(cells) > len(columns) and not any(cell.strip() for cell in cells[len(columns) :]):
        return orjson.dumps({column: cell for column, cell in zip(columns, cells, strict=False) if cell})
    return reason("malformed_row")
