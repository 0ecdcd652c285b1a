"""The subjects of a screening, as a department has them in a file: a CSV with a column of numbers, or NDJSON.

What cannot be read is told by its row and never by its content, before anything is sent.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from creditmesh.client.errors import Unsendable
from creditmesh.client.forms import charset_said, form_of, refuse_doubtful_table, refuse_other_encodings
from creditmesh.schemas.files import MARK, Encoding, Table
from creditmesh.schemas.identifiers import DocumentType, SubjectKind
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.identity import Identity, identify
from creditmesh.schemas.screenings import ScreenedIn

_COLUMNS = {"number": "number", "号码": "number", "证件号码": "number", "kind": "kind", "主体类别": "kind"}
_COLUMNS |= {"type": "type", "证件类型": "type", "name": "name", "名称": "name", "姓名": "name"}
_KIND_OF: Mapping[str, SubjectKind] = {"uscc": "organisation", "registration": "sole_trader"}
_WAYS: tuple[tuple[SubjectKind, DocumentType], ...] = (
    ("natural_person", "resident_id"),
    ("organisation", "uscc"),
    ("sole_trader", "uscc"),
)
_TYPE_OF: Mapping[str, DocumentType] = {"organisation": "uscc", "sole_trader": "uscc"}


def subjects_of(file: Path, *, charset: str | None = None) -> list[ScreenedIn]:
    """Every subject in the file, in its order. Unsendable, with the row, if one cannot be sent."""
    try:
        form, said = form_of(file), charset_said(charset)
        body = file.read_bytes()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Unsendable(f"{file}: cannot be read ({why}).", f"{file}：无法读取（{why}）。") from None
    rows = _table(body, said) if form == "csv" else _objects(body, said)
    subjects = [_subject(row, number) for number, row in enumerate(rows, start=1)]
    if not subjects:
        raise Unsendable("The file has no subjects.", "文件中没有主体。")
    return subjects


def _table(body: bytes, said: Encoding | None) -> Iterator[object]:
    refuse_doubtful_table(body, said)
    table = Table.of(body, said)
    header = [_COLUMNS.get(cell.strip().lower()) for cell in table.header.cells]
    if "number" not in header or None in header or len(set(header)) < len(header):
        raise Unsendable(
            "The header must have a column number, and may have kind, type and name, each once.",
            "表头须有 number 列，可有 kind、type、name 列，且不得重复。",
        )
    rows = (record for record in table.records() if not record.blank)
    for number, record in enumerate(rows, start=1):
        if record.fault is not None or len(record.cells) != len(header):
            found = reason(record.fault or "malformed_row")
            raise Unsendable(
                f"Row {number}, line {record.line}: {found.detail}",
                f"第 {number} 行（文件第 {record.line} 行）：{found.detail_zh}",
            )
        yield _given(dict(zip(header, map(str.strip, record.cells), strict=True)))


def _objects(body: bytes, said: Encoding | None) -> Iterator[object]:
    refuse_other_encodings(body, said)
    lines = body.removeprefix(MARK).split(b"\n")
    for number, line in enumerate(filter(bytes.strip, lines), start=1):
        try:
            yield json.loads(line)
        except ValueError:
            raise Unsendable(
                f"Row {number} is not JSON; send one subject a line.", f"第 {number} 行不是 JSON；请每行一个主体。"
            ) from None


def _given(cells: Mapping[str | None, str]) -> object:
    """A row of a table as a subject: kind and type follow from each other, or else from the number."""
    number, kind, document = cells.get("number"), cells.get("kind"), cells.get("type")
    if number and not kind and not document:
        kind, document = _told_by(number)
    kind = kind or (_KIND_OF.get(document, "natural_person") if document else "")
    document = document or _TYPE_OF.get(kind, "resident_id")
    name = {"name": cells["name"]} if cells.get("name") else {}
    found = {"document": {"type": document, "number": number}} if number else {}
    return {"kind": kind} | found | name


def _told_by(number: str) -> tuple[str, str]:
    """The one kind and type that the number's check digit is right for; empty where none or several are."""
    ways = [way for way in _WAYS if isinstance(who := identify(*way, number), Identity) and not who.doubts]
    return ways[0] if len(ways) == 1 else ("", "")


def _subject(row: object, number: int) -> ScreenedIn:
    try:
        return ScreenedIn.model_validate(row)
    except ValidationError as wrong:
        fields = ", ".join(sorted({"/".join(map(str, error["loc"])) or "/" for error in wrong.errors()}))
        raise Unsendable(
            f"Row {number}: say the kind and the type of document as the catalogue has them ({fields}).",
            f"第 {number} 行：请按目录写明主体类别（kind）和证件类型（type）（{fields}）。",
        ) from None
