"""What a file is: its form, guessed from its name and its content, and what cannot be sent."""

import json
from pathlib import Path
from typing import Literal

from creditmesh.client.errors import Unsendable
from creditmesh.schemas.files import MARK, Encoding, Octets, encoding_of, encoding_said

Form = Literal["csv", "ndjson", "json"]
_HEAD = 65_536
_FEW = 16
"""Fewer NULs than one in so many bytes are faults of their rows; UTF-16 and what is no text have more."""
_SUFFIXES: dict[str, Form] = {".csv": "csv", ".tsv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}


def form_of(path: Path) -> Form:
    """The form of a file; Unsendable for a workbook, a packed file, UTF-16 or an empty file, with what to do."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    _refuse(head)
    known = _SUFFIXES.get(path.suffix.lower())
    if known is not None:
        return known
    text = head.removeprefix(MARK).lstrip()
    if text.startswith(b"["):
        return "json"
    if text.startswith(b"{"):
        return "ndjson" if _is_json(text.split(b"\n", 1)[0]) else "json"
    return "csv"


def charset_said(name: str | None) -> Encoding | None:
    """The encoding that a user names; Unsendable if it is none of those that are read."""
    said = None if name is None else encoding_said(name)
    if name is not None and said is None:
        raise Unsendable(
            f"Encoding {name!r}: use utf-8 or gb18030.", f"编码 {name!r} 不支持；请使用 utf-8 或 gb18030。"
        )
    return said


def refuse_other_encodings(body: Octets, said: Encoding | None) -> None:
    """Unsendable for JSON that is said to be, or for the most part is, something else than UTF-8."""
    if encoding_of(body, said)[0] != "utf-8":
        raise Unsendable("JSON and NDJSON are UTF-8; convert the file.", "JSON 与 NDJSON 须为 UTF-8；请转换文件编码。")


def _refuse(head: bytes) -> None:
    if not head.strip():
        raise Unsendable("The file is empty.", "文件为空。")
    if head.startswith(b"PK\x03\x04"):
        raise Unsendable(
            "This is a workbook or a ZIP archive; save the sheet as CSV (UTF-8) and send that.",
            "该文件是电子表格工作簿或 ZIP 压缩包；请将工作表另存为 CSV（UTF-8）后报送。",
        )
    if head.startswith(b"\x1f\x8b"):
        raise Unsendable("This file is packed with gzip; unpack it first.", "该文件为 gzip 压缩文件；请先解压。")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head.count(0) * _FEW > len(head):
        raise Unsendable(
            "This is UTF-16 or not a text file; save it as CSV in UTF-8 or GB18030.",
            "该文件为 UTF-16 编码或不是文本文件；请另存为 UTF-8 或 GB18030 编码的 CSV。",
        )


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
