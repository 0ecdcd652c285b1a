"""What pages speak of is there: each command with its options and arguments, each route, each name of the client."""

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from creditmesh.client import Node
from creditmesh.client.cli.app import app as client
from creditmesh.node.cli import app as node
from creditmesh.node.reference import openapi, operators_openapi
from creditmesh.sandbox.cli import app as sandbox
from creditmesh.schemas.identifiers import DocumentType
from creditmesh.schemas.subject import SubjectIn
from tests.support.pages import PAGES, ROOT, blocks, without_blocks

NOT_BUILT = ROOT / "docs" / "reference" / "not-built.md"
CODES = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "reference" / "problems.md").read_text(encoding="utf-8")))
READ = [*PAGES, *sorted((ROOT / "docs" / "reference").glob("*.md"))]
SOURCES = sorted(path for path in ROOT.glob("**/src/creditmesh/**/*.py") if ".venv" not in path.parts)
COMMANDS: dict[str, Any] = {
    "creditmesh": typer.main.get_command(client),
    "creditmesh-node": typer.main.get_command(node),
    "creditmesh-sandbox": typer.main.get_command(sandbox),
}
LINE = re.compile(r"(?<![\w./@-])(?:\.venv/bin/)?(creditmesh(?:-node|-sandbox)? [^|;)`\n<>&]+)")
INSIDE = ("/v1/admin/copies",)
"""What services ask each other, and no document has."""
PLACEHOLDER = re.compile(r"…|\.\.\.|\{.*\}|\$.*")


@cache
def told() -> list[tuple[str, str]]:
    """What stands between backticks in the prose of each page."""
    return [
        (page.relative_to(ROOT).as_posix(), code.replace("\n", " "))
        for page in READ
        for code in re.findall(r"`([^`]+)`", without_blocks(page))
    ]


def known(line: str) -> str:
    """What of a command line its command does not have; empty where it has all of it."""
    first, *words = split(line)
    command, given, words = COMMANDS[first], 0, iter(words)
    for word in words:
        if word.startswith("-"):
            name, equals, _ = word.partition("=")
            if name not in options(command) | {"--help": None}:
                return word
            if not equals and not getattr(options(command).get(name), "is_flag", True):
                next(words, None)
        elif hasattr(command, "commands"):
            if PLACEHOLDER.fullmatch(word):
                return ""
            if word not in command.commands:
                return word
            command = command.commands[word]
        elif (given := given + 1) > takes(command):
            return word
    return ""


def split(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:  # a quote that another piece closes
        return line.replace('"', " ").replace("'", " ").split()


def options(command: Any) -> dict[str, Any]:
    return {name: each for each in command.params for name in (*each.opts, *each.secondary_opts) if name[0] == "-"}


def takes(command: Any) -> int:
    """How many words it takes beside its options."""
    arguments = [each.nargs for each in command.params if each.param_type_name == "argument"]
    return 1000 if -1 in arguments else sum(arguments)


def commands(text: str) -> Iterator[str]:
    """Each command of ours in a text, without what only stands for more."""
    for found in LINE.finditer(text):
        yield re.sub(r"\[.*?\]|…$", "", found[1]).rstrip(" .,:\"'")


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("creditmesh submit FILE --item x --verdicts y", ""),
        ("creditmesh-node feeds offer PEER FEED", ""),
        ("creditmesh-node feeds offer PEER FEED --extra", "--extra"),
        ("creditmesh-node feeds offer PEER FEED up", "up"),
        ("creditmesh record find --number 1", "record"),
        ("creditmesh records find --numbers 1", "--numbers"),
        ("creditmesh Nonsense", "Nonsense"),
        ("creditmesh … list", ""),
    ],
)
def test_what_is_not_there_is_found(line: str, wrong: str):
    assert known(line) == wrong


def test_a_command_that_is_told_is_there_with_its_options_and_arguments():
    lines = [(page, line) for page, code in told() for line in commands(code)]
    lines += [
        (str(block), line)
        for page in PAGES
        for block in blocks(page)
        if block.language == "sh" and block.note.startswith("not-run:")
        for line in commands(block.text.replace("\\\n", " "))
    ]
    assert len(lines) > 150
    assert any(".venv/bin" in code for _, code in told())
    assert [(where, line, known(line)) for where, line in lines if known(line)] == []


Words = tuple[str, ...]


def parts(line: str) -> tuple[Words, frozenset[str]]:
    """The command of a line without what it is given, and its options."""
    first, *words = split(line)
    command, named, given = COMMANDS[first], [], set()
    for word in words:
        if word.startswith("-"):
            given.add(word.partition("=")[0])
        elif word in getattr(command, "commands", {}):
            command = command.commands[word]
            named.append(word)
    return tuple(named), frozenset(given)


