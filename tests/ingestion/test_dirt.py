"""What real senders type into the columns that identify, in every item: refused for what it is, or read as meant."""

import pytest

from creditmesh.ingestion.gate import Gate
from creditmesh.schemas.rules.identity import USCC_PLACEHOLDER
from tests.ingestion.rows import TODAY, compiled, parties, penalty, person_penalty, resident, uscc
from tests.ingestion.test_one_decision import LICENCE, PENALTY, licence

DEBTOR, RATING = "judgment_defaulter", "taxpayer_rating_a"
SENDERS = {PENALTY: "market_regulation", LICENCE: "market_regulation", DEBTOR: "court", RATING: "tax"}


def debtor(**changes: str) -> dict[str, str]:
    return {
        "INAME": "示例商贸有限公司",
        "PARTYTYPENAME": "581",
        "CARDNUM": uscc(1),
        "BUSINESSENTITY": "样甲",
        "COURTNAME": "示例市人民法院",
        "COURTCODE": parties()["court"].uscc,
        "GISTID": "(2026)示0101民初12号",
        "REGDATE": "2026-05-01",
        "CASECODE": "(2026)示0101执12号",
        "DUTY": "支付货款",
        "PERFORMANCE": "全部未履行",
        "DISRUPTTYPENAME": "有履行能力而拒不履行",
        "PUBLISHDATE": "2026-06-01",
    } | changes


def rating(**changes: str) -> dict[str, str]:
    return {
        "NSRMC": "示例商贸有限公司",
        "NSR_SHXYM": uscc(1),
        "PJND": "2025",
        "PJRQ": "2026-05-01",
        "SWJG": "示例市税务局",
        "SWJGDM": parties()["tax"].uscc,
    } | changes


ROWS = {
    PENALTY: penalty,
    LICENCE: lambda **more: licence(1, certificate="JY12", decision="示许〔2026〕5号") | more,
    DEBTOR: debtor,
    RATING: rating,
}


def said(item: str, row: dict[str, str]) -> list[tuple[str, str]]:
    """The reasons of a refusal or a hold; none: it is accepted."""
    found = compiled(item)
    outcome = found.validate(row)
    if isinstance(outcome, dict):
        verdict = Gate(found, party=parties()[SENDERS[item]], today=TODAY).judge(outcome)
        outcome = (*verdict.refusals, *verdict.holds)
    return [(error.code, error.pointer) for error in outcome]


@pytest.mark.parametrize("item", ROWS)
def test_the_rows_are_good_without_dirt(item: str):
    assert said(item, ROWS[item]()) == []


IDENTIFYING = [(PENALTY, "CF_WSH"), (LICENCE, "XK_WSH"), (LICENCE, "XK_XKBH"), (DEBTOR, "CASECODE"), (RATING, "PJND")]


@pytest.mark.parametrize(("item", "field"), IDENTIFYING)
@pytest.mark.parametrize(
    "filler", ["无", "/", "— —", "#N/A", "证", "无此证", "涉密", "○", "＊＊＊", "✱✱", "X", "000", "（空）", "№"]
)
def test_nothing_that_tells_no_record_apart_identifies_one(item: str, field: str, filler: str):
    assert ("decision_filler", f"/{field}") in said(item, ROWS[item](**{field: filler}))


@pytest.mark.parametrize(("item", "field"), IDENTIFYING[:-1])
@pytest.mark.parametrize(
    "number", ["9.9E+14", "9,9E+14", "９．９Ｅ＋１４", "'2.02600E+11", "202600000012.0", "9.9×10^14"]
)
def test_what_a_spreadsheet_made_of_a_number_identifies_no_record(item: str, field: str, number: str):
    """Two decisions whose numbers were cut to the same digits would be one, the second in place of the first."""
    assert said(item, ROWS[item](**{field: number})) == [("number_computed", f"/{field}")]


@pytest.mark.parametrize(
    "number",
    ["JY1990****4567", "JY1990••••4567", "JY1990◆◆◆4567", "JY1990＃＃＃4567", "JY1990xxxx4567", "JY1990○○○4567"],
)
def test_two_certificates_that_were_hidden_alike_are_not_one(number: str):
    assert said(LICENCE, ROWS[LICENCE](XK_XKBH=number)) == [("decision_filler", "/XK_XKBH")]


@pytest.mark.parametrize("mark", "*＊×●•◆✱⊗〓X-")
def test_two_people_whose_numbers_were_hidden_alike_are_nobody(mark: str):
    for kind, number in (("身份证", resident(5)), ("护照", "E12345678"), ("港澳居民来往内地通行证", "H12345678")):
        hidden = number[:3] + mark * 4 + number[7:]
        row = person_penalty(1, CF_XDR_ZJLX=kind, CF_XDR_ZJHM=hidden)
        assert said(PENALTY, row) == [("number_masked", "/CF_XDR_ZJHM")]


@pytest.mark.parametrize("number", ["9.90000612345678", "9,9·10^14", "9.90001・10¹⁴", "9’9E+14", "990000×12345678"])
def test_a_trader_is_known_by_no_amount_and_by_no_hidden_number(number: str):
    row = penalty(CF_XDR_LB="个体工商户", CF_XDR_SHXYM=USCC_PLACEHOLDER, CF_XDR_GSZC=number)
    ((code, pointer),) = said(PENALTY, row)
    assert code in {"number_computed", "number_masked"}
    assert pointer == "/CF_XDR_GSZC"
