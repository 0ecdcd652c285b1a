"""A table (CSV, also with tabs or semicolons), cut strictly into records.

No row whose cells are plain is ever read as the end of another. Quotes alone do not give that: a cell that begins with
a quote and does not end takes in the lines that follow, and where one of these has a stray quote in the same column,
what comes out looks like one whole row. So where the cells with line breaks have so many delimiters in them that a row
may begin there whose cells stand in its own columns, it is no record. (Two damaged rows that hide their delimiters in
further quotes, and together have a row's columns, are a record by any rule.) A quote inside a cell without quotes must
have its pair. After what is no record, reading begins again at its second line, as long as no more than a few times
what was passed is read again; beyond that a record has one line. Lines that are too long, or have more cells than a
spreadsheet, are not read at all.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Literal, NamedTuple, Protocol, Self

from creditmesh.schemas.files.encoding import Encoding, Octets, decoded, encoding_of, reads_as_chinese
from creditmesh.schemas.files.lines import LINE_BYTES, ending_of
from creditmesh.schemas.rules.values import WHITE

_DELIMITERS = (",", "\t", ";")
_NO_DELIMITERS = ("|", "｜", "^", "~", "，", "；", "\x01")
"""What else people, and programs, put between cells."""
BLANK = WHITE + "\x1a\ufeff\u200b"
"""What a cell may have and still say nothing."""
_MOST_DELIMITERS = 16_384
"""As many columns as a spreadsheet has."""
_AGAIN, _AT_FIRST, _LINE = 8, 4 * 1024 * 1024, 128
"""How many times what was passed may be read again, what may be before anything was, and what a line costs in bytes."""
HEAD = 10
"""The header is one of so many first records."""
PADDING = HEAD - 1
"""So many blank lines behind a header, and no other record may be it."""


class TableRecord(NamedTuple):
    """The cells that stand between two ends of a record."""

    line: int
    """The number of its first line, from 1."""
    end: int
    """Where in the file the next one begins."""
    cells: Sequence[str]
    fault: Literal["malformed_row", "bad_encoding", "row_too_large"] | None = None
    """Why its cells are not to be used."""

    @property
    def blank(self) -> bool:
        """Whether it says nothing."""
        return self.fault is None and not "".join(self.cells).strip(BLANK)


Heads = Mapping[str, Sequence[TableRecord]]
"""The first records of a file, by the delimiter it is read with."""


class Names(Protocol):
    """The names of an item's fields."""

    def known(self, cells: Sequence[str]) -> int:
        """How many of these cells are such names."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file and how it is written.

    Its header and its delimiter are found by the names of the item's fields: so a client that cuts it and a node that
    reads the pieces agree on both.
    """

    body: Octets
    encoding: Encoding
    ending: bytes
    delimiter: str
    header: TableRecord
    above: tuple[int, ...]
    """The lines above the header that say something, and are no part of the table."""
    guessed: bool
    """Whether its encoding is neither said nor marked."""

    @classmethod
    def of(cls, body: Octets, said: Encoding | None = None, *, names: Names) -> Self:
        """Look at a file, in the encoding that the sender says, if its byte order mark says no other."""
        encoding, start = encoding_of(body, said)
        ending = ending_of(body, start)
        heads = {each: list(islice(_records(body, encoding, ending, each, start=start), HEAD)) for each in _DELIMITERS}
        delimiter, place = _header(heads, names)
        head = heads[delimiter]
        header = head[place] if head else TableRecord(1, 0, ())
        above = tuple(each.line for each in head[:place] if not each.blank)
        return cls(body, encoding, ending, delimiter, header, above, guessed=said is None and start == 0)

    @property
    def is_doubtful(self) -> bool:
        """Whether it is read as GB18030 though nobody says so, and what then stands there is no Chinese."""
        return self.guessed and self.encoding == "gb18030" and not reads_as_chinese(self.body)

    @property
    def beginning(self) -> bytes:
        """What rows from further below are read behind as they are here: the header, and none beside it to choose.

        The lines that may be a header are filled up with blank ones, which are `PADDING` many and no rows.
        """
        return self.body[: self.header.end] + (b" " + self.ending) * PADDING

    def records(self) -> Iterator[TableRecord]:
        """The records below the header, blank ones too."""
        start, line = self.header.end, self.header.line + _lines_in(self.header.cells, self.ending)
        return _records(self.body, self.encoding, self.ending, self.delimiter, start=start, line=line)


