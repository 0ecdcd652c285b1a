"""One word, one thing: no text of the product has a word that the glossary says is not to be used."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "reference" / "glossary.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in GLOSSARY.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| English")
]
NOT_TO_BE_CALLED = sorted({word for *_, words in ROWS if words.strip(" -") for word in words.split("、")})
CALLED = sorted({word for row in ROWS for word in row[1].split("、")}, key=len, reverse=True)
FOLDERS = ("schemas", "chassis", "services", "gateway", "node", "client", "sandbox", "deploy", "docs", "samples")
KINDS = {".py", ".md", ".yaml", ".yml", ".html", ".json"}
TYPED_BY_OTHERS = {
    "services/catalogue/src/creditmesh/catalogue/data/code_sets/number_filler.yaml",
    "schemas/src/creditmesh/schemas/rules/fillers.py",
    *(
        f"services/catalogue/src/creditmesh/catalogue/data/sandbox/{tier}/parties/credit_office.yaml"
        for tier in ("city", "province", "nation")
    ),
}
"""What departments type into cells, and what invented offices are named, word for word."""
TO_PERSONS = {
    "docs/reference/problems.md",
    "services/query/src/creditmesh/query/operations/authorisations.py",
    "services/repair/src/creditmesh/repair/course.py",
    "services/repair/src/creditmesh/repair/operations/filing.py",
}
"""What people are told about their own records, and the page that repeats what is told."""


@cache
def texts() -> dict[str, str]:
    files = [each for folder in FOLDERS for each in (ROOT / folder).rglob("*") if each.suffix in KINDS]
    files += [each for each in ROOT.iterdir() if each.suffix == ".md"]
    named = {
        each.relative_to(ROOT).as_posix(): each for each in files if each != GLOSSARY and "decisions" not in each.parts
    }
    return {name: each.read_text(encoding="utf-8") for name, each in named.items() if name not in TYPED_BY_OTHERS}


def stands_in(word: str, text: str) -> bool:
    """A Chinese word wherever its characters stand, an English one whole, in any case and over the end of a line."""
    if not word.isascii():
        return word in text
    spread = r"\s+".join(map(re.escape, word.split()))
    return re.search(rf"\b{spread}s?\b", text, re.IGNORECASE) is not None


@cache
def left() -> dict[str, str]:
    """The texts without the glossary's own words: one of those may have another within it."""
    own = re.compile("|".join(map(re.escape, CALLED)))
    return {name: own.sub("·", text) for name, text in texts().items()}


def test_every_row_says_what_it_means_in_both_languages():
    assert len(ROWS) > 50
    assert all(len(row) == 4 and row[0] and row[1] for row in ROWS)
    assert len({row[0] for row in ROWS}) == len(ROWS)
    assert not {word for word in NOT_TO_BE_CALLED if word in CALLED}


@pytest.mark.parametrize("word", NOT_TO_BE_CALLED)
def test_a_word_that_is_not_to_be_used_stands_in_no_text(word: str):
    assert [name for name, text in left().items() if stands_in(word, text)] == []


def test_an_english_word_is_found_whole_in_any_case_and_over_the_end_of_a_line():
    found = ("Idempotency keys of each", "an idempotency\n  key")
    assert all(stands_in("idempotency key", text) for text in found)
    assert not any(stands_in("catalog", text) for text in ("catalogue", "catalogued_item"))
    assert {word for word in NOT_TO_BE_CALLED if word.isascii()} >= {"blacklist", "rejected", "idempotency key"}
    assert stands_in("黑名单", "列入黑名单的")


def test_a_department_is_addressed_as_one_and_a_person_as_a_person():
    assert {name for name, text in texts().items() if "您" in text} <= TO_PERSONS


def test_what_is_not_built_stands_in_one_list_and_is_not_there():
    readmes = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]
    assert all("docs/reference/not-built.md" in text for text in readmes)
    own = re.compile(r"(?<!\[)not built|(?<!\[)尚未建成")
    assert [text[:40] for text in readmes if own.search(text)] == []
    listed = (ROOT / "docs" / "reference" / "not-built.md").read_text(encoding="utf-8")
    operators = (ROOT / "docs" / "reference" / "openapi-operator.json").read_text(encoding="utf-8")
    document = (ROOT / "docs" / "reference" / "openapi.json").read_text(encoding="utf-8")
    assert all(word in listed for word in ("OIDC", "PDF", "signature_needed", "consent"))
    assert [word for word in ("openIdConnect", "consent-requests", "portal") if word in document] == []
    assert "/v1/admin/erasures" in operators
    assert "eras" not in listed, "it is built"
