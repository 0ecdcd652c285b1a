"""Texts in clear: nothing that the eye misses, somebody or something named, and no identity number."""

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from creditmesh.gateway.models import OfficerToken
from creditmesh.schemas.cases import ActionIn
from creditmesh.schemas.publications import WithdrawIn
from creditmesh.schemas.queries import QueryIn
from creditmesh.schemas.records import CorrectionIn, DecisionIn, WithdrawalIn
from creditmesh.schemas.rules.numbers import resident_check
from creditmesh.schemas.rules.personal_numbers import holds_personal_number
from creditmesh.schemas.tasks import FeedbackIn
from creditmesh.schemas.texts import Cited, Note, Officer, Said, Why

NUMBER = "99000019580703049" + resident_check("99000019580703049")
OLD_NUMBER = "990000580703049"
IN_CLEAR = {
    name: TypeAdapter(kind) for name, kind in (("officer", Officer), ("cited", Cited), ("note", Note), ("why", Why))
}
GOOD = ("W-17", "Officer Qin", "样某甲", "示市监罚〔2026〕901号", "(2026)示0101执0901号", "Müller", "２０２６年3月")
NOBODY = (
    "", " ", "\u3000", "--", "…", "\u3164", "\u2800", "\u115f", "\u1160", "\uffa0", "\u200b", "\u034f", "\u17b4",
    "\U0001d159", "\ufe0f",
)  # fmt: skip
FILLERS = ("无", "详见附件", "见附件1", "N/A", "#REF!", "（无）", "不 详", "同上", "null")
UNSEEN = (
    "\u202eW-17", "示例\u202e公司", "W\u200b17", "W\u00ad17", "W\u206617", "a\ufeffb", "W\u202817", "W\u202917",
    "a\ue000b", "W\u0378", "样\U000e0101某", "W\u180e", "a\U000e0041b", "W17\ufe0f", "W\u3164", "W\ufff9x",
)  # fmt: skip
NUMBERS = (
    NUMBER,
    NUMBER.lower(),
    f"陈某丙{NUMBER}已撤销",
    f"查 {NUMBER[:6]} {NUMBER[6:14]} {NUMBER[14:]}",
    "-".join(NUMBER),
    ".".join((NUMBER[:6], NUMBER[6:])),
    "".join(chr(ord(digit) + 0xFEE0) for digit in NUMBER),
    "".join(chr(0x0660 + int(digit)) for digit in NUMBER[:17]) + NUMBER[17],
    NUMBER[:17] + ("0" if NUMBER[17] != "0" else "1"),
    f"tel. 5{NUMBER}",
    OLD_NUMBER,
    f"（{OLD_NUMBER}）",
    "联系 13800000000",
    "tel. +86 138-0000-0000",
    "卡号 6222 0000 0000 0000 004",
)
NO_NUMBERS = (
    "2026-05-12, 2026-06-12", "罚款120000元", "京市监处罚〔2026〕第000123号", "91990000MA0010205T",
    "2026年5月12日10时30分15秒", "GB 11643-1999", "110000199913310000", "x" * 500,
)  # fmt: skip


@pytest.mark.parametrize("name", IN_CLEAR)
def test_what_people_write_is_taken(name: str):
    assert [IN_CLEAR[name].validate_python(text) for text in GOOD] == list(GOOD)
    assert IN_CLEAR[name].validate_python("  W-17　") == "W-17"


@pytest.mark.parametrize("name", IN_CLEAR)
@pytest.mark.parametrize("text", NOBODY + FILLERS + UNSEEN + NUMBERS, ids=ascii)
def test_nobody_the_unseen_and_identity_numbers_are_refused_and_never_echoed(name: str, text: str):
    with pytest.raises(ValidationError) as refused:
        IN_CLEAR[name].validate_python(text)
    (error,) = refused.value.errors(include_input=False)
    assert NUMBER not in str(error)


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_looks_a_little_like_a_number_is_none(text: str):
    assert not holds_personal_number(text, strict=True)
    assert IN_CLEAR["note"].validate_python(text) == text


@given(st.text(max_size=40))
def test_what_is_taken_has_nothing_invisible_in_it(text: str):
    try:
        taken = IN_CLEAR["why"].validate_python(text)
    except ValidationError:
        return
    assert not {category(character) for character in taken} & {"Cf", "Co", "Cn", "Cs", "Zl", "Zp"}


@pytest.mark.parametrize(
    "text", ["W123456", "１２３４５６", "a1b234567", "\u0661\u0662\u0663\u0664\u0665\u0666", "E12345678"]
)
def test_an_officer_has_no_six_digits_in_a_row(text: str):
    with pytest.raises(ValidationError, match="six digits"):
        IN_CLEAR["officer"].validate_python(text)


def test_what_is_sealed_may_name_anybody_but_can_be_stored():
    said = TypeAdapter(Said)
    assert said.validate_python(f"{NUMBER}\n\u200b") == f"{NUMBER}\n\u200b"
    for text in ("", " ", "a\0b", "\ud800"):
        with pytest.raises(ValidationError):
            said.validate_python(text)


SUBJECT = {"kind": "organisation", "document": {"type": "uscc", "number": "91990000MA0010205T"}}
PLACES: tuple[tuple[type[BaseModel], dict[str, object], str], ...] = (
    (QueryIn, {"subject": SUBJECT, "purpose": "statutory_duty"}, "officer"),
    (FeedbackIn, {"outcome": "applied"}, "officer"),
    (FeedbackIn, {"outcome": "applied"}, "reason"),
    (OfficerToken, {"kind": "office", "party": "credit_office", "scopes": ["records:read"]}, "officer"),
    (CorrectionIn, {"fields": {}, "reason": "error"}, "basis"),
    (WithdrawalIn, {"reason": "revoked"}, "basis"),
    (DecisionIn, {"decision": "refuse"}, "note"),
    (ActionIn, {"action": "accept"}, "basis"),
    (WithdrawIn, {}, "basis"),
)


@pytest.mark.parametrize(("model", "rest", "name"), PLACES, ids=lambda each: getattr(each, "__name__", str(each)))
def test_every_text_in_clear_of_every_body_goes_by_the_same_rule(
    model: type[BaseModel], rest: dict[str, object], name: str
):
    model.model_validate(rest | {name: "W-17"})
    for text in ("\u3164", "\u202eW-17", f"样某甲 {NUMBER}"):
        with pytest.raises(ValidationError) as refused:
            model.model_validate(rest | {name: text})
        assert [each["loc"] for each in refused.value.errors()] == [(name,)]
