"""A workbook (.xlsx) read into CSV by a process of its own, which has little and may die: run by `workbook.py` alone.

It is given the file on its standard input and writes one line of JSON, and behind it the sheet: a line of CSV for each
row of the sheet, so that the lines have the sheet's own numbers. The reader that it uses makes room for the rectangle
between the first cell and the last before it reads one, and ends the process where there is none: what may stand in the
archive, and where its cells may stand, is looked at before. Nothing here imports the product: it starts quickly, and
what a file does to it is done to nobody else.
"""

import csv
import io
import json
import re
import sys
import zipfile
import zlib
from datetime import date, datetime, time, timedelta
from lzma import LZMAError
from typing import IO, Any

try:
    import resource
except ImportError:
    resource = None  # type: ignore[assignment]  # of a client on another system

MEMORY, SECONDS = 1536 << 20, 60
"""Address space in bytes and CPU in seconds."""
MOST_PARTS, MOST_UNPACKED, MOST_TEXTS = 500, 512 << 20, 128 << 20
"""Files in the archive, bytes of all of them unpacked, and of the texts that cells share."""
MOST_ROWS, MOST_COLUMNS, MOST_CELLS = 200_100, 512, 8_000_000
"""How far a sheet may reach, and what it may hold: rows as in any other file, with a title above."""
MOST_BYTES = 64 << 20
"""What its table may come to: as any other file."""
MOST_NAMED = 20
OURS = frozenset({"填报说明", "代码表"})
"""The sheets that stand in a template beside the rows: they are read by people."""
_PIECE = 1 << 20
# Up to the next mark that begins something: what closes one may stand in a value, and no text is looked through twice.
_CELL = re.compile(rb"""<(?:\w+:)?c\b[^<]*?\sr=["']([A-Z]{1,3})(\d{1,7})["']""")
_ROW = re.compile(rb"""<(?:\w+:)?row\b[^<]*?\sr=["'](\d+)["']""")
_DIMENSION = re.compile(rb"""<(?:\w+:)?dimension\b[^<]*?\sref=["'](?:[A-Z]+\d+:)?([A-Z]+)(\d+)["']""")
_HIDDEN = re.compile(rb"""<(?:\w+:)?(?:row|col)\b[^<]*?\shidden=["'](?:1|true)["']""")
_LOST = 10**15
"""A whole number of so many digits has lost its last ones: a workbook keeps fifteen."""


class Refused(Exception):
    """The file is none that is read, by one word; what more is said of it."""

    def __init__(self, why: str, **said: object) -> None:
        super().__init__(why)
        self.said = {"refused": why, **said}


def main() -> None:
    """Read the file and write the table, or why it is refused."""
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - before the limits hold

    _limit()
    out = sys.stdout.buffer
    try:
        body = sys.stdin.buffer.read()
        hidden = _look_into(body)
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        sheet = _the_sheet(book)
        merged = [_place(*range_) for range_ in sheet.merged_cell_ranges or ()]
        text = _csv(sheet)
    except Refused as refused:
        out.write(json.dumps(refused.said).encode() + b"\n")
    except (
        CalamineError,
        zipfile.BadZipFile,
        zlib.error,
        LZMAError,
        KeyError,
        ValueError,
        EOFError,
        OSError,
        RuntimeError,
    ):
        out.write(b'{"refused": "unreadable"}\n')
    else:
        out.write(json.dumps({"merged": sorted(merged)[-MOST_NAMED:], "hidden": hidden}).encode() + b"\n")
        out.write(text)


def _limit() -> None:
    if resource is None:  # where a system has no such limits its user reads a file of their own; no node runs there
        return
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 16),
    ):
        resource.setrlimit(what, (most, most))


