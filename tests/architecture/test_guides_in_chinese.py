"""A guide in Chinese keeps up with its English page: the same headings, tables, code blocks and words of code."""

import re
from pathlib import Path

import pytest

from tests.support.pages import ROOT, blocks, without_blocks

GUIDES = ROOT / "docs" / "guide"
CHINESE = sorted((GUIDES / "zh").glob("*.md"))
PAGES = [*sorted(GUIDES.glob("*.md")), *CHINESE]
_COMMENT = re.compile(r"(^| +)# .*$", re.MULTILINE)
_HAN = re.compile(r"[\u4e00-\u9fff]")


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def typed(page: Path) -> list[tuple[str, str, str]]:
    """Each block as it is typed, and what a test does with it: a comment is for the reader alone."""
    return [(block.language, block.note, _COMMENT.sub("", block.text)) for block in blocks(page)]


def headings(page: Path) -> list[str]:
    return re.findall(r"^(#+) ", without_blocks(page), re.MULTILINE)


def tables(page: Path) -> list[int]:
    """How many rows each table has."""
    return [table.count("\n") for table in re.findall(r"(?:^\|.*\n)+", without_blocks(page) + "\n", re.MULTILINE)]


def words(page: Path) -> set[str]:
    return set(re.findall(r"`([^`]+)`", without_blocks(page)))


def anchors(page: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", without_blocks(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_there_are_guides_in_chinese():
    assert {"submitting", "querying", "running", "peers", "own-node", "client"} <= {page.stem for page in CHINESE}


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.stem)
def test_a_guide_in_chinese_says_what_its_english_page_says(page: Path):
    english = GUIDES / page.name
    assert f"[English](../{page.name})" in text(page)
    assert f"[中文](zh/{page.name})" in text(english)
    assert headings(page) == headings(english)
    assert typed(page) == typed(english)
    assert tables(page) == tables(english)
    assert sorted(words(page)) == sorted(words(english))


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.stem)
def test_a_guide_in_chinese_is_in_chinese(page: Path):
    titles = re.findall(r"^#+ (.*)$", without_blocks(page), re.MULTILINE)
    assert [title for title in titles if not _HAN.search(title)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(GUIDES)))
def test_what_a_guide_links_to_is_there(page: Path):
    for link in re.findall(r"\]\(([^)\s]+)\)", without_blocks(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_in_chinese_has_the_commands_of_the_english_one():
    assert typed(ROOT / "README.zh-CN.md") == typed(ROOT / "README.md")