def _header(heads: Heads, names: Names) -> tuple[str, int]:
    """The delimiter and the place of the first record that is mostly names, or else of the one with most of them.

    Where none has any, the fullest one is what stands where a header should.
    """
    best, most = (_DELIMITERS[0], 0), (0, 0)
    for delimiter, head in heads.items():
        for place, record in enumerate(head):
            known, filled = names.known(record.cells), _filled(record)
            if (found := (known, 0 if known else filled)) > most:
                best, most = (delimiter, place), found
                if known > 1 and known * 2 > filled:
                    return best  # what follows may be another file's, put behind this one
    return best


def parted_otherwise(table: Table, names: Names) -> str | None:
    """The mark that stands between the names of its header, where it is none that a table is read with."""
    cells = table.header.cells
    if names.known(cells) > 1:
        return None
    text = "".join(cells)
    return next((mark for mark in _NO_DELIMITERS if names.known(text.split(mark)) > 1), None)


def _filled(record: TableRecord) -> int:
    return sum(1 for cell in record.cells if cell.strip(BLANK))


def _lines_in(cells: Sequence[str], ending: bytes) -> int:
    return 1 + sum(cell.count(ending.decode()) for cell in cells)


def _records(
    body: Octets,
    encoding: Encoding,
    ending: bytes,
    delimiter: str,
    *,
    start: int,
    line: int = 1,
) -> Iterator[TableRecord]:
    place, number, size, torn, quoted = start, line, _without_end_mark(body), False, False
    begun, delimiters, again, mark = start, 0, _AT_FIRST, delimiter.encode()

    def lines() -> Iterator[str]:
        nonlocal place, number, torn, quoted, delimiters
        while place < size and (place == begun or (again > 0 and place - begun < LINE_BYTES)):
            furthest = min(place + LINE_BYTES, size)
            stop = body.find(ending, place, furthest) + 1 or furthest
            raw = body[place:stop]
            delimiters += raw.count(mark)
            if delimiters > _MOST_DELIMITERS or (stop < size and not raw.endswith(ending)):
                raise csv.Error
            place, number = stop, number + 1
            text, whole = decoded(raw, encoding)
            torn, quoted = torn or not whole, quoted or '"' in text
            yield text

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    while place < size:
        begun, first, torn, quoted, broken, delimiters = place, number, False, False, False, 0
        cells: list[str] = []
        try:
            cells = next(reader)
        except csv.Error:
            broken = True
        if quoted and not broken:
            text = "".join(cells)
            broken = (_is_broken(text) and _ends_another_row(cells, delimiter)) or (
                '"' in text and not _paired(delimiter).fullmatch(decoded(body[begun:place], encoding)[0])
            )
        if broken:
            again -= place - begun + _LINE * (number - first)
            place, number = body.find(ending, begun, size) + 1 or size, first + 1
            reader = csv.reader(lines(), delimiter=delimiter, strict=True)
            yield TableRecord(first, place, (), "row_too_large" if place - begun > LINE_BYTES else "malformed_row")
        else:
            yield TableRecord(first, place, cells, "bad_encoding" if torn else None)
        again += _AGAIN * (place - begun + _LINE * (number - first))


def _without_end_mark(body: Octets) -> int:
    size = len(body)
    while size and body[size - 1] == 0x1A:  # noqa: PLR2004 - Ctrl-Z, the end of a file in DOS
        size -= 1
    return size


def _ends_another_row(cells: Sequence[str], delimiter: str) -> bool:
    """Whether what stands behind a line break in these cells may be a row that ends as this record does."""
    broken = [place for place, cell in enumerate(cells) if _is_broken(cell)]
    first, last = broken[0], broken[-1]
    delimiters = last - first + sum(cell.count(delimiter) for cell in cells[first : last + 1])
    return delimiters >= max(last, 1)


def _is_broken(text: str) -> bool:
    # Both, whatever ended the file's first line: files are put together from others.
    return "\n" in text or "\r" in text


@cache
def _paired(delimiter: str) -> re.Pattern[str]:
    plain = f'[^"{delimiter}\r\n]*+'
    cell = f'(?:"(?:[^"]++|"")*+"|(?!"){plain}(?:"{plain}"{plain})*+)'
    return re.compile(f"{cell}(?:{delimiter}{cell})*+[\r\n]*+")
