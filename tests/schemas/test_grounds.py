"""A ground is lawful or it is wanting, and says in what: every part of the rule by itself."""

from datetime import date
from typing import Any

import pytest

from creditmesh.schemas.catalogue import Basis, Matter, Party, Purpose
from creditmesh.schemas.rules.grounds import Ground, Wanting, may_be_authorised, statutory

BASIS = (Basis(law="Sandbox rules", law_zh="沙盒规则", in_force_from=date(2010, 1, 1)),)
DUTY = Purpose(code="duty", name="Duty", name_zh="履职", ground="statutory", callers=("department",))
LOAN = Purpose(code="loan", name="Loan", name_zh="信贷", ground="authorisation", callers=("bureau",))
PERMIT = Matter(code="permit", name="Permit", name_zh="许可", duties=("permits",), items=("penalty",), basis=BASIS)
OFFICE = Party(
    code="office",
    name="Office",
    name_zh="许可办",
    kind="department",
    uscc="11990000000000019A",
    duties=("permits", "other"),
)
BUREAU = Party(code="bureau", name="Bureau", name_zh="征信机构", kind="bureau", uscc="91990000MA0010205T")
LAWFUL: dict[str, Any] = {"purpose": DUTY, "matter": PERMIT, "party": OFFICE, "officer": "W-17"}


def test_a_department_with_the_duty_of_the_matter_and_a_named_officer_has_a_ground():
    assert statutory(**LAWFUL) == Ground(kind="statutory", items=("penalty",))


@pytest.mark.parametrize(
    ("reason", "lacking"),
    [
        ("purpose", {"purpose": None}),
        ("purpose", {"purpose": LOAN}),
        ("purpose", {"purpose": DUTY.model_copy(update={"callers": ("bureau",)})}),
        ("purpose", {"purpose": DUTY.model_copy(update={"ground": "authorisation"})}),
        ("matter", {"matter": None}),
        ("duty", {"party": None}),
        ("duty", {"party": OFFICE.model_copy(update={"active": False})}),
        ("duty", {"party": OFFICE.model_copy(update={"duties": ("other",)})}),
        ("duty", {"party": OFFICE.model_copy(update={"duties": ()})}),
        ("officer", {"officer": None}),
        ("officer", {"officer": ""}),
    ],
)
def test_whoever_lacks_one_thing_has_none_and_is_told_which(reason: str, lacking: dict[str, Any]):
    found = statutory(**LAWFUL | lacking)
    assert found == Wanting(reason)
    text, text_zh = found.texts
    assert text.isascii()
    assert not text_zh.isascii()


def test_a_subject_may_permit_an_active_party_of_the_kind_the_purpose_is_for_and_nobody_else():
    assert may_be_authorised(LOAN, BUREAU)
    assert not may_be_authorised(LOAN, BUREAU.model_copy(update={"active": False}))
    assert not may_be_authorised(LOAN, OFFICE)
    assert not may_be_authorised(DUTY, OFFICE)
    assert not may_be_authorised(LOAN.model_copy(update={"ground": "statutory"}), BUREAU)
    assert not may_be_authorised(None, BUREAU)
    assert not may_be_authorised(LOAN, None)
