"""A guide in Chinese keeps up with its English page: the same headings, tables, code blocks and words of code."""

import re
from pathlib import Path

import pytest

GUIDES = Path(__file__).parents[2] / "docs" / "guide"
CHINESE = sorted((GUIDES / "zh").glob("*.md"))
PAGES = [*sorted(GUIDES.glob("*.md")), *CHINESE]
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(^| +)# .*$", re.MULTILINE)
_HAN = re.compile(r"[\u4e00-\u9fff]")


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    return _BLOCK.sub("", text(page))


def blocks(page: Path) -> list[tuple[str, str]]:
    """The language and the lines of each block, as they are typed: a comment is for the reader alone."""
    return [(language, _COMMENT.sub("", lines)) for _, language, lines in _BLOCK.findall(text(page))]


def headings(page: Path) -> list[str]:
    return re.findall(r"^(#+) ", prose(page), re.MULTILINE)


def tables(page: Path) -> list[int]:
    """How many rows each table has."""
    return [table.count("\n") for table in re.findall(r"(?:^\|.*\n)+", prose(page) + "\n", re.MULTILINE)]


def words(page: Path) -> set[str]:
    return set(re.findall(r"`([^`]+)`", prose(page)))


def anchors(page: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_there_are_guides_in_chinese():
    assert {"submitting", "querying", "running", "peers", "own-node"} <= {page.stem for page in CHINESE}


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.stem)
def test_a_guide_in_chinese_says_what_its_english_page_says(page: Path):
    english = GUIDES / page.name
    assert f"[English](../{page.name})" in text(page)
    assert f"[中文](zh/{page.name})" in text(english)
    assert headings(page) == headings(english)
    assert blocks(page) == blocks(english)
    assert tables(page) == tables(english)
    assert sorted(words(page)) == sorted(words(english))


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.stem)
def test_a_guide_in_chinese_is_in_chinese(page: Path):
    titles = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    assert [title for title in titles if not _HAN.search(title)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(GUIDES)))
def test_what_a_guide_links_to_is_there(page: Path):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
