"""A guide in Chinese keeps up with its English page: the same headings, tables, code blocks and words of code."""

import importlib.util
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.pages import ROOT, blocks, without_blocks

GUIDES = ROOT / "docs" / "guide"
CHINESE = sorted((GUIDES / "zh").glob("*.md"))
PAGES = [*sorted(GUIDES.glob("*.md")), *CHINESE]
_COMMENT = re.compile(r"(^| +)# .*$", re.MULTILINE)
_SCRIPT = Path(__file__).parents[2] / "deploy" / "zh_guides.py"
_SPEC = importlib.util.spec_from_file_location("zh_guides", _SCRIPT)
assert _SPEC is not None
assert _SPEC.loader is not None
zh_guides = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(zh_guides)
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


def words_of_sections(page: Path) -> list[Counter[str]]:
    """How often each word of code stands in each section."""
    return [Counter(re.findall(r"`([^`]+)`", part)) for _, part in zh_guides.sections(text(page))]


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
def test_no_section_in_chinese_leaves_out_a_word_of_code(page: Path):
    pairs = list(zip(words_of_sections(GUIDES / page.name), words_of_sections(page), strict=True))
    assert [english - chinese for english, chinese in pairs if english - chinese] == []
    assert [set(chinese) - set(english) for english, chinese in pairs if set(chinese) - set(english)] == []


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.stem)
def test_no_section_in_chinese_leaves_out_a_number_or_a_link(page: Path):
    english = GUIDES / page.name
    for (heading, part), (_, chinese) in zip(sections(english), sections(page), strict=True):
        assert numbers(part) <= numbers(chinese), heading
        assert links(english, part) == links(page, chinese), heading


def sections(page: Path) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = zh_guides.sections(text(page))
    return found


def numbers(part: str) -> set[str]:
    """The figures that a section says, but those of its code words and links."""
    return set(re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", re.sub(r"`[^`]*`|\]\([^)]*\)", "", part)))


def links(page: Path, part: str) -> Counter[str]:
    """The pages that a section leads to, whichever language's."""
    targets = [link.partition("#")[0] or page.name for link in re.findall(r"\]\(([^)\s]+)\)", part)]
    return Counter(target for each in targets if (target := Path(each).name) != page.name)


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.stem)
def test_a_changed_section_was_held_against_the_other_language(page: Path):
    assert list(zh_guides.to_look_at(page)) == [], "mend the Chinese, then: python deploy/zh_guides.py --looked-at"
    assert list(zh_guides.looked_at(page).values()) == zh_guides.standing(page)


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A page of two sections and its Chinese one, which were looked at."""
    monkeypatch.setattr(zh_guides, "GUIDES", tmp_path)
    (tmp_path / "zh").mkdir()
    page, chinese = tmp_path / "a.md", tmp_path / "zh" / "a.md"
    page.write_text("# A\n\n## B\nC is\nso.\n\n```\nrun\n```\n", encoding="utf-8")
    chinese.write_text("# 甲\n\n## 乙\n丙\n", encoding="utf-8")
    assert [zh_guides.look(chinese, heading) for heading in ("A", "B")] == ["", ""]
    return page, chinese


def script(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["zh_guides.py", *words])
    zh_guides.main()


def test_the_script_names_the_section_that_changed_and_forgets_it_when_it_was_looked_at(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    page, chinese = pair
    page.write_text("# A\n\n## B\nC is so.\n\n```\nwalk\n```\n", encoding="utf-8")
    assert list(zh_guides.to_look_at(chinese)) == []
    page.write_text("# A too\n\n## B\nC is not so.\n", encoding="utf-8")
    script(monkeypatch)
    told = "docs/guide/zh/a.md: look at 'A too'\ndocs/guide/zh/a.md: look at 'B'\n"
    assert capsys.readouterr().out == told
    chinese.write_text(text(chinese).replace("丙", "丁"), encoding="utf-8")
    script(monkeypatch, "--looked-at", "a.md", "B")
    assert [each.heading for each in zh_guides.to_look_at(chinese)] == ["# A too"], "nobody looked at the other one"
    assert text(chinese).startswith("# 甲\n\n## 乙\n丁\n")


def test_a_section_whose_chinese_is_as_it_was_is_not_written_down_unseen(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    page, chinese = pair
    page.write_text("# A\n\n## B\nC is so, and D.\n", encoding="utf-8")
    before = text(chinese)
    with pytest.raises(SystemExit) as ended:
        script(monkeypatch, "--looked-at", "a", "B")
    assert (ended.value.code, "mend it" in capsys.readouterr().err, text(chinese)) == (2, True, before)
    script(monkeypatch, "--looked-at", "a", "B", "--says-it-already")
    assert list(zh_guides.to_look_at(chinese)) == []
    with pytest.raises(SystemExit):
        script(monkeypatch, "--looked-at", "a", "E")
    assert "it has: A, B" in capsys.readouterr().err


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
