"""The subjects of a screening, as a department has them in a file: a CSV with a column of numbers, or NDJSON.

What cannot be read is told by its row and never by its content, before anything is sent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from creditmesh.client.errors import Unsendable
from creditmesh.client.forms import (
    Form,
    book_of,
    charset_said,
    form_of,
    readable,
    refuse_doubtful_table,
    refuse_other_encodings,
)
from creditmesh.schemas.catalogue import CodeSet
from creditmesh.schemas.files import MARK, Encoding, Table, lines_of, rows_of
from creditmesh.schemas.identifiers import DocumentType, SubjectKind
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.coded import code_reader
from creditmesh.schemas.rules.headers import MOST_NAMES, Columns
from creditmesh.schemas.rules.identity import Identity, NumberFinding, identify
from creditmesh.schemas.rules.spelling import spelled
from creditmesh.schemas.rules.values import Read
from creditmesh.schemas.screenings import ScreenedIn
from creditmesh.schemas.signed import strict
from creditmesh.schemas.subject import SubjectIn

_NAMES: Mapping[str, tuple[str, ...]] = {
    "number": ("号码", "证件号码", "证件号", "身份证号", "身份证号码", "统一社会信用代码", "信用代码", "uscc"),
    "kind": ("主体类别", "主体类型"),
    "type": ("证件类型", "证件种类"),
    "name": ("名称", "姓名", "主体名称", "单位名称", "企业名称"),
}
_COLUMNS = {spelled(name): column for column, names in _NAMES.items() for name in (column, *names)}


def _code_set(name: str, **words: tuple[str, ...]) -> CodeSet:
    values = [{"value": value, "name": value, "name_zh": said[0], "aliases": said[1:]} for value, said in words.items()]
    return CodeSet.model_validate({"code": name, "name": name, "name_zh": name, "values": values})


_CODE_SETS = {"kind": "subject_category", "type": "document_kind"}
"""Where the words for kinds and types stand, with what they mean: in the catalogue, as for what is submitted."""
_MORE = {
    "kind": _code_set("kind", organisation=("法人和其他组织", "企业", "单位")),
    "type": _code_set(
        "type", uscc=("统一社会信用代码", "信用代码"), registration=("工商注册号", "注册号", "工商登记码")
    ),
}
"""Words that people use in such a file, and those of documents that have a field of their own in what is submitted."""
_KIND_OF: Mapping[str, SubjectKind] = {"uscc": "organisation", "registration": "sole_trader"}
_WAYS: tuple[tuple[SubjectKind, DocumentType], ...] = (
    ("natural_person", "resident_id"),
    ("organisation", "uscc"),
    ("sole_trader", "uscc"),
)
_TYPE_OF: Mapping[str, DocumentType] = {"organisation": "uscc", "sole_trader": "uscc"}
_SHAPELESS = frozenset({NumberFinding.FILLER, NumberFinding.MASKED, NumberFinding.COMPUTED, NumberFinding.PLACEHOLDER})
"""What is wrong with a number whatever it is a number of."""
CodeSets = Callable[[str], CodeSet]
"""A code set of the node's catalogue, by its name."""


def subjects_of(file: Path, *, code_sets: CodeSets, charset: str | None = None) -> list[ScreenedIn]:
    """Every subject in the file, in its order. Unsendable, with the row, if one cannot be sent."""
    try:
        form, said = form_of(file), charset_said(charset)
        rows = _rows(_sheet(file)) if form == "xlsx" else _rows_of(file.read_bytes(), said, form)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Unsendable(f"{file}: cannot be read ({why}).", f"{file}：无法读取（{why}）。") from None
    words = {column: _Words(partial(code_sets, name), _MORE[column]) for column, name in _CODE_SETS.items()}
    subjects = [_subject(row, number, words) for number, row in enumerate(rows, start=1)]
    if not subjects:
        raise Unsendable("The file has no subjects.", "文件中没有主体。")
    return subjects


class _Names:
    """The names a column may have, by which the header is found."""

    def known(self, cells: Sequence[str]) -> int:
        return sum(spelled(cell) in _COLUMNS for cell in cells[:MOST_NAMES])


