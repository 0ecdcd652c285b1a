"""Rows of JSON text out of a body, in the order sent, whatever its shape; a row that cannot be read says why."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from creditmesh.chassis.errors import TooLarge
from creditmesh.ingestion.formats import objects, tables
from creditmesh.ingestion.formats.media import Media
from creditmesh.schemas.files import LINE_BYTES, MARK, MOST_LINE_ENDS, MOST_ROWS, lines_of
from creditmesh.schemas.files.workbook import Workbook
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.compile import ROW_BYTES
from creditmesh.schemas.rules.headers import FieldNames

MOST_ROW_BYTES = ROW_BYTES


@dataclass(slots=True)
class SubmittedRow:
    """One row as sent: its place (from 1), its JSON text, and why it cannot be read, if so."""

    number: int
    text: bytes = field(repr=False)
    refusal: FieldError | None = None
    line: int | None = None
    """The line of the file it begins in, from 1; None where a row need not begin one."""
    notices: tuple[FieldError, ...] = ()
    """What was left out of the file: said with its first row."""


def is_single(media: Media, body: bytes) -> bool:
    """Whether the body is one JSON object, to be answered with one status and not with lines."""
    return media.shape == "json" and objects.is_object(body)


def rows_of(media: Media, body: bytes | Workbook, *, names: FieldNames) -> Iterator[SubmittedRow]:
    """Read rows as they are asked for; of a workbook what was read from it.

    TooLarge beyond 200,000 rows or a million line ends; Malformed or Invalid where the body as a whole cannot be read
    (an array's syntax, an encoding, a header), which may come after rows: take them all before storing any.
    """
    if isinstance(body, bytes) and media.shape != "json" and body.count(b"\n") + body.count(b"\r") > MOST_LINE_ENDS:
        raise TooLarge(
            "A submission may have 1,000,000 line ends at most; leave out empty lines or split the file.",
            "单次报送的换行不得超过 1,000,000 个；请删除空行或拆分文件。",
        )
    notices, texts = _texts(media, body, names)
    for number, (line, text) in enumerate(texts, start=1):
        if number > MOST_ROWS:
            raise TooLarge(
                "A submission may have 200,000 rows at most; split the file.",
                "单次报送不得超过 200,000 行；请拆分文件。",
            )
        if isinstance(text, FieldError):
            yield SubmittedRow(number, b"", text, line, notices)
        elif len(text) > MOST_ROW_BYTES:
            yield SubmittedRow(number, b"", reason("row_too_large", limit=MOST_ROW_BYTES), line, notices)
        else:
            yield SubmittedRow(number, text, None, line, notices)
        notices = ()


def _texts(
    media: Media, body: bytes | Workbook, names: FieldNames
) -> tuple[tuple[FieldError, ...], Iterator[tuple[int | None, bytes | FieldError]]]:
    if isinstance(body, Workbook):
        return tables.read_sheet(body, names=names)
    match media.shape:
        case "lines":
            return (), _lines(body)
        case "json":
            return (), ((None, text) for text in objects.read(body))
        case _:
            return tables.read(body, encoding=media.encoding, names=names)


def _lines(body: bytes) -> Iterator[tuple[int, bytes | FieldError]]:
    """The lines of NDJSON, unread, unless one is too long. Empty ones are no rows."""
    for number, start, stop in lines_of(body, len(MARK) if body.startswith(MARK) else 0):
        if stop - start > LINE_BYTES:
            yield number, reason("row_too_large", limit=LINE_BYTES)
        elif line := body[start:stop].strip():
            yield number, line
