"""What a page shows is run: no example without a test, and no word of one that no command, route or file has."""

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from creditmesh.client.cli.app import app as client
from creditmesh.node.cli import app as node
from creditmesh.node.reference import openapi, operators_openapi
from creditmesh.sandbox.cli import app as sandbox
from tests.support.pages import LIT, PAGES, ROOT, RUNNABLE, Block, blocks, is_answer, unfenced, without_blocks

BLOCKS = [block for page in PAGES for block in blocks(page)]
NOT_RUN = {
    "README.md": 1,
    "README.zh-CN.md": 1,
    "docs/guide/kafka.md": 1,
    "docs/guide/own-node.md": 1,
    "docs/guide/running.md": 3,
    "docs/guide/zh/own-node.md": 1,
    "docs/guide/zh/running.md": 3,
}
"""How many blocks of a page cannot be run beside a sandbox; each says why."""
COMMANDS = {
    "creditmesh": typer.main.get_command(client),
    "creditmesh-node": typer.main.get_command(node),
    "creditmesh-sandbox": typer.main.get_command(sandbox),
}


def test_the_guides_and_the_readmes_are_read():
    names = {page.relative_to(ROOT).as_posix() for page in PAGES}
    assert {"README.md", "ARCHITECTURE.md", "docs/guide/client.md", "services/query/README.md"} <= names
    assert sum(block.runs for block in BLOCKS) > 60


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_run_or_says_why_not(block: Block):
    assert block.language in (*RUNNABLE, *LIT), f"{block}: say of which language it is"
    if block.note.startswith("run-by "):
        runs = (ROOT / block.note.removeprefix("run-by ")).read_text(encoding="utf-8")
        assert block.page.name in runs or block.text.split()[0] in runs, f"{block}: that test does not read it"
    elif block.note.startswith("not-run:"):
        assert len(block.note.removeprefix("not-run:").split()) > 3, f"{block}: say why it cannot be run"
    elif block.language in RUNNABLE:
        assert re.fullmatch(r"(exits [1-9]\d*)?", block.note), f"{block}: {block.note} is no word of this kind"
    else:
        assert block.note == "answer" or block.language == "text", f"{block}: nothing compares it with anything"


def test_what_is_not_run_is_known():
    counts = {page.relative_to(ROOT).as_posix(): 0 for page in PAGES}
    for block in BLOCKS:
        counts[block.page.relative_to(ROOT).as_posix()] += block.note.startswith("not-run:")
    assert {name: count for name, count in counts.items() if count} == NOT_RUN


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_stands_between_fences(page: Path):
    assert unfenced(page) == [], "four blanks make a block that nothing runs: put it between fences, with its language"


def test_an_answer_follows_what_gives_it():
    for page in PAGES:
        before = None
        for block in blocks(page):
            assert block.note != "answer" or (before is not None and before.runs), f"{block}: nothing before it is run"
            before = block


def test_yaml_that_is_shown_can_be_read():
    assert all(yaml.safe_load(block.text) for block in BLOCKS if block.language == "yaml")


@cache
def told() -> list[tuple[str, str]]:
    """What stands between backticks in the prose of each page."""
    found = []
    for page in PAGES:
        name = page.relative_to(ROOT).as_posix()
        found += [(name, code.replace("\n", " ")) for code in re.findall(r"`([^`]+)`", without_blocks(page))]
    return found


def known(line: str) -> str:
    """What of a command line its command does not have; empty where it has all of it."""
    words = shlex.split(line, comments=True)
    command: Any = COMMANDS[words[0]]
    for number, word in enumerate(words[1:], start=1):
        if hasattr(command, "commands") and re.fullmatch(r"[a-z][a-z-]*", word):
            if word not in command.commands:
                return word
            command = command.commands[word]
            continue
        if word.startswith("--") and word.partition("=")[0] not in options(command) | {"--help"}:
            return word
        if word == "|" or number > 40:
            break
    return ""


def test_what_is_not_there_is_found():
    assert known("creditmesh submit FILE --item x --verdicts y") == ""
    assert known("creditmesh-node feeds offer PEER FEED") == ""
    assert known("creditmesh record find --number 1") == "record"
    assert known("creditmesh records find --numbers 1") == "--numbers"


def options(command: Any) -> set[str]:
    return {name for each in command.params for name in (*each.opts, *each.secondary_opts)}


def test_a_command_that_is_told_is_there_with_its_options():
    lines = [
        (page, code)
        for page, code in told()
        if code.split()[0:1] and code.split()[0] in COMMANDS and "(" not in code and '"' not in code
    ]
    assert len(lines) > 60
    assert [(page, line, known(line)) for page, line in lines if known(line)] == []


def test_a_route_that_is_told_is_served():
    templates = [*openapi()["paths"], *operators_openapi()["paths"]]
    served = [re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(each))) for each in templates]
    asked = [
        (page, found[1]) for page, code in told() if (found := re.match(r"(?:GET|POST|DELETE|PUT) (/v1/[^? ]*)", code))
    ]
    assert len(asked) > 60
    assert [(page, path) for page, path in asked if not any(each.fullmatch(path) for each in served)] == []


def test_what_is_shown_is_compared_with_what_is_printed():
    assert is_answer('{"a": "…", …"b": [1]}', '{"a":"x","c":2,"b":[1]}\n')
    assert not is_answer('{"a": "…", "b": [1]}', '{"a":"x","c":2,"b":[2]}\n')
