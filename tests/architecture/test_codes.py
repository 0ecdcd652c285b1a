"""Every code of an answer and of a field is in the reference with its remedy; guides say which of the two one is."""

import re
from pathlib import Path

import pytest

from creditmesh.node.problem_codes import field_codes
from creditmesh.schemas.findings import RULES
from creditmesh.schemas.reasons import REASONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "problems.md").read_text(encoding="utf-8")
_, REFUSALS, FIELDS, ROWS = (part.split("\n", 1)[1] for part in f"\n{PAGE}".split("\n## "))
ANSWERED = set(re.findall(r"^\| (\d{3}) \| `(\w+)` \|", REFUSALS, re.MULTILINE))
OF_A_FIELD = set(re.findall(r"^\| `(\w+)` \|", FIELDS, re.MULTILINE))
OF_A_ROW = set(re.findall(r"^\| `(\w+)` \|", ROWS, re.MULTILINE))
GUIDES = [*ROOT.glob("*.md"), *(ROOT / "docs" / "guide").rglob("*.md")]
MADE = re.compile(
    r'_(?:field|wrong)\(\s*f?"[^"]+",\s*"(\w+)"|\bat\(\s*f?"[^"]*",\s*"(\w+)"|FieldError\([^()]*?code="(\w+)"'
)


def texts(pattern: str) -> list[tuple[str, ...]]:
    found = [re.findall(pattern, page.read_text(encoding="utf-8")) for page in GUIDES]
    return [each for some in found for each in some]


def test_every_code_of_an_answer_says_what_to_do():
    assert len(ANSWERED) > 80
    cells = [line.split(" | ")[3] for line in REFUSALS.splitlines() if re.match(r"\| \d{3} ", line)]
    assert [cell for cell in cells if "<br>" not in cell or "`detail` of the answer" in cell] == []


def test_every_code_of_a_field_stands_in_the_reference():
    sources = [each.read_text(encoding="utf-8") for folder in ("chassis", "services", "gateway")
               for each in (ROOT / folder).rglob("*.py")]  # fmt: skip
    made = {code for text in sources for found in MADE.findall(text) for code in found if code}
    assert {"not_disclosed", "needed", "kind_of_party", "unfit", "in_the_past", "retention_short"} <= made
    assert made | set(RULES) <= OF_A_FIELD
    assert {"proof", "item_not_authorised", "no_feed_key"} <= OF_A_FIELD, "those that come from a table"
    assert set(REASONS) == OF_A_ROW


def test_every_code_of_a_field_says_what_is_wrong():
    assert [code for code, said in field_codes().items() if not said] == []


def test_a_code_beside_a_status_in_a_guide_is_an_answers():
    pairs = texts(r"([45]\d\d) `([a-z_]+)`") + texts(r"`([45]\d\d) ([a-z_]+)`")
    pairs += [(status, code) for code, status in texts(r"`([a-z_]+)` ?[（(]([45]\d\d)[)）]")]
    assert len(pairs) > 20
    assert set(pairs) <= ANSWERED


@pytest.mark.parametrize("mark", [": ", "："])
def test_a_code_after_errors_in_a_guide_is_a_fields(mark: str):
    named = {code for (code, *_) in (found if isinstance(found, tuple) else (found,)
             for found in texts(rf"`errors`{mark}`([a-z_]+)`"))}  # fmt: skip
    assert named
    assert named <= OF_A_FIELD | OF_A_ROW