def _look_into(body: bytes) -> bool:
    """Whether rows or columns are hidden; Refused for an archive that may not be read."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        parts = archive.infolist()
        names = [each.filename for each in parts]
        if len(names) > MOST_PARTS or len(set(names)) < len(names) or sum(p.file_size for p in parts) > MOST_UNPACKED:
            raise Refused("too_large")
        if any(each.flag_bits & 1 for each in parts):
            raise Refused("encrypted")
        if any(name.lower().endswith(("vbaproject.bin", ".xlm")) or "/macrosheets/" in name.lower() for name in names):
            raise Refused("macros")
        if any("/externallinks/" in name.lower() for name in names):
            raise Refused("links")
        if "xl/workbook.xml" not in names:
            raise Refused("no_workbook")
        hidden, unpacked = False, 0
        for part in parts:
            sheet = part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml")
            read, was_hidden = _look_at(archive.open(part), sheet=sheet)
            unpacked, hidden = unpacked + read, hidden or was_hidden
            if unpacked > MOST_UNPACKED or (part.filename.endswith("sharedStrings.xml") and read > MOST_TEXTS):
                raise Refused("too_large")
    return hidden


def _look_at(part: IO[bytes], *, sheet: bool) -> tuple[int, bool]:
    """How many bytes of it there are, and whether it hides something; Refused where a sheet reaches too far.

    A member says itself how large it is: what it unpacks to is counted.
    """
    size, cells, hidden, kept = 0, 0, False, b""
    while piece := part.read(_PIECE):
        size += len(piece)
        if size > MOST_UNPACKED:
            raise Refused("too_large")
        text = kept + piece
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise Refused("unreadable")
        if sheet:
            cells += piece.count(b"<c ") + piece.count(b"<c>") + piece.count(b":c ") + piece.count(b"<row")
            _look_for_reach(text, cells)
            hidden = hidden or _HIDDEN.search(text) is not None
        kept = text[-512:]
    return size, hidden


def _look_for_reach(text: bytes, cells: int) -> None:
    places = [*_CELL.finditer(text), *_DIMENSION.finditer(text)]
    rows = [int(each[2]) for each in places] + [int(each[1]) for each in _ROW.finditer(text)]
    columns = [len(each[1]) > 2 or _column(each[1]) > MOST_COLUMNS for each in places]  # noqa: PLR2004 - AAA is 703
    if cells > MOST_CELLS or any(columns) or max(rows, default=0) > MOST_ROWS:
        raise Refused("too_wide", rows=MOST_ROWS, columns=MOST_COLUMNS)


def _column(letters: bytes) -> int:
    number = 0
    for each in letters:
        number = number * 26 + each - 64
    return number


def _the_sheet(book: Any) -> Any:
    """The one sheet that has rows among those that are seen."""
    seen = [
        (place, each.name)
        for place, each in enumerate(book.sheets_metadata, start=1)
        if str(each.visible).endswith(".Visible") and str(each.typ).endswith(".WorkSheet") and each.name not in OURS
    ]
    found = [(place, sheet) for place, name in seen if (sheet := _filled(book, name)) is not None]
    if not found:
        raise Refused("empty")
    if len(found) > 1:
        raise Refused("sheets", places=[str(place) for place, _ in found[:MOST_NAMED]])
    return found[0][1]


def _filled(book: Any, name: str) -> Any:
    sheet = book.get_sheet_by_name(name)
    if sheet.end is None:
        return None
    rows, columns = (last + 1 for last in sheet.end)
    if rows > MOST_ROWS or columns > MOST_COLUMNS:
        raise Refused("too_wide", rows=MOST_ROWS, columns=MOST_COLUMNS)
    return sheet


def _csv(sheet: Any) -> bytes:
    """What the sheet says, a line a row; Refused where that is more than a file of rows may have."""
    table, text, size = io.BytesIO(), io.StringIO(), 0
    writer = csv.writer(text, lineterminator="\n")
    for row in sheet.iter_rows():
        writer.writerow(map(_text, row))
        line = text.getvalue().encode(errors="replace")
        text.seek(0)
        text.truncate()
        size += len(line)
        if size > MOST_BYTES:
            raise Refused("too_large")
        table.write(line)
    return table.getvalue()


def _text(cell: Any) -> str:
    """What a cell says, in one line: a date by itself, a number in the fewest digits, a line break as a space."""
    if isinstance(cell, str):
        return " ".join(cell.splitlines()) if "\n" in cell or "\r" in cell else cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float | int):
        return _number(cell)
    if isinstance(cell, datetime):
        return (cell.date() if cell.time() == time() else cell).isoformat(*[" "] * (cell.time() != time()))
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell) if isinstance(cell, timedelta) else ""


def _number(cell: float) -> str:
    if cell != cell or cell in {float("inf"), float("-inf")}:  # noqa: PLR0124 - not a number
        return "#NUM!"
    if cell == int(cell):
        return str(int(cell)) if abs(cell) < _LOST else f"{cell:.14E}"
    return repr(cell)


def _place(first: tuple[int, int], last: tuple[int, int]) -> tuple[int, str]:
    """The last row of merged cells, from 1, and what they are called."""
    return last[0] + 1, f"{_letters(first[1])}{first[0] + 1}:{_letters(last[1])}{last[0] + 1}"


def _letters(column: int) -> str:
    name, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


if __name__ == "__main__":
    main()
