"""What a page shows is run: no example without a test, none whose failure nobody sees, none that works once alone."""

import re
import subprocess
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.support.pages import LIT, PAGES, ROOT, RUNNABLE, Block, blocks, is_answer, unfenced

BLOCKS = [block for page in PAGES for block in blocks(page)]
NOT_RUN = {
    "README.md": 1,
    "README.zh-CN.md": 1,
    "docs/guide/deploying.md": 5,
    "docs/guide/kafka.md": 1,
    "docs/guide/own-node.md": 1,
    "docs/guide/running.md": 4,
    "docs/guide/zh/deploying.md": 5,
    "docs/guide/zh/own-node.md": 1,
    "docs/guide/zh/running.md": 4,
}
"""How many blocks of a page cannot be run beside a sandbox; each says why."""
SANDBOXES = ("var/city", "var/province", "var/nation", "var/sandbox")
"""Folders that a sandbox takes away when it is made anew."""


def test_the_guides_and_the_readmes_are_read():
    names = {page.relative_to(ROOT).as_posix() for page in PAGES}
    assert {"README.md", "ARCHITECTURE.md", "docs/guide/client.md", "services/query/README.md"} <= names
    assert sum(block.runs for block in BLOCKS) > 60


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_run_or_says_why_not(block: Block):
    assert block.language in (*RUNNABLE, *LIT), f"{block}: say of which language it is"
    if block.note.startswith("run-by "):
        runs = (ROOT / block.note.removeprefix("run-by ")).read_text(encoding="utf-8")
        assert "run_by(__file__)" in runs, f"{block}: that test does not take it from the page"
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


def typed(block: Block) -> list[str]:
    """The lines of a block, each whole."""
    return [line for line in block.text.replace("\\\n", " ").splitlines() if line.strip()]


def test_a_command_that_is_to_fail_stands_alone():
    failing = [block for block in BLOCKS if block.note.startswith("exits ")]
    assert failing
    assert [str(block) for block in failing if len(typed(block)) != 1] == []


def test_what_a_node_refuses_is_seen():
    asking = [block for block in BLOCKS if block.runs and "curl " in block.text]
    assert len(asking) > 20
    silent = [str(block) for block in asking if block.text.count("curl ") != block.text.count("curl --fail-with-body ")]
    assert silent == [], "curl ends with 0 on 403: nobody would see that the block does not work"


def test_an_answer_has_no_day_of_its_own():
    dated = [str(block) for block in BLOCKS if block.note == "answer" and re.search(r"\d{4}-\d\d-\d\d", block.text)]
    assert dated == [], "a day passes: write …"


def of_a_sandbox(place: str) -> bool:
    return any(Path(place).is_relative_to(folder) for folder in SANDBOXES)


def words() -> list[tuple[Block, str, str]]:
    """Each word that is typed in a shell, with the one before it."""
    return [
        (block, before, word)
        for block in BLOCKS
        if block.language == "sh" and "/zh/" not in str(block)
        for line in typed(block)
        for before, word in pairwise(["", *re.split(r"[\s=]+", line)])
    ]


def test_no_two_pages_give_one_folder_to_two_things():
    pages = defaultdict(set)
    for block, before, word in words():
        if before in ("CREDITMESH_STATE", "load") and "/" in word and not of_a_sandbox(word):
            pages[word].add(block.page.name)
    assert "var/town" in pages
    assert {folder: found for folder, found in pages.items() if len(found) > 1} == {}


def test_what_is_believed_of_a_sandbox_goes_with_it():
    kept = [
        (str(block), word)
        for block, before, word in words()
        if before in ("--into", "--pins", "CREDITMESH_PROFILES", "CREDITMESH_PINS")
    ]
    assert len(kept) > 3
    assert [each for each in kept if not of_a_sandbox(each[1])] == [], "another sandbox has other keys"


def test_yaml_that_is_shown_can_be_read():
    assert all(yaml.safe_load(block.text) for block in BLOCKS if block.language == "yaml")


def test_what_is_shown_is_compared_with_what_is_printed():
    assert is_answer('{"a": "…", …"b": [1]}', '{"a":"x","c":2,"b":[1]}\n')
    assert not is_answer('{"a": "…", "b": [1]}', '{"a":"x","c":2,"b":[2]}\n')


@pytest.mark.parametrize("page", ["docs/guide/submitting.md", "docs/guide/zh/submitting.md"])
def test_what_had_ended_is_not_among_what_the_nightly_job_withdraws(page: str, tmp_path: Path):
    """The page's own lines, with last night's verdicts and tonight's."""
    (tmp_path / "var").mkdir()
    ended = '{"verdict":"unchanged","record":"ended","reasons":[{"code":"record_ended"}]}\n'
    stays = '{"verdict":"unchanged","record":"stays","reasons":[{"code":"record_ended"}]}\n'
    (tmp_path / "var/verdicts.ndjson").write_text('{"record":"gone"}\n{"record":"stays"}\n' + ended)
    (tmp_path / "var/tonight.ndjson").write_text(stays)
    lines = [
        line
        for line in (ROOT / page).read_text(encoding="utf-8").splitlines()
        if line.startswith(("records()", "comm"))
    ]
    subprocess.run(["bash", "-c", "\n".join(lines)], cwd=tmp_path, check=True)  # noqa: S603, S607 - the page's lines
    assert (tmp_path / "var/left.txt").read_text() == "gone\n"


@pytest.mark.parametrize("page", ["docs/guide/own-node.md", "docs/guide/zh/own-node.md"])
def test_a_page_that_is_begun_again_makes_its_key_under_a_label_of_its_own(page: str):
    """Two of a label may live, and the page takes its key back at its end alone."""
    issued = [line for line in (ROOT / page).read_text(encoding="utf-8").splitlines() if "keys issue" in line]
    assert issued
    assert [line for line in issued if "--label town-$(date +%s)" not in line] == []
