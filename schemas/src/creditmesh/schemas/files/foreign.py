"""What departments send for a table and is none: told by its first bytes, alike by the client and the node."""

from typing import NamedTuple

from creditmesh.schemas.files.encoding import MARK, Octets

_HEAD = 65_536
_FEW = 16
"""Fewer NULs than one in so many bytes are faults of their rows; UTF-16 and what is no text have more."""


class Foreign(NamedTuple):
    """What it is and what to do, in English and in Chinese."""

    detail: str
    detail_zh: str


_EMPTY = Foreign("The file is empty.", "文件为空。")
_BEGINNINGS: dict[bytes, Foreign] = {
    b"PK\x03\x04": Foreign(
        "This is a workbook (.xlsx) or a ZIP archive; save the sheet as CSV (UTF-8) and send that.",
        "该文件是电子表格工作簿（.xlsx）或 ZIP 压缩包；请将工作表另存为 CSV（UTF-8）后报送。",
    ),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": Foreign(
        "This is a workbook (.xls) or another document of Office; save the sheet as CSV (UTF-8) and send that.",
        "该文件是电子表格工作簿（.xls）或其他 Office 文档；请将工作表另存为 CSV（UTF-8）后报送。",
    ),
    b"\x1f\x8b": Foreign(
        "This file is packed with gzip; unpack it, or send it with Content-Encoding: gzip.",
        "该文件为 gzip 压缩文件；请先解压，或以 Content-Encoding: gzip 报送。",
    ),
    b"%PDF": Foreign("This is a PDF; send the table as CSV (UTF-8).", "该文件为 PDF；请将表格以 CSV（UTF-8）报送。"),
    **dict.fromkeys(
        (b"\xff\xfe", b"\xfe\xff"),
        Foreign(
            "This is UTF-16; save it as CSV in UTF-8 or GB18030.",
            "该文件为 UTF-16 编码；请另存为 UTF-8 或 GB18030 编码的 CSV。",
        ),
    ),
}
_MARKUP = Foreign(
    "This is a web page or XML, though its name may say .xls; open it in a spreadsheet and save it as CSV (UTF-8).",
    "该文件是网页或 XML（文件名可能为 .xls）；请用电子表格打开后另存为 CSV（UTF-8）。",
)
_NO_TEXT = Foreign(
    "This is UTF-16 or not a text file; save it as CSV in UTF-8 or GB18030.",
    "该文件为 UTF-16 编码或不是文本文件；请另存为 UTF-8 或 GB18030 编码的 CSV。",
)


def foreign(body: Octets) -> Foreign | None:
    """Why a file is no text of rows; None if it may be."""
    head = bytes(body[:_HEAD])
    text = head.removeprefix(MARK).lstrip()
    if not text:
        return _EMPTY
    known = next((said for beginning, said in _BEGINNINGS.items() if head.startswith(beginning)), None)
    if known is not None:
        return known
    if text.startswith(b"<"):
        return _MARKUP
    return _NO_TEXT if head.count(0) * _FEW > len(head) else None
