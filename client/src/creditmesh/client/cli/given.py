"""Reads what is given to a command beside its options: a file, standard input, an answer asked for without echo."""

import sys
from datetime import date, datetime
from pathlib import Path

import typer
from pydantic import JsonValue

from creditmesh.client.cli import say
from creditmesh.client.errors import Unsendable
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.signed import strict
from creditmesh.schemas.subject import Document, SubjectIn


def day(given: datetime | None) -> date | None:
    """A day as an option gives it."""
    return None if given is None else given.date()


def content(file: Path) -> bytes:
    """A file's bytes, or those of standard input (`-`)."""
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        name, why = say.printable(str(file)), error.strerror or type(error).__name__
        raise Unsendable(f"{name}: cannot be read ({why}).", f"{name}：无法读取（{why}）。") from None


def text(file: Path) -> str:
    """A text in UTF-8, without the white space around it."""
    try:
        return content(file).decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        name = say.printable(str(file))
        raise Unsendable(f"{name}: save it as UTF-8.", f"{name}：请另存为 UTF-8 编码。") from None


def fields(file: Path) -> dict[str, JsonValue]:
    """One JSON object: the fields of a record by their codes."""
    try:
        read = strict(content(file))
    except ValueError:
        read = None
    if not isinstance(read, dict):
        name = say.printable(str(file))
        raise Unsendable(
            f"{name}: one JSON object is needed, the fields by their codes, each once.",
            f"{name}：须为一个 JSON 对象：字段代码及其取值，不得重复。",
        )
    return read


def subject(code: str | None, file: Path | None, kind: SubjectKind | None) -> SubjectIn:
    """Who is asked about: by an organisation's code, a file, standard input, or what is typed unseen."""
    if code is not None and file is not None:
        raise Unsendable("Give --code or --subject, not both.", "--code 与 --subject 只能给出一个。")
    if code is not None:
        return SubjectIn(kind=kind or "organisation", document=Document(type="uscc", number=Pii(code.strip())))
    from creditmesh.client.subjects import subject_of

    if file is None and sys.stdin.isatty():
        return subject_of(typer.prompt("证件号码 number", hide_input=True, err=True), kind)
    if file is None:
        raise Unsendable(
            "Say who is asked about: --code of an organisation, or --subject FILE (- is standard input).",
            "请指明主体：机构用 --code，或 --subject 文件（- 为标准输入）。",
        )
    return subject_of(text(file), kind)