class _Words:
    """Reads a word as what it means, by the catalogue's code set, which is asked for when a word is to be read."""

    def __init__(self, code_set: Callable[[], CodeSet], more: CodeSet) -> None:
        self._code_set, self._more = code_set, more

    def read(self, text: str) -> str | None:
        return next((meanings[value] for read, meanings in self._sets if (value := read(text)) is not None), None)

    @cached_property
    def _sets(self) -> list[tuple[Read, Mapping[str, str]]]:
        return [
            (code_reader(each), {value.value: value.meaning or value.value for value in each.values})
            for each in (self._code_set(), self._more)
        ]


def _sheet(file: Path) -> Table:
    """The rows of a workbook. Whom nobody sees in it is not asked about: what is hidden is refused here."""
    book = book_of(file)
    if book.hidden:
        raise Unsendable(
            "Rows or columns of the sheet are hidden, and each row asks about somebody; show them, or delete them.",
            "工作表中有隐藏的行或列：每一行都是对一个主体的查询；请取消隐藏或删除。",
        )
    with readable():
        return book.table(_Names())


def _rows_of(body: bytes, said: Encoding | None, form: Form) -> Iterator[object]:
    return _rows(Table.of(body, said, names=_Names())) if form == "csv" else _objects(body, said, form)


def _rows(table: Table) -> Iterator[object]:
    """The rows under the columns that are known; others are not read, nor sent."""
    refuse_doubtful_table(table)
    header = tuple(_COLUMNS.get(spelled(cell)) for cell in table.header.cells[:MOST_NAMES])
    known = [column for column in header if column is not None]
    if "number" not in known or len(set(known)) < len(known):
        raise Unsendable(
            "The header must have a column number (号码, 统一社会信用代码), "
            "and may have kind, type and name, each once.",
            "表头须有号码列（number、号码、证件号码或统一社会信用代码），可有主体类别、证件类型、名称列，且不得重复。",
        )
    for number, row in enumerate(rows_of(table, Columns(header, ())), start=1):
        if isinstance(row.text, FieldError):
            raise Unsendable(
                f"Row {number}, line {row.line}: {row.text.detail}",
                f"第 {number} 行（文件第 {row.line} 行）：{row.text.detail_zh}",
            )
        yield strict(row.text)


def _objects(body: bytes, said: Encoding | None, form: Form) -> Iterator[object]:
    """The objects of NDJSON, or of an array."""
    refuse_other_encodings(body, said)
    body = body.removeprefix(MARK)
    lines = (body[start:stop] for _, start, stop in lines_of(body)) if form == "ndjson" else (body,)
    for number, line in enumerate(filter(bytes.strip, lines), start=1):
        read = _json(line, number)
        yield from read if isinstance(read, list) else (read,)


def _json(text: bytes, row: int) -> object:
    try:
        read: object = strict(text)
    except ValueError:
        raise Unsendable(
            f"Row {row} is not JSON, or has a name twice; send one subject a line, or an array of them.",
            f"第 {row} 行不是 JSON，或有重复的名称；请每行一个主体，或发送主体数组。",
        ) from None
    return read


def _subject(row: object, number: int, words: Mapping[str, _Words]) -> ScreenedIn:
    if isinstance(row, dict) and "document" not in row and (cells := _cells(row, number)):
        row = _given(cells, number, words)
    try:
        subject = ScreenedIn.model_validate(row)
    except ValidationError as wrong:
        fields = ", ".join(sorted({"/".join(map(str, error["loc"])) or "/" for error in wrong.errors()}))
        raise Unsendable(
            f"Row {number} ({fields}): not a subject: kind, and document with type and number, or a name.",
            f"第 {number} 行（{fields}）：不是主体：须有 kind，以及 document（type 与 number）或 name。",
        ) from None
    if subject.document is not None:
        found = identify(subject.kind, subject.document.type, subject.document.number.reveal())
        if isinstance(found, NumberFinding):
            raise _wrong(found, number)
    return subject


