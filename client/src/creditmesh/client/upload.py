"""A file cut into pieces that a node takes: each within the limits, each a complete file of its form.

Nothing is copied: a piece is a range of the file, with the CSV header in front, cut by the node's own reader told the
same names of fields. The same file gives the same pieces, so a broken submission goes on where it stood under the same
keys.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import NamedTuple, Self

from creditmesh.client.errors import Unsendable
from creditmesh.client.forms import (
    Form,
    book_of,
    charset_said,
    form_of,
    readable,
    refuse_doubtful_table,
    refuse_other_encodings,
)
from creditmesh.schemas.files import (
    FILE_BYTES,
    LINE_BYTES,
    MARK,
    MOST_LINE_ENDS,
    MOST_ROWS,
    PADDING,
    Encoding,
    Names,
    Octets,
    Table,
    lines_of,
)
from creditmesh.schemas.files.workbook import TYPE as WORKBOOK

_CHUNK = 64 * 1024
_TYPES: dict[Form, str] = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "json": "application/json",
    "xlsx": WORKBOOK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one submission may have, header included."""

    rows: int = MOST_ROWS
    size: int = FILE_BYTES
    line_ends: int = MOST_LINE_ENDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A range of the file, `prefix` before and `suffix` after it, that is one submission."""

    path: Path
    start: int
    end: int
    rows: int
    """As this side counts them; 0 where only the node can tell."""
    prefix: bytes = b""
    suffix: bytes = b""
    lines_before: int = 0
    """What a line's number in the piece lacks to its number in the file."""

    @property
    def size(self) -> int:
        """The bytes that are sent."""
        return len(self.prefix) + self.end - self.start + len(self.suffix)

    def read(self, sent: Callable[[int], None] = lambda _: None) -> Iterator[bytes]:
        """The bytes, a chunk at a time, telling before each how many went out before it."""
        if self.prefix:
            yield self.prefix
        with self.path.open("rb") as file:
            file.seek(self.start)
            left = self.end - self.start
            while left:
                sent(self.end - self.start - left)
                chunk = file.read(min(_CHUNK, left))
                if not chunk:
                    raise Unsendable(
                        "The file changed while it was sent; send it again.", "文件在报送过程中被修改；请重新报送。"
                    )
                left -= len(chunk)
                yield chunk
        sent(self.end - self.start)
        if self.suffix:
            yield self.suffix


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file, what it is, and the pieces it is sent in."""

    path: Path
    form: Form
    charset: Encoding
    digest: str
    """SHA-256 of the whole file, in hex."""
    pieces: tuple[Piece, ...]
    """A file with a header and no rows is one piece of no rows: that there were none that day is said too."""

    @classmethod
    def of(
        cls, path: Path, *, names: Callable[[], Names], charset: str | None = None, limits: Limits | None = None
    ) -> Self:
        """Look at a file; Unsendable if it cannot be sent, and why.

        `names` gives the names of the item's fields, asked for where the file is a table: by them the node finds its
        header.
        """
        try:
            form = form_of(path)
            said = charset_said(charset)
            with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as body:
                digest = file_digest(file, "sha256").hexdigest()
                known, pieces = _looked_at(path, body, form, said, limits=limits or Limits(), names=names)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unsendable(f"{path}: cannot be read ({reason}).", f"{path}：无法读取（{reason}）。") from None
        return cls(path=path, form=form, charset=known, digest=digest, pieces=pieces)

    @property
    def content_type(self) -> str:
        """The Content-Type of each piece."""
        return f"text/csv; charset={self.charset}" if self.form == "csv" else _TYPES[self.form]

    @property
    def rows(self) -> int:
        """The rows of all pieces; 0 where only the node can tell."""
        return sum(piece.rows for piece in self.pieces)

    @property
    def size(self) -> int:
        """The bytes of the file."""
        return sum(piece.end - piece.start for piece in self.pieces)


def _looked_at(
    path: Path, body: Octets, form: Form, said: Encoding | None, *, limits: Limits, names: Callable[[], Names]
) -> tuple[Encoding, tuple[Piece, ...]]:
    if form == "csv":
        known = names()
        table = Table.of(body, said, names=known)
        refuse_doubtful_table(table)
        records = (_Record(record.line, record.end, filled=not record.blank) for record in table.records())
        pieces = _cut(path, body, records, limits, start=table.header.end, beginning=table.beginning)
        _refuse_other_headers(table, pieces[1:], known)
        if not any(piece.rows for piece in pieces) and not known.known(table.header.cells):
            raise Unsendable(
                "The file has no rows, and none of its columns is one of the item's; is it of another item?",
                "文件没有数据行，且各列均非该条目的字段；是否属于其他条目？",
            )
        return table.encoding, pieces
    if form == "xlsx":
        return "utf-8", _sheet(path, len(body), names)
    refuse_other_encodings(body, said)
    if form == "json":
        return "utf-8", _whole(path, body[:], limits)
    begun = len(MARK) if body[: len(MARK)] == MARK else 0
    lines = (
        _Record(number, stop, filled=bool(body[start:stop].strip())) for number, start, stop in lines_of(body, begun)
    )
    return "utf-8", _cut(path, body, lines, limits)


def _refuse_other_headers(table: Table, pieces: Sequence[Piece], names: Names) -> None:
    """Unsendable where a quote that stands open above the rows lets a piece begin otherwise than the file does."""
    for piece in pieces:
        head = piece.prefix + table.body[piece.start : min(piece.end, piece.start + 2 * LINE_BYTES)]
        read = Table.of(head, table.encoding, names=names)
        if (read.delimiter, read.ending, read.header) != (table.delimiter, table.ending, table.header):
            raise Unsendable(
                f"Line {table.header.line} (the header) or one above it has a quotation mark without its other one, "
                "so that the file cannot be cut into pieces; take it away.",
                f"第 {table.header.line} 行（表头）或其上方的行有未成对的引号，文件无法拆分报送；请删除该引号。",
            )


def _sheet(path: Path, size: int, names: Callable[[], Names]) -> tuple[Piece, ...]:
    """A workbook as it is: the node reads it, and its lines are the rows of the sheet."""
    book = book_of(path)
    with readable():
        table = book.table(names())
    rows = sum(not record.blank for record in table.records())
    if rows > MOST_ROWS or size > FILE_BYTES:
        raise Unsendable(
            "A workbook may have 200,000 rows and 64 MiB at most; split it, or save the sheet as CSV (UTF-8): "
            "that is sent in pieces.",
            "工作簿不得超过 200,000 行和 64 MiB；请拆分，或将工作表另存为 CSV（UTF-8），由客户端分批报送。",
        )
    return (Piece(path=path, start=0, end=size, rows=rows),)


def _whole(path: Path, body: bytes, limits: Limits) -> tuple[Piece, ...]:
    """A JSON array as it is; one object as an array of one, so that it too gets verdict lines and a receipt."""
    start = len(MARK) if body.startswith(MARK) else 0
    if len(body) > limits.size:
        raise Unsendable(
            "A JSON array this large cannot be split; send NDJSON.", "JSON 数组过大且无法拆分；请使用 NDJSON。"
        )
    if body[start:].lstrip().startswith(b"{"):
        return (Piece(path=path, start=start, end=len(body), rows=1, prefix=b"[", suffix=b"]"),)
    try:
        rows = len(json.loads(body[start:]))
    except ValueError:
        rows = 0
    return (Piece(path=path, start=start, end=len(body), rows=rows),)


class _Record(NamedTuple):
    """Where a record of a file begins and ends, and whether it is a row."""

    line: int
    end: int
    filled: bool


def _cut(
    path: Path, body: Octets, records: Iterator[_Record], limits: Limits, *, start: int = 0, beginning: bytes = b""
) -> tuple[Piece, ...]:
    """The pieces, from `start` on: before the first stands what does in the file, before the others their beginning."""
    pieces: list[Piece] = []
    prefix, end, first, begun = body[:start], start, None, 0
    rows = 0
    ends = _line_ends(beginning)

    def piece() -> Piece:
        before = begun - (first or 0) - (PADDING if beginning else 0) if pieces else 0
        return Piece(path=path, start=start, end=end, rows=rows, prefix=prefix, lines_before=before)

    for line, stop, filled in records:
        first, begun = first or line, begun or line
        further = _line_ends(body[end:stop])
        if (
            rows + filled > limits.rows
            or len(beginning) + stop - start > limits.size
            or ends + further > limits.line_ends
        ):
            if end > start:
                pieces.append(piece())
                prefix = beginning
            start, rows, begun, ends = end, 0, line, _line_ends(beginning)
        end, rows, ends = stop, rows + filled, ends + further
    if rows or (beginning and not pieces):
        pieces.append(piece())
    return tuple(pieces)


def _line_ends(text: bytes) -> int:
    return text.count(b"\n") + text.count(b"\r")
