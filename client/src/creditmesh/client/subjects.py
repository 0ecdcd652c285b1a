"""The subjects of a screening, as a department has them in a file: a CSV with a column of numbers, or NDJSON.

What cannot be read is told by its row and never by its content, before anything is sent.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from creditmesh.client.errors import Unsendable
from creditmesh.client.forms import charset_of, form_of
from creditmesh.schemas.identifiers import DocumentType, SubjectKind
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
        form = form_of(file)
        text = file.read_bytes().decode(charset_of(file, form, charset)).removeprefix("\ufeff")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Unsendable(f"{file}: cannot be read ({reason}).", f"{file}：无法读取（{reason}）。") from None
    rows = _table(text) if form == "csv" else _objects(text)
    subjects = [_subject(row, number) for number, row in enumerate(rows, start=1)]
    if not subjects:
        raise Unsendable("The file has no subjects.", "文件中没有主体。")
    return subjects


def _table(text: str) -> Iterator[object]:
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [_COLUMNS.get(cell.strip().lower()) for cell in next(reader, [])]
    if "number" not in header or None in header or len(set(header)) < len(header):
        raise Unsendable(
            "The header must have a column number, and may have kind, type and name, each once.",
            "表头须有 number 列，可有 kind、type、name 列，且不得重复。",
        )
    try:
        rows = list(filter(any, reader))
    except csv.Error:
        raise Unsendable("The file is not a table.", "文件不是表格。") from None
    for number, cells in enumerate(rows, start=1):
        if len(cells) != len(header):
            raise Unsendable(f"Row {number} has other columns than the header.", f"第 {number} 行：列数与表头不符。")
        yield _given(dict(zip(header, map(str.strip, cells), strict=True)))


def _objects(text: str) -> Iterator[object]:
    for number, line in enumerate(filter(str.strip, text.split("\n")), start=1):
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
