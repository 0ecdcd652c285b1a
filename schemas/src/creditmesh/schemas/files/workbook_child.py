"""A workbook (.xlsx) read into CSV by a process of its own, which has little and may die: run by `workbook.py` alone.

It is given the file on its standard input and writes one line of JSON, and behind it the sheet: a line of CSV for each
row of the sheet, so that the lines have the sheet's own numbers. The reader that it uses makes room for the rectangle
between the first cell and the last before it reads one, and ends the process where there is none. What the archive
holds is looked at before; then the sheet that is read, for what the reader leaves out. Nothing here imports the
product: it starts quickly, and what a file does to it is done to nobody else.
"""

import csv
import io
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from lzma import LZMAError
from typing import IO, Any
from xml.parsers import expat

try:
    import resource
except ImportError:
    resource = None  # type: ignore[assignment]  # of a client on another system

MEMORY, SECONDS = 1024 << 20, 60
"""Address space in bytes and CPU in seconds."""
MOST_PARTS, MOST_UNPACKED, MOST_TEXTS = 500, 512 << 20, 128 << 20
"""Files in the archive, bytes of all of them unpacked, and of the texts that cells share."""
MOST_ROWS, MOST_COLUMNS = 200_100, 512
"""How far a sheet may reach: rows as in any other file, with a title above."""
MOST_BYTES = 64 << 20
"""What its table may come to: as any other file."""
MOST_NAMED = 20
OURS = frozenset({"填报说明", "代码表"})
"""The sheets that stand in a template beside the rows: they are read by people."""
_BOOK = "xl/workbook.xml"
_PIECE = 1 << 20
_TRUE = frozenset({"1", "true"})
_PLACE = re.compile("([A-Z]{1,3})[0-9]{1,7}")
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
        _look_into(body)
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        sheet = _the_sheet(book)
        hidden = _look_at(body, sheet.name)
        merged = [_place(*range_) for range_ in sheet.merged_cell_ranges or ()]
        text = _csv(sheet)
    except Refused as refused:
        out.write(json.dumps(refused.said).encode() + b"\n")
    except (CalamineError, expat.ExpatError, zipfile.BadZipFile, zlib.error, LZMAError, KeyError, ValueError, EOFError,
            OSError, RuntimeError):  # fmt: skip
        out.write(b'{"refused": "unreadable"}\n')
    else:
        out.write(json.dumps({"merged": sorted(merged)[-MOST_NAMED:], "hidden": hidden}).encode() + b"\n")
        out.write(text)


def _limit() -> None:
    if resource is None:  # where a system has no such limits its user reads a file of their own; no node runs there
        return
    for what, most in (("AS", MEMORY), ("CPU", SECONDS), ("FSIZE", 0), ("CORE", 0), ("NOFILE", 16)):
        resource.setrlimit(getattr(resource, f"RLIMIT_{what}"), (most, most))


def _look_into(body: bytes) -> None:
    """Refused for an archive that may not be read. A part says itself how large it is: what it unpacks to counts."""
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
        if _BOOK not in names:
            raise Refused("no_workbook")
        unpacked = 0
        for part in parts:
            most = MOST_TEXTS if part.filename.lower().endswith("sharedstrings.xml") else MOST_UNPACKED
            unpacked += sum(map(len, _pieces(archive.open(part), most=min(most, MOST_UNPACKED - unpacked))))


def _pieces(part: IO[bytes], *, most: int) -> Iterator[bytes]:
    size = 0
    while piece := part.read(_PIECE):
        size += len(piece)
        if size > most:
            raise Refused("too_large")
        yield piece


def _look_at(body: bytes, name: str) -> bool:
    """Whether the sheet of that name hides something; Refused where the reader would say what cells do not.

    Of an error, and of a formula that was never computed, it says that the cell is empty; of two cells in one place,
    the last alone.
    """
    sheet = _Sheet()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        _parse(archive, _part_of(archive, name), sheet.begins, sheet.ends, sheet.text)
    for why, places in sheet.found.items():
        raise Refused(why, places=places)
    return sheet.hidden


class _Sheet:
    """What a sheet is looked through for."""

    def __init__(self) -> None:
        self.hidden, self.found = False, dict[str, list[str]]()
        self._row, self._rows, self._column, self._columns = 0, set[int](), 0, set[int]()
        self._kind, self._computes, self._inside, self._says = "", False, False, False

    def begins(self, name: str, said: dict[str, str]) -> None:
        match name.rpartition(":")[2]:
            case "row":
                self._row = int(said["r"]) if said.get("r", "").isdigit() else self._row + 1
                self._take("twice", self._row, self._rows, str(self._row))
                self._column, self._columns = 0, set()
                height = said.get("ht", "")
                self.hidden |= said.get("hidden") in _TRUE or (height[:1] == "0" and not height.strip("0."))
            case "c":
                place = _PLACE.fullmatch(said.get("r", ""))
                self._column = _column(place[1]) if place else self._column + 1
                self._take("twice", self._column, self._columns, self._cell)
                self._kind, self._computes, self._inside, self._says = said.get("t", ""), False, False, False
            case "f":
                self._computes = True
            case "v" | "t":
                self._inside = True
            case "col" | "sheetFormatPr":
                self.hidden |= not _TRUE.isdisjoint((said.get("hidden"), said.get("zeroHeight")))

    def text(self, text: str) -> None:
        self._says = self._says or (self._inside and bool(text))

    def ends(self, name: str) -> None:
        match name.rpartition(":")[2]:
            case "v" | "t":
                self._inside = False
            case "c" if self._kind == "e":
                self._note("errors", self._cell)
            case "c" if self._computes and not self._says and self._kind != "str":  # which may well be empty
                self._note("uncomputed", self._cell)

    @property
    def _cell(self) -> str:
        return f"{_letters(self._column - 1)}{self._row}"

    def _take(self, why: str, number: int, taken: set[int], place: str) -> None:
        if number in taken:
            self._note(why, place)
        taken.add(number)

    def _note(self, why: str, place: str) -> None:
        places = self.found.setdefault(why, [])
        if len(places) < MOST_NAMED:
            places.append(place)


def _parse(archive: zipfile.ZipFile, part: str, begins: Any, ends: Any = None, text: Any = None) -> None:
    def refuse(*_: object) -> None:
        raise Refused("unreadable")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begins, ends, text
    parser.StartDoctypeDeclHandler = refuse
    for piece in _pieces(archive.open(part), most=MOST_UNPACKED):
        parser.Parse(piece)
    parser.Parse(b"", True)


def _part_of(archive: zipfile.ZipFile, name: str) -> str:
    """Where in the archive the sheet of that name is."""
    found = dict[str, str]()

    def begins(tag: str, said: dict[str, str]) -> None:
        match tag.rpartition(":")[2]:
            case "sheet":
                found["name " + said.get("name", "")] = next((v for k, v in said.items() if k.endswith(":id")), "")
            case "Relationship":
                found[said.get("Id", "")] = said.get("Target", "")

    for part in (_BOOK, "xl/_rels/workbook.xml.rels"):
        _parse(archive, part, begins)
    target = found.get(found.get(f"name {name}", ""), "")
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


def _column(letters: str) -> int:
    number = 0
    for each in letters:
        number = number * 26 + ord(each) - 64
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
    if cell - cell != 0:  # neither is infinity, nor what is no number
        return "#NUM!"
    if cell == int(cell) and abs(cell) >= _LOST:
        return f"{cell:.14E}"
    return f"{Decimal(f'{cell + 0:.15g}'):f}"


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
