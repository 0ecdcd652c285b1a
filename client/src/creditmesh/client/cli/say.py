"""What the command says to people: in Chinese and in English, never a credential, never a value of a row."""

import json
import os
import sys
from unicodedata import category

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from creditmesh.client.errors import ClientError, ProblemError, Unverified
from creditmesh.schemas.output import write_document
from creditmesh.schemas.problems import read_aloud

answers = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
"""Standard output: what was asked for."""
notices = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
"""Standard error: progress, notices, errors."""


def printable(name: str) -> str:
    """A text of somebody else's with `?` for what is no character, ends a line or moves a terminal's cursor."""
    return "".join(char if char.isprintable() or category(char) == "Zs" else "?" for char in name)


def printable_lines(text: str) -> str:
    """The same of a text that may have lines."""
    return "\n".join(map(printable, text.split("\n")))


_WHOLE = 1_000_000
"""As wide as any line: what goes into a pipe or a file is not folded, and never cut."""


def columns(*headers: str, right: int | None = None) -> Table:
    """A table whose cells are shown whole; `right`: the column of numbers."""
    table = Table(box=None, pad_edge=False)
    for place, header in enumerate(headers):
        table.add_column(header, no_wrap=True, justify="right" if place == right else "left")
    return table


def table(shown: Table) -> None:
    """A table where it fits, else a block of `name: value` for each row; where nobody looks, values between tabs."""
    if not answers.is_terminal:
        for row in (_headers(shown), *_rows(shown)):
            answers.file.write("\t".join(printable(" ".join(cell.split())) for cell in row) + "\n")
    elif Measurement.get(answers, answers.options.update(width=_WHOLE), shown).maximum <= answers.width:
        answers.print(shown, soft_wrap=False)
    else:
        for row in _rows(shown):
            for name, value in zip(_headers(shown), row, strict=True):
                answers.print(f"{name}: {value}")
            answers.print()


def _headers(shown: Table) -> list[str]:
    return [str(column.header) for column in shown.columns]


def _rows(shown: Table) -> list[tuple[str, ...]]:
    return list(zip(*(map(str, column.cells) for column in shown.columns), strict=True))


def document(given: object) -> None:
    """One JSON document, or one line of many."""
    text(json.dumps(given, ensure_ascii=False))


def text(given: str) -> None:
    """A document that a program reads, as it is."""
    write_document(given.encode("utf-8", "replace").decode(), answers.file)


def nobody_reads() -> int:
    """The reader of a pipe is gone: nothing more is written, also not at the end of the process; the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def problem_lines(*lines: str) -> None:
    """What did not work, a line each."""
    for line in lines:
        notices.print(Text(printable_lines(line)), style="bold red")


def notice(detail: str, detail_zh: str) -> None:
    """A line beside the answer."""
    notices.print(printable_lines(f"{detail_zh}\n{detail}"), style="yellow")


def signed_for(node: str) -> None:
    """The first line about a text that fits: a key proves nothing of whoever gave it for this node's."""
    answers.print(f"签署节点 signed for: {node}")


def error(problem: ClientError, *, as_json: bool = False) -> None:
    """Why it did not work: the rule, the field and the remedy."""
    if as_json:
        document({"error": _document(problem)})
        return
    for line, style in _lines(problem):
        notices.print(Text(printable_lines(line)), style=style)


def _document(problem: ClientError) -> object:
    if isinstance(problem, ProblemError):
        return problem.document.model_dump(mode="json")
    if isinstance(problem, Unverified):
        return {"code": problem.code, "index": problem.index, "detail": problem.detail, "detail_zh": problem.detail_zh}
    return {"detail": problem.detail, "detail_zh": problem.detail_zh}


def _lines(problem: ClientError) -> list[tuple[str, str]]:
    if isinstance(problem, Unverified) and problem.index is not None:
        where = f"条目 entry {problem.index} [{problem.code}]"
        return [(where, "bold red"), (problem.detail_zh, "bold red"), (problem.detail, "bold red")]
    if not isinstance(problem, ProblemError):
        return [(problem.detail_zh, "bold red"), (problem.detail, "bold red")]
    document = problem.document
    lines = [(f"{document.title_zh} / {document.title} [{document.code}, HTTP {document.status}]", "bold red")]
    details = (read_aloud(text, errors=bool(document.errors)) for text in (document.detail_zh, document.detail))
    lines += [(text, "red") for text in details if text]
    for field in document.errors:
        lines.append((f"  {field.pointer or '/'} [{field.code}] {field.detail_zh}", "red"))
        lines.append((f"  {' ' * len(field.pointer or '/')} {field.detail}", "red"))
    if document.request_id:
        lines.append((f"请求编号 / request id: {document.request_id}", "dim"))
    return lines