@cache
def typed() -> dict[str, list[Words]]:
    """The words that each test, and each page's blocks that are run, gives at once: of a call, a row, a text."""
    found = {str(page): [tuple(split(line)) for block in blocks(page) if block.runs for line in commands(block.text)]
             for page in PAGES}  # fmt: skip
    for path in (ROOT / "tests").glob("*/test_*.py"):
        if path.parent.name != "architecture":
            found[str(path)] = list(said_at_once(ast.parse(path.read_text(encoding="utf-8"))))
    return found


def said_at_once(tree: ast.AST) -> Iterator[Words]:
    for each in ast.walk(tree):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield tuple(each.value.split())
        row = each.args if isinstance(each, ast.Call) else getattr(each, "elts", ())
        yield tuple(one.value for one in row if isinstance(one, ast.Constant) and isinstance(one.value, str))


THROUGH = {
    (("restore",), frozenset({"--set-aside"})): "tests/exchange/test_second_history.py",
}
"""What is typed by a function of another module, which has the command's words."""


def is_typed(named: Words, given: frozenset[str]) -> bool:
    """Whether one test, or one page, has the command's words in a row and its options."""
    if through := THROUGH.get((named, given)):
        return any({*given} <= {*row} for row in typed()[str(ROOT / through)])
    for said in typed().values():
        rows = (row[at : at + len(named)] for row in said for at in range(len(row)))
        if named in rows and given <= {word.partition("=")[0] for row in said for word in row}:
            return True
    return False


def test_a_command_of_the_prose_is_typed_by_a_test():
    """Those in blocks are run where they stand; those of prose and tables by the tests of the commands."""
    asked = {parts(line): line for _, code in told() for line in commands(code)}
    asked |= {(tuple(words), frozenset()): " ".join(words) for words in table()}
    assert len(asked) > 60
    untyped = [line for (named, given), line in asked.items() if named and not is_typed(named, given)]
    assert untyped == [], "let a test of tests/client, tests/node or tests/journeys run it"


def test_a_command_that_no_test_types_is_found():
    assert is_typed(("keys", "revoke"), frozenset())
    assert not is_typed(("keys", "revoke"), frozenset({"--" + "at-once"}))
    assert not is_typed(("keys", "mislay"), frozenset())


def table() -> Iterator[Words]:
    """The commands of the client's table, each with its group."""
    page = without_blocks(ROOT / "docs" / "guide" / "client.md")
    for row in re.findall(r"^\| [^|]*\| (`[^|]*) \|[^|]*\|$", page, re.MULTILINE):
        if not row.startswith("`node.") and known(f"creditmesh {first(row)}") == "":
            group = first(row).split()[0]
            for code in re.findall(r"`([^`]+)`", row):
                whole = code if known(f"creditmesh {code}") == "" else f"{group} {code}"
                yield parts(f"creditmesh {whole}")[0]


def sentences(path: Path) -> Iterator[str]:
    """The texts of a module, but for its docstrings' first lines' layout: what it may say to somebody."""
    for each in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def test_a_command_that_the_software_names_is_there():
    named = [
        (path.relative_to(ROOT).as_posix(), line)
        for path in SOURCES
        for text in sentences(path)
        for code in re.findall(r"`(creditmesh[^`]*)`", text)
        for line in commands(code)
    ]
    assert len(named) > 10
    assert [(path, line, known(line)) for path, line in named if known(line)] == []


@pytest.mark.parametrize("page", ["docs/guide/client.md", "docs/guide/zh/client.md"])
def test_the_table_of_commands_has_commands(page: str):
    rows = re.findall(r"^\| [^|]*\| (`[^|]*) \|[^|]*\|$", without_blocks(ROOT / page), re.MULTILINE)
    rows = [row for row in rows if not row.startswith("`node.") and known(f"creditmesh {first(row)}") == ""]
    assert len(rows) > 15
    for row in rows:
        group = first(row).split()[0]
        for code in re.findall(r"`([^`]+)`", row):
            assert "" in (known(f"creditmesh {code}"), known(f"creditmesh {group} {code}")), (page, code)


def first(row: str) -> str:
    return re.findall(r"`([^`]+)`", row)[0]


