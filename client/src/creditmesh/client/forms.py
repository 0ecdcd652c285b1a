"""What a file is: its form, guessed from its name and its content, and what cannot be sent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from creditmesh.client.errors import Unsendable
from creditmesh.schemas.files import MARK, Encoding, Octets, Table, encoding_of, encoding_said, foreign
from creditmesh.schemas.files.workbook import Unreadable, Workbook, workbook_of

Form = Literal["csv", "ndjson", "json", "xlsx"]
_HEAD = 65_536
_ARCHIVE = b"PK\x03\x04"
_SUFFIXES: dict[str, Form] = {".csv": "csv", ".tsv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}


def form_of(path: Path) -> Form:
    """The form of a file; Unsendable, with what to do, for an old workbook, a web page, a packed or an empty file."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_ARCHIVE):
        return "xlsx"
    if (why := foreign(head)) is not None:
        raise Unsendable(*why)
    known = _SUFFIXES.get(path.suffix.lower())
    if known is not None:
        return known
    text = head.removeprefix(MARK).lstrip()
    if text.startswith(b"["):
        return "json"
    if text.startswith(b"{"):
        return "ndjson" if _is_json(text.split(b"\n", 1)[0]) else "json"
    return "csv"


@contextmanager
def readable() -> Iterator[None]:
    """Unsendable, with what to do, where a workbook cannot be read."""
    try:
        yield
    except Unreadable as unreadable:
        raise Unsendable(*unreadable.why) from None


def book_of(path: Path) -> Workbook:
    """The workbook in a file; Unsendable where it cannot be read."""
    with readable():
        return workbook_of(path.read_bytes())


def charset_said(name: str | None) -> Encoding | None:
    """The encoding that a user names; Unsendable if it is none of those that are read."""
    said = None if name is None else encoding_said(name)
    if name is not None and said is None:
        raise Unsendable(
            f"Encoding {name!r}: use utf-8 or gb18030.", f"编码 {name!r} 不支持；请使用 utf-8 或 gb18030。"
        )
    return said


def refuse_doubtful_table(table: Table) -> None:
    """Unsendable for a table in an encoding that nobody names, and that is neither of the two that are read."""
    if table.is_doubtful:
        raise Unsendable(
            "The file is no UTF-8 and does not read as Chinese in GB18030; "
            "save it as CSV in UTF-8, or, if it is GB18030 all the same, say so: --charset gb18030.",
            "文件不是 UTF-8，按 GB18030 读取也不是中文；请另存为 UTF-8 的 CSV；若确为 GB18030，"
            "请注明：--charset gb18030。",
        )


def refuse_other_encodings(body: Octets, said: Encoding | None) -> None:
    """Unsendable for JSON that is said to be, or for the most part is, something else than UTF-8."""
    if encoding_of(body, said)[0] != "utf-8":
        raise Unsendable("JSON and NDJSON are UTF-8; convert the file.", "JSON 与 NDJSON 须为 UTF-8；请转换文件编码。")


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
