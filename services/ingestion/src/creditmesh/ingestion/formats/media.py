"""What the content type of a submission says: which shape, in which encoding."""

from dataclasses import dataclass
from typing import Literal

from creditmesh.chassis.errors import UnsupportedMedia
from creditmesh.chassis.media import media_type
from creditmesh.schemas.files import Encoding, encoding_said
from creditmesh.schemas.files.workbook import TYPE as WORKBOOK

Shape = Literal["json", "lines", "table", "workbook"]

_SHAPES: dict[str, Shape] = {
    "application/json": "json",
    "application/x-ndjson": "lines",
    "application/ndjson": "lines",
    "application/jsonl": "lines",
    "application/x-jsonlines": "lines",
    "text/csv": "table",
    "text/x-csv": "table",
    "application/csv": "table",
    "text/tab-separated-values": "table",
    WORKBOOK: "workbook",
}


@dataclass(frozen=True, slots=True)
class Media:
    """The shape of a body and its encoding; None: it says so itself (a byte order mark, or what it can be read as)."""

    shape: Shape
    encoding: Encoding | None


def media_of(content_type: str | None) -> Media:
    """Read a Content-Type header; UnsupportedMedia names what is read here."""
    kind, charset = media_type(content_type)
    shape, encoding = _SHAPES.get(kind), encoding_said(charset)
    if shape is None or (charset and encoding is None):
        raise _unread()
    if shape != "table":
        if encoding == "gb18030":
            raise _unread()
        encoding = "utf-8"  # of a workbook: that of the table that is read from it
    return Media(shape, encoding)


def _unread() -> UnsupportedMedia:
    return UnsupportedMedia(
        f"Send application/json, application/x-ndjson (both UTF-8), text/csv; charset=utf-8|gb18030, or {WORKBOOK}.",
        f"请使用 application/json、application/x-ndjson（均为 UTF-8）、text/csv; charset=utf-8|gb18030 或 {WORKBOOK}。",
    )
