"""Verdict lines and receipts."""

import re
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from creditmesh.schemas.reasons import REASONS, reason
from creditmesh.schemas.verdicts import Verdict, verdict_line

FACTS = {
    "name": "Fine",
    "name_zh": "罚款金额",
    "limit": 1,
    "values": "a, b",
    "values_zh": "a、b",
    "nearest": " The nearest: 581.",
    "nearest_zh": "最接近的：581。",
    "digits": 18,
    "scale": 6,
    "code_set": "kinds",
    "place": 3,
    "line": 4,
    "unit": " (万元)",
    "maximum": "10000",
    "days": 7,
}


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_has_both_languages_and_fills_in_its_facts(code: str):
    found = reason(code, "/FK", **FACTS)
    assert found.code == code
    assert re.search(r"[\u4e00-\u9fff]", found.detail_zh)
    assert found.detail.isascii() or "万元" in found.detail
    assert "{" not in found.detail + found.detail_zh
    assert found.detail.endswith(".")
    assert found.detail_zh.endswith("。")
    assert (";" in found.detail, "；" in found.detail_zh) == (True, True), "the rule; the remedy"


def test_every_code_that_is_given_has_its_text_and_no_text_is_for_nothing():
    sources = [*Path("schemas/src").rglob("*.py"), *Path("services/ingestion/src").rglob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources if path.parent.name != "reasons")
    given = set(re.findall(r"\b(?:reason|_at|_error)\(\s*\"(\w+)\"", code))
    assert len(given) > 10
    assert given <= REASONS.keys()
    assert {text for text in REASONS if f'"{text}"' not in code} == set()


def test_an_unknown_reason_is_a_mistake_of_ours():
    with pytest.raises(KeyError):
        reason("nonsense")


def test_a_line_is_the_verdict_it_stands_for():
    record, review = uuid4(), uuid4()
    line = verdict_line(17, "held", item="penalty", review=review, reasons=[reason("check_digit", "/ZJHM")])
    assert line.endswith(b"\n")
    assert Verdict.model_validate_json(line) == Verdict(
        row=17, verdict="held", item="penalty", review=review, reasons=(reason("check_digit", "/ZJHM"),)
    )
    accepted = orjson.loads(verdict_line(1, "accepted", item="penalty", record=record, rev=1))
    assert accepted == {"row": 1, "verdict": "accepted", "record": str(record), "rev": 1, "item": "penalty"}
