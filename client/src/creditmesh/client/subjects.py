"""The subjects of a screening, as a department has them in a file: a CSV with a column of numbers, or NDJSON.

What cannot be read is told by its row and never by its content, before anything is sent.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from creditmesh.client.errors import Unsendable
from creditmesh.client.forms import charset_said, form_of, refuse_doubtful_table, refuse_other_encodings
from creditmesh.schemas.files import MARK, Encoding, Table
from creditmesh.schemas.identifiers import DocumentType, SubjectKind
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.identity import Identity, NumberFinding, identify
from creditmesh.schemas.rules.spelling import spelled
from creditmesh.schemas.screenings import ScreenedIn

_MOST_COLUMNS = 256

_NAMES: Mapping[str, tuple[str, ...]] = {
    "number": ("号码", "证件号码", "证件号", "身份证号", "身份证号码", "统一社会信用代码", "信用代码", "uscc"),
    "kind": ("主体类别", "主体类型"),
    "type": ("证件类型", "证件种类"),
    "name": ("名称", "姓名", "主体名称", "单位名称", "企业名称"),
}
_COLUMNS = {spelled(name): column for column, names in _NAMES.items() for name in (column, *names)}
_KINDS: Mapping[str, SubjectKind] = {
    "自然人": "natural_person",
    **dict.fromkeys(("法人及非法人组织", "法人和非法人组织", "法人", "非法人组织", "企业"), "organisation"),
    **dict.fromkeys(("个体工商户", "个体户"), "sole_trader"),
}
_TYPES: Mapping[str, DocumentType] = {
    **dict.fromkeys(("居民身份证", "身份证"), "resident_id"),
    "护照": "passport",
    "港澳居民来往内地通行证": "hk_macao_permit",
    "台湾居民来往大陆通行证": "taiwan_permit",
    "外国人永久居留身份证": "foreign_resident_id",
    "港澳台居民居住证": "residence_permit",
    **dict.fromkeys(("居民户口簿", "户口簿"), "household_register"),
    "军官证": "officer_card",
    "士兵证": "soldier_card",
    **dict.fromkeys(("统一社会信用代码", "信用代码"), "uscc"),
    **dict.fromkeys(("工商注册号", "注册号"), "registration"),
}
_KIND_OF: Mapping[str, SubjectKind] = {"uscc": "organisation", "registration": "sole_trader"}
_WAYS: tuple[tuple[SubjectKind, DocumentType], ...] = (
    ("natural_person", "resident_id"),
    ("organisation", "uscc"),
    ("sole_trader", "uscc"),
)
_TYPE_OF: Mapping[str, DocumentType] = {"organisation": "uscc", "sole_trader": "uscc"}
_SHAPELESS = frozenset({NumberFinding.FILLER, NumberFinding.MASKED, NumberFinding.COMPUTED, NumberFinding.PLACEHOLDER})
"""What is wrong with a number whatever it is a number of."""
_WORDS = (
    f"kind {', '.join(get_args(SubjectKind))}; type {', '.join(get_args(DocumentType))}",
    f"kind 可填 {'、'.join(_KINDS)}；type 可填 {'、'.join(_TYPES)}",
)


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


class _Columns:
    """The names a column may have, by which the header is found."""

    def known(self, cells: Sequence[str]) -> int:
        return sum(spelled(cell) in _COLUMNS for cell in cells[:_MOST_COLUMNS])


def _table(body: bytes, said: Encoding | None) -> Iterator[object]:
    """The rows under the columns that are known; others are not read, nor sent."""
    table = Table.of(body, said, names=_Columns())
    refuse_doubtful_table(table)
    header = [_COLUMNS.get(spelled(cell)) for cell in table.header.cells[:_MOST_COLUMNS]]
    known = [column for column in header if column is not None]
    if "number" not in known or len(set(known)) < len(known):
        raise Unsendable(
            "The header must have a column number (号码, 统一社会信用代码), "
            "and may have kind, type and name, each once.",
            "表头须有号码列（number、号码、证件号码或统一社会信用代码），可有主体类别、证件类型、名称列，且不得重复。",
        )
    rows = (record for record in table.records() if not record.blank)
    for number, record in enumerate(rows, start=1):
        if record.fault is not None or len(record.cells) > len(table.header.cells):
            found = reason(record.fault or "malformed_row")
            raise Unsendable(
                f"Row {number}, line {record.line}: {found.detail}",
                f"第 {number} 行（文件第 {record.line} 行）：{found.detail_zh}",
            )
        cells = {column: cell.strip() for column, cell in zip(header, record.cells, strict=False) if column}
        yield _given(cells, number)


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


def _given(cells: Mapping[str, str], row: int) -> object:
    """A row of a table as a subject: kind and type follow from each other, or else from the number."""
    number, kind, document = cells.get("number"), cells.get("kind", ""), cells.get("type", "")
    kind, document = _KINDS.get(kind, kind), _TYPES.get(document, document)
    if number and not kind and not document:
        kind, document = _told_by(number, row)
    kind = kind or (_KIND_OF.get(document, "natural_person") if document else "")
    document = document or _TYPE_OF.get(kind, "resident_id")
    name = {"name": cells["name"]} if cells.get("name") else {}
    found = {"document": {"type": document, "number": number}} if number else {}
    return {"kind": kind} | found | name


def _told_by(number: str, row: int) -> tuple[str, str]:
    """The one kind and type that the number's check digit is right for.

    Unsendable with what is wrong with the number whatever it is of; empty where none or several are right.
    """
    read = {way: identify(*way, number) for way in _WAYS}
    wrong = next((each for each in read.values() if isinstance(each, NumberFinding) and each in _SHAPELESS), None)
    if wrong is not None:
        said = reason(wrong.value)
        raise Unsendable(f"Row {row}: {said.detail}", f"第 {row} 行：{said.detail_zh}")
    ways = [way for way, who in read.items() if isinstance(who, Identity) and not who.doubts]
    return ways[0] if len(ways) == 1 else ("", "")


def _subject(row: object, number: int) -> ScreenedIn:
    try:
        return ScreenedIn.model_validate(row)
    except ValidationError as wrong:
        fields = ", ".join(sorted({"/".join(map(str, error["loc"])) or "/" for error in wrong.errors()}))
        raise Unsendable(
            f"Row {number} ({fields}): nobody is meant by the number alone (is it complete, its check digit right?); "
            f"correct it, or say who is meant: {_WORDS[0]}.",
            f"第 {number} 行（{fields}）：仅凭号码无法确定主体（号码是否完整、校验位是否正确？）；"
            f"请更正，或写明主体：{_WORDS[1]}。",
        ) from None