@pytest.mark.parametrize("page", ["docs/guide/client.md", "docs/guide/zh/client.md"])
def test_the_table_of_the_library_has_its_methods(page: str):
    rows = re.findall(r"^\| `node\.(\w+)` \|[^|]*\| (.*) \|$", without_blocks(ROOT / page), re.MULTILINE)
    assert len(rows) > 10
    with Node("http://127.0.0.1:9") as unused:
        rooms = {room: getattr(unused, room) for room, _ in rows}
    missing = [
        (room, name)
        for room, methods in rows
        for name in re.findall(r"`(\w+)`", methods)
        if not callable(getattr(rooms[room], name, None))
    ]
    assert missing == []


@cache
def routes() -> dict[str, dict[str, Any]]:
    return openapi()["paths"] | operators_openapi()["paths"]


def served(path: str) -> dict[str, Any]:
    """The operations of a path, whatever stands for its parameters."""
    for template, operations in routes().items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path):
            return {method.upper(): each for method, each in operations.items() if method != "parameters"}
    return {}


def unserved(code: str) -> str:
    """What of a route is not there: its path, its method or a query parameter."""
    found = re.match(r"(?:(GET|POST|DELETE|PUT) )?(/v1/[^? ]*)(?:\?([^ ]*))?", code)
    if found is None:
        return ""
    method, path, query = found.groups()
    operations = served(path)
    if not operations and method is None and any(f"{each}/".startswith(f"{path}/") for each in (*routes(), *INSIDE)):
        return ""  # the beginning of several
    if not operations or (method and method not in operations):
        return f"{method or ''} {path}"
    asked = {name.partition("=")[0] for name in (query or "").split("&")} - {"", "…"}
    taken = {each["name"] for operation in operations.values() for each in operation.get("parameters", ())}
    return " ".join(sorted(asked - taken))


def test_a_route_that_is_told_is_served_under_its_method_with_its_parameters():
    asked = [(page, code) for page, code in told() if re.match(r"((GET|POST|DELETE|PUT) )?/v1/", code)]
    assert len(asked) > 150
    assert [(page, code, unserved(code)) for page, code in asked if unserved(code)] == []


def test_a_route_that_is_not_there_is_found():
    assert unserved("GET /v1/public/records?item=x") == ""
    assert unserved("/v1/cases/{id}/evidence") == ""
    assert unserved("DELETE /v1/public/records") == "DELETE /v1/public/records"
    assert unserved("/v1/nothing") == " /v1/nothing"
    assert unserved("GET /v1/public/records?items=x") == "items"


def test_a_make_target_that_is_told_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    asked = [(page, code.split()[1]) for page, code in told() if re.match(r"make [a-z]", code)]
    assert len(asked) > 10
    assert [each for each in asked if each[1] not in targets] == []


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lstrip("# ").lower()).replace(" ", "-")


def section(link: str) -> str:
    """The section that a link of the references leads to."""
    path, _, wanted = link.partition("#")
    page = (ROOT / "docs" / "reference" / path).resolve()
    parts = re.split(r"^(?=#+ )", without_blocks(page), flags=re.MULTILINE)
    return next(part for part in parts if anchor(part.split("\n", 1)[0]) == wanted)


def test_what_is_not_built_is_told_where_one_meets_it():
    rows = re.findall(r"^\| (?!\||-|\s*\|)(.+) \| (\[.+) \|$", NOT_BUILT.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == NOT_BUILT.read_text(encoding="utf-8").count("\n| ") - 1, "each row says where it is told"
    for about, told_in in rows:
        codes = {code for code in re.findall(r"`(\w+)`", about) if code in CODES}
        for link in re.findall(r"\]\(([^)]+)\)", told_in):
            found = section(link)
            assert "/reference/not-built.md)" in found, link
            assert [code for code in codes if f"`{code}`" not in found] == [], link


def test_a_code_of_what_is_not_built_stands_in_no_guide_without_it():
    text = NOT_BUILT.read_text(encoding="utf-8")
    codes = {code for code in re.findall(r"40\d `(\w+)`", text) if code in CODES}
    assert codes == {"signature_needed"}
    for page in PAGES:
        said = without_blocks(page)
        assert not any(f"`{code}`" in said for code in codes) or "/reference/not-built.md)" in said, page


def test_every_document_that_names_a_subject_is_in_the_guide():
    for page in ("querying.md", "zh/querying.md"):
        text = (ROOT / "docs" / "guide" / page).read_text(encoding="utf-8")
        assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) >= {*get_args(DocumentType)}, page
        shown = re.search(r"`(\{\"kind\".*?\"name\".*?\})`", text)
        assert shown is not None, page
        assert SubjectIn.model_validate_json(shown[1]).kind == "natural_person"
