"""Every paragraph of the notices is answered by the shipped catalogue, or it is said why not."""

import pytest

from tests.support import catalogue_page
from tests.support.demands import Paragraph, answers, nationally, paragraphs, places_of, table, whole
from tests.support.shipped import SHIPPED

COUNTS = {"state_council": 21, "wuhu": 17, "shenzhen": 35, "jilin": 42, "zhangzhou": 34}
"""How many paragraphs each notice has."""


@pytest.mark.parametrize("paragraph", [*paragraphs()], ids=lambda each: f"{each.notice}-{each.place}")
def test_a_paragraph_has_an_object_or_a_reason(paragraph: Paragraph):
    assert paragraph.by or paragraph.why
    assert paragraph.why is None or paragraph.why in table()["reasons"]
    assert [pattern for pattern in paragraph.by if not answers(pattern)] == []


def test_what_answers_is_named_and_no_pattern_asks_for_what_is_added_tomorrow():
    named = [pattern for each in paragraphs() for pattern in each.by]
    named += [pattern for each in table()["national"] for pattern in each["by"]]
    assert [pattern for pattern in named if "*" in pattern] == []
    assert [each.place for each in paragraphs() if len(set(each.by)) != len(each.by)] == []


def test_what_is_not_there_is_told_of_and_its_reason_stands_among_what_is_not_covered():
    absent = [each for each in paragraphs() if each.why == "absent"]
    assert len(absent) > 10
    known = " ".join(gap["zh"] for gap in table()["gaps"])
    for word in (
        "责任人",
        "生物安全",
        "公共资源交易",
        "电子商务",
        "公务员失信记录",
        "志愿服务",
        "建议提案",
        "事业单位审计",
    ):
        assert word in known


def test_no_paragraph_of_a_notice_is_left_out():
    found = [each.notice for each in paragraphs()]
    assert {notice: found.count(notice) for notice in table()["notices"]} == COUNTS


def test_every_list_measure_and_matter_is_asked_for_by_a_paragraph_or_the_national_lists():
    unasked = [
        (entry.kind, entry.code)
        for entry in whole()
        if entry.kind in {"list", "measure", "matter"} and not places_of(entry) and not nationally(entry)
    ]
    assert unasked == []


def test_what_is_not_covered_says_why_in_both_languages():
    for gap in table()["gaps"]:
        assert gap["what"]
        assert gap["why"].endswith((".", "。"))
        assert gap["zh"]
        assert gap["why_zh"].endswith("。")


def test_the_page_is_written_from_the_data():
    page = catalogue_page.page(catalogue_page.base_of(SHIPPED))
    assert catalogue_page.PAGE.read_text(encoding="utf-8") == page, "make docs"
