"""Severity comes from the catalogue's rule table, the most serious kind counts, and the default is general."""

from decimal import Decimal

import pytest

from creditmesh.schemas.rules.severity import severity_of
from tests.ingestion.rows import items

PENALTY = items()["administrative_penalty"]


@pytest.mark.parametrize(
    ("kinds", "fine", "severity"),
    [
        (["警告"], None, "minor"),
        (["罚款"], "0.2", "general"),
        (["罚款"], "100", "serious"),
        (["罚款"], "99.999999", "general"),
        (["警告", "吊销许可证件"], None, "serious"),
        (["警告", "罚款"], "1", "general"),
        (["其他-责令改正"], None, "general"),
        (["警告", "其他-责令停止使用"], None, "general"),
        (["警告", "通报批评"], None, "minor"),
        (["通报批评", "行政拘留"], None, "general"),
        ([], None, "general"),
    ],
)
def test_a_penalty_is_as_serious_as_its_kinds_and_its_fine(kinds: list[str], fine: str | None, severity: str):
    assert severity_of(PENALTY, penalty_kinds=kinds, fine=None if fine is None else Decimal(fine)) == severity


def test_what_is_not_adverse_has_no_severity():
    for code in ("administrative_licence", "taxpayer_rating_a"):
        assert severity_of(items()[code], penalty_kinds=[], fine=None) is None


def test_a_listing_has_the_severity_its_item_fixes():
    item = PENALTY.model_copy(update={"fixed_severity": "serious"})
    assert severity_of(item, penalty_kinds=["警告"], fine=None) == "serious"
