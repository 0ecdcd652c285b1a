"""Shows what a node answered: to people as a tree or a table, to programs under the API's own names."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, JsonValue

from creditmesh.client.cli import incomplete, say
from creditmesh.client.cli.words import headed, kind_of, worded
from creditmesh.client.cli.writing import save
from creditmesh.schemas.signed import SignedText


def one(answer: BaseModel, *, as_json: bool) -> None:
    """One answer: a JSON document, or a tree of its names and values; and what it says of itself."""
    document: dict[str, JsonValue] = answer.model_dump(mode="json")
    if as_json:
        say.document(document)
    else:
        for line in _tree(document, "", type(answer)):
            say.answers.print(line)
    incomplete.tell(answer)


def many(answers: Iterable[BaseModel], columns: Sequence[str], *, as_json: bool) -> None:
    """A list: NDJSON as it comes, or a table of these members; `a.b` is member b of member a.

    What its pages say of the list itself is told after it; to a program as one more line, with members of its own.
    """
    if as_json:
        for answer in answers:
            say.document(answer.model_dump(mode="json"))
        if beside := incomplete.document(answers):
            say.document(beside)
    else:
        _table(answers, columns)
    incomplete.tell(answers)


def _table(answers: Iterable[BaseModel], columns: Sequence[str]) -> None:
    rows = [(type(answer), answer.model_dump(mode="json")) for answer in answers]
    table = say.columns(*map(headed, columns))
    for kind, row in rows:
        table.add_row(*(_cell(*_member(kind, row, name)) for name in columns))
    if rows:
        say.table(table)
    say.answers.print(f"共 in all: {len(rows)}")


def _member(kind: Any, row: Any, name: str) -> tuple[Any, JsonValue]:
    first, _, rest = name.partition(".")
    found = row.get(first) if isinstance(row, Mapping) else None
    return _member(kind_of(kind, first), found, rest) if rest else (kind_of(kind, first), found)


def _cell(kind: Any, value: JsonValue) -> str:
    if isinstance(value, list):
        return ", ".join(_cell(kind, each) for each in value)
    if isinstance(value, Mapping):  # a reason, or a count by its word
        return str(value["code"]) if "code" in value else ", ".join(f"{word} {count}" for word, count in value.items())
    return worded(kind, value)


def _tree(value: JsonValue, indent: str, kind: Any) -> Iterator[str]:
    members: Iterable[tuple[str, Any, JsonValue]]
    if isinstance(value, Mapping):
        members = ((headed(name), kind_of(kind, name), each) for name, each in value.items())
    else:
        items = value if isinstance(value, list) else [value]
        members = ((f"{place}.", kind, each) for place, each in enumerate(items, start=1))
    for header, inner, each in members:
        if each is None or each in ([], {}):
            continue
        if isinstance(each, list) and all(isinstance(part, str | int) for part in each):
            each = ", ".join(worded(inner, part) for part in each)  # noqa: PLW2901 - as it is shown
        if isinstance(each, Mapping | list):
            yield f"{indent}{header}{'' if header.endswith('.') else ':'}"
            yield from _tree(each, indent + "  ", inner)
        else:
            yield f"{indent}{header}: {worded(inner, each)}"


def signed(text: SignedText, out: Path | None) -> None:
    """A signed text as it was signed, printed or in a file."""
    document = text.model_dump_json(indent=1)
    if out is None:
        say.text(document)
        return
    save(out, document.encode() + b"\n")
    say.answers.print(say.printable(str(out)))
