"""What a file is: its form and its encoding, guessed from its name and its content, as departments really send them."""

import json
from pathlib import Path
from typing import Literal

from creditmesh.client.errors import Unsendable

Form = Literal["csv", "ndjson", "json"]
MARK = b"\xef\xbb\xbf"
CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030"}
_HEAD = 65_536
_SUFFIXES: dict[str, Form] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}


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


def charset_of(path: Path, form: Form, said: str | None) -> str:
    """The encoding a file is declared in: what was said, else UTF-8 where that reads it, else GB18030."""
    if said is not None and said.lower() not in CHARSETS:
        raise Unsendable(
            f"Encoding {said!r}: use utf-8 or gb18030.", f"编码 {said!r} 不支持；请使用 utf-8 或 gb18030。"
        )
    charset = "utf-8" if said is None else CHARSETS[said.lower()]
    if form != "csv" and charset != "utf-8":
        raise Unsendable("JSON and NDJSON are UTF-8; convert the file.", "JSON 与 NDJSON 须为 UTF-8；请转换文件编码。")
    candidates = [charset] if said is not None or form != "csv" else ["utf-8", "gb18030"]
    with path.open("rb") as file:
        for line in file:
            candidates = [charset for charset in candidates if _reads(line, charset)]
            if not candidates:
                raise _unreadable(form, said)
    return candidates[0]


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
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in head:
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


def _reads(line: bytes, charset: str) -> bool:
    try:
        line.decode(charset)
    except UnicodeDecodeError:
        return False
    return True


def _unreadable(form: Form, said: str | None) -> Unsendable:
    if form != "csv":
        return Unsendable("The file is not UTF-8; convert it.", "文件不是 UTF-8 编码；请转换编码。")
    tried = said or "utf-8, gb18030"
    return Unsendable(
        f"The file cannot be read as {tried}; name its encoding with --charset, or save it as UTF-8.",
        f"文件无法按 {tried} 读取；请用 --charset 指定编码，或另存为 UTF-8。",
    )
