"""A file cut into pieces that a node takes: each within the limits, each a complete file of its form.

Nothing is copied: a piece is a range of the file, with the CSV header in front. The same file gives the same pieces, so
a broken submission goes on where it stood under the same keys.
"""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Self

from creditmesh.client.errors import Unsendable
from creditmesh.client.forms import MARK, Form, charset_of, form_of

MOST_ROWS = 200_000
MOST_BYTES = 64 * 1024 * 1024
_CHUNK = 64 * 1024
_TYPES: dict[Form, str] = {"csv": "text/csv", "ndjson": "application/x-ndjson", "json": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one submission may have, header included."""

    rows: int = MOST_ROWS
    size: int = MOST_BYTES


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
    charset: str
    digest: str
    """SHA-256 of the whole file, in hex."""
    pieces: tuple[Piece, ...]

    @classmethod
    def of(cls, path: Path, *, charset: str | None = None, limits: Limits | None = None) -> Self:
        """Look at a file; Unsendable if it cannot be sent, and why."""
        try:
            form = form_of(path)
            known = charset_of(path, form, charset)
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
            pieces = _whole(path, limits or Limits()) if form == "json" else _cut(path, form, limits or Limits())
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


def _whole(path: Path, limits: Limits) -> tuple[Piece, ...]:
    """A JSON array as it is; one object as an array of one, so that it too gets verdict lines and a receipt."""
    body = path.read_bytes()
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


def _cut(path: Path, form: Form, limits: Limits) -> tuple[Piece, ...]:
    records = _records(path) if form == "csv" else _lines(path)
    start = next(records)[0] if form == "csv" else 0
    header = _head(path, start)
    pieces: list[Piece] = []
    end, rows = start, 0
    for stop, filled in records:
        if rows + filled > limits.rows or len(header) + stop - start > limits.size:
            if end > start:
                pieces.append(Piece(path=path, start=start, end=end, rows=rows, prefix=header))
            start, rows = end, 0
        end, rows = stop, rows + filled
    if rows:
        pieces.append(Piece(path=path, start=start, end=end, rows=rows, prefix=header))
    if not pieces:
        raise Unsendable("The file has a header and no rows.", "文件只有表头，没有数据行。")
    return tuple(pieces)


def _head(path: Path, length: int) -> bytes:
    with path.open("rb") as file:
        header = file.read(length)
    return header if header.endswith(b"\n") or not header else header + b"\n"


def _lines(path: Path) -> Iterator[tuple[int, bool]]:
    """Where each line ends, and whether it is a row."""
    end = 0
    with path.open("rb") as file:
        for line in file:
            end += len(line)
            yield end, bool(line.strip())


def _records(path: Path) -> Iterator[tuple[int, bool]]:
    """Where each CSV record ends, quoted line feeds inside, and whether it is a row.

    Read as Latin-1: in UTF-8 and in GB18030 a quote, a comma and a line feed are never half of a character.
    """
    end = 0

    def counted() -> Iterator[str]:
        nonlocal end
        with path.open("rb") as file:
            for line in file:
                end += len(line)
                yield line.decode("latin-1")

    reader = csv.reader(counted())
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield end, True
        else:
            yield end, any(cells)