def _cells(row: Mapping[str, object], number: int) -> dict[str, str]:
    """What an object says under the names of columns; none where it has none, or something else than text in them."""
    named = [
        (_COLUMNS[spelled(name)], "" if value is None else value)
        for name, value in row.items()
        if spelled(name) in _COLUMNS
    ]
    cells = {column: value.strip() for column, value in named if isinstance(value, str)}
    if len({column for column, _ in named}) < len(named):
        raise Unsendable(
            f"Row {number} has two names of one column (number, kind, type, name); leave one.",
            f"第 {number} 行有两个名称指同一列（号码、主体类别、证件类型、名称）；请只保留一个。",
        )
    return cells if len(cells) == len(named) else {}


def _given(cells: Mapping[str, str], row: int, words: Mapping[str, _Words]) -> object:
    """A row of columns as a subject: kind and type follow from each other, or else from the number."""
    number, name = cells.get("number"), cells.get("name")
    kind = _read(cells, "kind", row, words)
    document = _read(cells, "type", row, words)
    if number and not kind and not document:
        kind, document = _told_by(number, row)
    kind = kind or (_KIND_OF.get(document, "natural_person") if document else "")
    document = document or _TYPE_OF.get(kind, "resident_id")
    given = {"document": {"type": document, "number": number}} if number else {}
    return {"kind": kind or None} | given | ({"name": name} if name else {})


def _read(cells: Mapping[str, str], column: str, row: int, words: Mapping[str, _Words]) -> str:
    text = cells.get(column, "")
    codes = get_args(SubjectKind if column == "kind" else DocumentType)
    if not text or text.lower() in codes:
        return text.lower()
    read = words[column].read(text)
    if read is None:
        raise Unsendable(
            f"Row {row}: no such {column}; it is {', '.join(codes)}, or a word of the code set {_CODE_SETS[column]}.",
            f"第 {row} 行：无此{'主体类别' if column == 'kind' else '证件类型'}；"
            f"可填 {'、'.join(codes)}，或代码集 {_CODE_SETS[column]} 中的用语（如 自然人、个体工商户、居民身份证）。",
        )
    return read


def _told_by(number: str, row: int) -> tuple[str, str]:
    """The one kind and type that the number's check digit is right for; Unsendable where none or several are."""
    read = {way: identify(*way, number) for way in _WAYS}
    wrong = next((each for each in read.values() if isinstance(each, NumberFinding) and each in _SHAPELESS), None)
    if wrong is not None:
        raise _wrong(wrong, row)
    ways = [way for way, who in read.items() if isinstance(who, Identity) and not who.doubts]
    if not ways and any(isinstance(who, Identity) and NumberFinding.CHECK_DIGIT in who.doubts for who in read.values()):
        raise Unsendable(
            f"Row {row}: the check digit of the number does not match; correct the number, from the document.",
            f"第 {row} 行：号码的校验码不符；请按原始证件更正号码。",
        )
    if len(ways) != 1:
        raise Unsendable(
            f"Row {row}: nobody is meant by the number alone (is it complete, its check digit right?); correct it, "
            f"or say who is meant: kind {', '.join(get_args(SubjectKind))}; type {', '.join(get_args(DocumentType))}.",
            f"第 {row} 行：仅凭号码无法确定主体（号码是否完整、校验位是否正确？）；请更正，或写明主体类别"
            "（自然人、法人及非法人组织、个体工商户）与证件类型。",
        )
    return ways[0]


def _wrong(found: NumberFinding, row: int) -> Unsendable:
    said = reason(found.value)
    return Unsendable(f"Row {row}: {said.detail}", f"第 {row} 行：{said.detail_zh}")


def subject_of(text: str, kind: SubjectKind | None = None) -> SubjectIn:
    """One subject as it is typed: a number, or the JSON of a subject. Unsendable if nobody is meant by it."""
    if text.lstrip().startswith("{"):
        given = _json(text.encode("utf-8", "replace"), 1)
    else:
        number = text.strip()
        said, document = (kind, _TYPE_OF.get(kind, "resident_id")) if kind else _told_by(number, 1)
        given = {"kind": said, "document": {"type": document, "number": number}}
    try:
        return SubjectIn.model_validate(given)
    except ValidationError:
        raise Unsendable(
            "This is no subject: kind, and document with type and number.",
            "不是主体：须有 kind，以及 document（type 与 number）。",
        ) from None
