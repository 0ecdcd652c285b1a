"""What departments send for a table and is none: told by its first bytes, alike by the client and the node."""

import re
from typing import NamedTuple

from creditmesh.schemas.files.encoding import MARK, Octets, is_chinese_in_gbk, looked_through

_HEAD = 65_536
_ENOUGH = 12
"""Of fewer characters beyond ASCII nothing can be said."""
_WINDOWS = {ord(bytes([n]).decode("cp1252", "replace")): n for n in range(0x80, 0xA0)}
_READ_AS = ("cp1252", "cp1251", "mac_roman", "gbk", "cp949", "big5")
"""What Chinese is read as where nobody says which encoding it is in."""
_LOST = 4
"""Of what was read wrongly, not so much as one in so many is lost when it is turned back."""
_FEW = 16
"""Fewer NULs than one in so many bytes are faults of their rows; UTF-16 and what is no text have more."""


class Foreign(NamedTuple):
    """What it is and what to do, in English and in Chinese."""

    detail: str
    detail_zh: str


_EMPTY = Foreign("The file is empty.", "文件为空。")
_BEGINNINGS: dict[bytes, Foreign] = {
    b"PK\x03\x04": Foreign(
        "This is a workbook (.xlsx) or a ZIP archive; send a workbook under its own content type, "
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet, or its sheet as CSV (UTF-8).",
        "该文件是电子表格工作簿（.xlsx）或 ZIP 压缩包；工作簿请以其 Content-Type "
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet 报送，或将工作表另存为 CSV（UTF-8）。",
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
        (b"\xff\xfe\0\0", b"\0\0\xfe\xff"),
        Foreign(
            "This is UTF-32; save it as CSV in UTF-8 or GB18030.",
            "该文件为 UTF-32 编码；请另存为 UTF-8 或 GB18030 编码的 CSV。",
        ),
    ),
    **dict.fromkeys(
        (b"\xff\xfe", b"\xfe\xff"),
        Foreign(
            "This is UTF-16; save it as CSV in UTF-8 or GB18030.",
            "该文件为 UTF-16 编码；请另存为 UTF-8 或 GB18030 编码的 CSV。",
        ),
    ),
}
_FORMS: tuple[tuple[re.Pattern[bytes], Foreign], ...] = (
    (
        re.compile(rb"<"),
        Foreign(
            "This is a web page or XML, though its name may say .xls; "
            "open it in a spreadsheet and save it as CSV (UTF-8).",
            "该文件是网页或 XML（文件名可能为 .xls）；请用电子表格打开后另存为 CSV（UTF-8）。",
        ),
    ),
    (
        re.compile(
            rb"(?:(?!MIME-Version:|Content-Type:)[!-9;-~]++:[^\r\n]*+\r?+\n(?:[ \t][^\r\n]*+\r?+\n)*+)*+"
            rb"(?:MIME-Version|Content-Type):",
            re.IGNORECASE,
        ),
        Foreign(
            "This is a web archive (.mht), though its name may say .xls; "
            "open it in a spreadsheet and save it as CSV (UTF-8).",
            "该文件是网页存档（.mht，文件名可能为 .xls）；请用电子表格打开后另存为 CSV（UTF-8）。",
        ),
    ),
    (
        re.compile(rb"\{\\rtf"),
        Foreign(
            "This is a text document (RTF); put its table into a spreadsheet and save it as CSV (UTF-8).",
            "该文件是 RTF 文档；请将其中的表格粘贴到电子表格并另存为 CSV（UTF-8）。",
        ),
    ),
    (
        re.compile(rb"ID;P[^\r\n]*[\r\n]+[A-Z]{1,2};"),
        Foreign(
            "This is SYLK (.slk), though its name may say .csv or .xls; "
            "open it in a spreadsheet and save it as CSV (UTF-8).",
            "该文件为 SYLK 格式（.slk，文件名可能为 .csv 或 .xls）；请用电子表格打开后另存为 CSV（UTF-8）。",
        ),
    ),
    (
        re.compile(rb"TABLE\r?\n0,1\r?\n"),
        Foreign(
            "This is DIF (.dif); open it in a spreadsheet and save it as CSV (UTF-8).",
            "该文件为 DIF 格式（.dif）；请用电子表格打开后另存为 CSV（UTF-8）。",
        ),
    ),
)
_TWICE = Foreign(
    "What stands here was read in a wrong encoding and saved anew (æ–‡å­—, ÎÄ×Ö, 琛屾斂); send it as it was before.",
    "该文件的文字曾以错误编码打开并另存（出现 æ–‡å­—、ÎÄ×Ö、琛屾斂 一类乱码）；请报送另存之前的文件。",
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
    known = (said for beginning, said in _BEGINNINGS.items() if head.startswith(beginning))
    form = (said for begins, said in _FORMS if begins.match(text))
    if (found := next(known, None) or next(form, None)) is not None:
        return found
    if head.count(0) * _FEW > len(head):
        return _NO_TEXT
    return _TWICE if _saved_twice(text) else None


def _saved_twice(head: bytes) -> bool:
    """Whether nearly all beyond ASCII was Chinese in UTF-8 or GBK and was read in another encoding and written anew."""
    if head.isascii():
        return False
    text = head.decode("utf-8", "ignore")
    beyond = sum(not character.isascii() for character in text)
    for read in _READ_AS:
        # As Windows-1252 much is read as Latin-1: of 32 bytes it has five not.
        before = (
            text.translate(_WINDOWS).encode("latin-1", "replace") if read == "cp1252" else text.encode(read, "replace")
        )
        if (before.count(b"?") - text.count("?")) * _LOST > beyond:
            continue
        found = looked_through(before)
        if (found.mostly_long and found.long >= _ENOUGH) or (read != "gbk" and is_chinese_in_gbk(before)):
            return True
    return False
