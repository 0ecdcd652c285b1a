"""The gate refuses what the law forbids, holds what may be a slip, and takes the rest as it stands."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from creditmesh.ingestion.gate import Gate, gate_of
from creditmesh.ingestion.lawful import Judgement
from creditmesh.schemas.identifiers import DocumentType, SubjectKind
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.rules.amounts import amounts_in, fine_agrees
from creditmesh.schemas.rules.identity import USCC_PLACEHOLDER, Identity
from creditmesh.schemas.rules.numbers import organisation_check, uscc_check
from tests.ingestion.rows import MARKET, TODAY, TRANSPORT, compiled, penalty, person_penalty, resident, uscc
from tests.support.measuring import bounded


def named(kind: SubjectKind, document: DocumentType, number: str) -> Identity:
    return Identity(kind, document, Pii(number))


def judged(
    row: dict[str, str], *, party=MARKET, today: date = TODAY, item: str = "administrative_penalty"
) -> Judgement:
    found = compiled(item)
    valid = found.validate(row)
    assert isinstance(valid, dict), valid
    return Gate(found, party=party, today=today).judge(valid)


def refusals(row: dict[str, str], **gate) -> list[tuple[str, str]]:
    return [(error.code, error.pointer) for error in judged(row, **gate).refusals]


def holds(row: dict[str, str]) -> list[tuple[str, str]]:
    verdict = judged(row)
    assert not verdict.refusals
    return [(error.code, error.pointer) for error in verdict.holds]


def test_a_good_penalty_passes_with_its_facts():
    verdict = judged(penalty(7))
    assert not verdict.refusals
    assert not verdict.holds
    assert verdict.subject == named("organisation", "uscc", uscc(7))
    assert verdict.representative is None
    assert verdict.decided_on == date(2026, 5, 11)
    assert (verdict.severity, verdict.period.until) == ("general", date(2027, 5, 11))


def test_a_named_representative_is_a_person_of_their_own():
    verdict = judged(penalty(CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(5)))
    assert verdict.representative == named("natural_person", "resident_id", resident(5))


def test_a_number_is_not_shown_when_printed():
    assert resident(5) not in repr(judged(person_penalty(5)))


def test_a_row_is_about_who_it_says_and_not_what_the_number_looks_like():
    assert judged(person_penalty(3)).subject == named("natural_person", "resident_id", resident(3))
    trader = penalty(CF_XDR_LB="个体工商户", CF_XDR_SHXYM=uscc(3, head="92"))
    assert judged(trader).subject == named("sole_trader", "uscc", uscc(3, head="92"))


def test_a_placeholder_code_identifies_a_sole_trader_by_the_registration_number():
    row = penalty(CF_XDR_LB="个体工商户", CF_XDR_SHXYM=USCC_PLACEHOLDER, CF_XDR_GSZC="990000600000017")
    verdict = judged(row)
    assert verdict.subject == named("sole_trader", "registration", "990000600000017")
    assert not verdict.holds


def test_a_placeholder_code_without_a_registration_number_is_refused():
    row = penalty(CF_XDR_LB="个体工商户", CF_XDR_SHXYM=USCC_PLACEHOLDER)
    outcome = compiled().validate(row)
    assert isinstance(outcome, tuple)
    assert [(error.code, error.pointer) for error in outcome] == [("field_required", "/CF_XDR_GSZC")]


def test_a_placeholder_code_is_for_sole_traders_only():
    row = penalty(CF_XDR_SHXYM=USCC_PLACEHOLDER, CF_XDR_GSZC="990000600000017")
    assert refusals(row) == [("placeholder_needs_registration", "/CF_XDR_GSZC")]


def test_a_minor_is_refused_even_where_the_check_digit_is_wrong():
    assert refusals(person_penalty(born="20080512")) == [("minor", "/CF_XDR_ZJHM")]
    assert refusals(person_penalty(born="20080511")) == []
    row = person_penalty(born="20150101")
    last = row["CF_XDR_ZJHM"][-1]
    row["CF_XDR_ZJHM"] = row["CF_XDR_ZJHM"][:-1] + ("1" if last != "1" else "2")
    assert ("minor", "/CF_XDR_ZJHM") in refusals(row)


def test_a_department_reports_its_own_decisions_and_those_of_its_sub_units():
    assert refusals(penalty(CF_CFJGDM=MARKET.issues_for[0])) == []
    assert refusals(penalty(CF_CFJGDM=TRANSPORT.uscc)) == [("issuer_not_yours", "/CF_CFJGDM")]
    assert refusals(penalty(CF_SJLYDM=TRANSPORT.uscc)) == [("source_not_yours", "/CF_SJLYDM")]
    assert refusals(penalty(CF_CFJGDM=MARKET.issues_for[0], CF_SJLYDM=MARKET.issues_for[0])) == []


def test_a_decision_after_today_is_refused():
    assert refusals(penalty(CF_JDRQ="2026-11-22")) == []
    assert refusals(penalty(CF_JDRQ="2026-11-23")) == [("future_date", "/CF_JDRQ")]


def test_a_basis_must_have_been_in_force_on_the_decision_date():
    assert refusals(penalty(CF_JDRQ="2018-07-25")) == [("retention_over", "")]
    assert refusals(penalty(CF_JDRQ="2018-07-24")) == [("basis_not_in_force", "/CF_JDRQ")]


def test_what_ended_longer_ago_than_it_may_be_kept_is_refused():
    # general: a year on show, and kept for five
    assert refusals(penalty(CF_JDRQ="2020-11-23")) == []
    assert refusals(penalty(CF_JDRQ="2020-11-22")) == [("retention_over", "")]


def test_ends_come_after_beginnings():
    assert refusals(penalty(CF_YXQ="2026-05-10")) == [("dates_reversed", "/CF_YXQ")]
    assert refusals(penalty(CF_GSJZQ="2026-05-10")) == [("dates_reversed", "/CF_GSJZQ")]
    assert refusals(penalty(CF_GSJZQ="2026-05-11")) == []


def test_a_wrong_check_digit_is_held_and_not_lost():
    code = uscc(9)
    wrong = code[:-1] + ("1" if code[-1] != "1" else "2")
    verdict = judged(penalty(CF_XDR_SHXYM=wrong))
    assert [error.code for error in verdict.holds] == ["check_digit"]
    assert verdict.subject == named("organisation", "uscc", wrong)
    number = resident(9)
    wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
    assert holds(person_penalty(CF_XDR_ZJHM=wrong)) == [("check_digit", "/CF_XDR_ZJHM")]
    assert holds(penalty(CF_FR_ZJLX="身份证", CF_FR_ZJHM=wrong)) == [("check_digit", "/CF_FR_ZJHM")]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (resident()[:-2], "number_shape"),
        ("9900001985****1234", "number_masked"),
        ("9.90000198504120E+17", "number_computed"),
        ("详见决定书", "number_filler"),
    ],
)
def test_a_number_that_is_none_is_refused_with_its_own_reason(number: str, code: str):
    assert refusals(person_penalty(CF_XDR_ZJHM=number)) == [(code, "/CF_XDR_ZJHM")]
    assert refusals(penalty(CF_FR_ZJLX="身份证", CF_FR_ZJHM=number)) == [(code, "/CF_FR_ZJHM")]
    trader = penalty(CF_XDR_LB="个体工商户", CF_XDR_SHXYM=USCC_PLACEHOLDER, CF_XDR_GSZC=number)
    assert refusals(trader) == ([] if code == "number_shape" else [(code, "/CF_XDR_GSZC")])


@pytest.mark.parametrize("number", ["无", "/", "E12****78", "H0********", "详见决定书", "9.9E+14"])
@pytest.mark.parametrize(
    "kind",
    [
        "护照",
        "港澳居民来往内地通行证",
        "台湾居民来往大陆通行证",
        "外国人永久居留证",
        "军官证",
        "户口簿",
        "港澳台居民居住证",
    ],
)
def test_no_document_makes_somebody_of_what_is_no_number(kind: str, number: str):
    assert refusals(person_penalty(CF_XDR_ZJLX=kind, CF_XDR_ZJHM=number))
    assert refusals(penalty(CF_FR_ZJLX=kind, CF_FR_ZJHM=number))


@pytest.mark.parametrize(
    ("kind", "number", "document", "known_by"),
    [
        ("护照", "e12345678", "passport", "E12345678"),
        ("港澳居民来往内地通行证", "H1234567802", "hk_macao_permit", "H12345678"),
        ("台胞证", "0012345601(B)", "taiwan_permit", "00123456"),
        ("军官证", "南字第01234567号", "officer_card", "南01234567"),
        ("士官证", "士字第20990001号", "soldier_card", "士20990001"),
        ("户口本", resident(5), "resident_id", resident(5)),
        ("港澳居民居住证", resident(6), "resident_id", resident(6)),
        ("外国人永久居留证", "USA990000000012", "foreign_resident_id", "USA990000000012"),
    ],
)
def test_every_kind_of_document_identifies(kind: str, number: str, document: DocumentType, known_by: str):
    row = person_penalty(CF_XDR_ZJLX=kind, CF_XDR_ZJHM=number)
    assert not refusals(row)
    assert judged(row).subject == named("natural_person", document, known_by)


def test_a_word_in_a_column_that_nobody_asks_for_says_nothing():
    assert holds(person_penalty(CF_XDR_SHXYM="/", CF_XDR_GSZC="无")) == []
    trader = penalty(CF_XDR_LB="个体工商户", CF_XDR_SHXYM="无", CF_XDR_GSZC='="990000600000017"')
    assert judged(trader).subject == named("sole_trader", "registration", "990000600000017")
    assert refusals(penalty(CF_XDR_SHXYM="无")) == [("number_filler", "/CF_XDR_SHXYM")]
    nobody = penalty(CF_XDR_LB="个体工商户", CF_XDR_SHXYM="无", CF_XDR_GSZC="无")
    assert refusals(nobody) == [("number_filler", "/CF_XDR_GSZC")]


def defaulter(number: str, kind: str = "580", **more: str) -> dict[str, str]:
    return {
        "INAME": "样某甲",
        "PARTYTYPENAME": kind,
        "CARDNUM": number,
        "COURTNAME": "示例市人民法院",
        "COURTCODE": MARKET.uscc,
        "GISTID": "（2026）示01民初1号",
        "REGDATE": "2026-05-01",
        "CASECODE": "（2026）示01执1号",
        "DUTY": "支付货款。",
        "PERFORMANCE": "全部未履行",
        "DISRUPTTYPENAME": "有履行能力而拒不履行",
        "PUBLISHDATE": "2026-05-11",
        **more,
    }


def test_old_numbers_are_written_out_where_no_field_tells_the_type():
    number = resident(7)
    old = number[:6] + number[8:17]
    person = named("natural_person", "resident_id", number)
    verdict = judged(defaulter(old), item="judgment_defaulter")
    assert (verdict.subject, verdict.holds, verdict.refusals) == (person, [], [])
    firm = defaulter(uscc(8), "581", BUSINESSENTITY="样某乙", BUSINESSENTITYNUM=old)
    assert judged(firm, item="judgment_defaulter").representative == person
    read = compiled("judgment_defaulter").validate(defaulter(old))
    assert isinstance(read, dict)
    assert read["CARDNUM"] == number
    body = judged(defaulter(old, "581", BUSINESSENTITY="样某乙"), item="judgment_defaulter")
    assert [error.code for error in body.refusals] == ["number_shape"]


def test_an_organisation_code_is_the_organisation_of_the_unified_code():
    first = "91990000MA000001" + organisation_check("MA000001")
    code = first + uscc_check(first)
    for part in (code[8:17], f"{code[8:16]}-{code[16]}"):
        inner = judged(defaulter(part, "581", BUSINESSENTITY="样某乙"), item="judgment_defaulter")
        assert (inner.refusals, inner.holds) == ([], [])
        assert inner.subject is not None
        assert inner.subject.key == named("organisation", "uscc", code).key


@pytest.mark.parametrize("guard", ["'{}", "＇{}", '="{}"', "{}\t", "‘{}", "（{}）"])
def test_guards_against_spreadsheets_are_read_through(guard: str):
    row = penalty(CF_XDR_SHXYM=guard.format(uscc(9)), CF_FR_ZJLX="身份证", CF_FR_ZJHM=guard.format(resident(9)))
    assert refusals(row) == []
    assert judged(row).subject == named("organisation", "uscc", uscc(9))
    assert judged(row).representative == named("natural_person", "resident_id", resident(9))
    trader = penalty(CF_XDR_LB="个体工商户", CF_XDR_SHXYM=USCC_PLACEHOLDER, CF_XDR_GSZC=guard.format("990000600000017"))
    assert judged(trader).subject == named("sole_trader", "registration", "990000600000017")
    read = compiled().validate(trader)
    assert isinstance(read, dict)
    assert read["CF_XDR_GSZC"] == "990000600000017"


def test_a_birth_date_that_is_no_day_is_held():
    assert holds(person_penalty(born="19800231")) == [("birth_date", "/CF_XDR_ZJHM")]


def test_kind_and_number_that_disagree_are_held():
    assert holds(penalty(CF_XDR_LB="个体工商户")) == [("kind_number_mismatch", "/CF_XDR_SHXYM")]
    assert holds(penalty(CF_XDR_SHXYM=uscc(head="92"))) == [("kind_number_mismatch", "/CF_XDR_SHXYM")]
    assert holds(person_penalty(CF_XDR_SHXYM=uscc())) == [("kind_number_mismatch", "/CF_XDR_SHXYM")]
    both = penalty(CF_XDR_ZJLX="身份证", CF_XDR_ZJHM=resident())
    assert holds(both) == [("kind_number_mismatch", "/CF_XDR_ZJHM")]


def test_a_fine_in_yuan_where_ten_thousands_are_meant_is_held():
    assert holds(penalty(CF_NR_FK="2000")) == [("fine_unit", "/CF_NR_FK")]
    assert holds(penalty(CF_NR="罚款人民币贰仟元整", CF_NR_FK="0.2")) == []
    assert holds(penalty(CF_NR="警告并责令改正", CF_NR_FK="0.2")) == []


@pytest.mark.parametrize(
    "kind",
    [
        "其他-吊销驾驶证", "其他-吊销《食品经营许可证》", "其他（吊销）", "其他-禁止从业五年",
        "其他-不得从事食品经营", "其他-取消资格",
        "罚款;其他-責令停業整頓", "其他：暂扣驾驶证六个月", "其他-停止执业", "其他-收回食品经营许可证",
        "其他-缴销许可证", "其他-注销许可证", "其他-吊证", "其他-剥夺资格", "其他-终身禁驾", "其他-限制其三年内从业",
        "其他-吊扣驾驶证", "其他-没收许可证", "其他-停止招生", "其他-收回其上岗证，出具证明", "其他-注销药品经营證",
    ],
)  # fmt: skip
def test_a_listed_kind_in_other_words_behind_the_other_one_is_not_rated_unseen(kind: str):
    assert holds(penalty(CF_CFLB=kind)) == [("kind_doubtful", "/CF_CFLB")]


@pytest.mark.parametrize("blank", [" ", "\u3000", "\n", "·", "  ", "-", "\u200b", "”"])
@pytest.mark.parametrize("stem", ["吊销", "停业", "暂扣", "不得从事", "市场禁入"])
def test_no_blank_or_mark_takes_such_a_word_past(stem: str, blank: str):
    for place in range(1, len(stem)):
        kind = f"其他-{stem[:place]}{blank}{stem[place:]}六个月"
        assert holds(penalty(CF_CFLB=kind)) == [("kind_doubtful", "/CF_CFLB")], kind


@pytest.mark.parametrize(
    "kind",
    [
        "其他-责令改正",
        "其他",
        "吊销许可证件",
        "其他-责令改正、吊销许可证件",
        "其他-加处罚款的催告",
        "其他-从业人员培训不足整改",
        "其他-关闭网站",
        "其他-不予关闭",
        "其他-收回侵占的林地并责令提供证据",
        "其他-注销备案证明",
        "其他-收回多付款项并出具凭证",
        "其他-收回保证金",
        "其他-没收未取得许可证生产的食品",
        "其他-收回无证经营的场地",
    ],
)
def test_what_else_is_said_there_is_no_matter(kind: str):
    assert holds(penalty(CF_CFLB=kind, CF_NR_ZKDX="示例许可证")) == []


def test_an_implausible_fine_is_held():
    assert holds(penalty(CF_NR="罚款", CF_NR_FK="20000")) == [("fine_implausible", "/CF_NR_FK")]


def test_a_penalty_by_simple_procedure_on_a_person_is_refused():
    assert refusals(person_penalty(CF_AJCX="01")) == [("simple_procedure_person", "/CF_AJCX")]
    assert refusals(person_penalty(CF_AJCX="普通程序")) == []


@pytest.mark.parametrize(("procedure", "severity"), [("简易程序", "minor"), ("一般程序", "general"), (None, "general")])
def test_what_was_decided_by_simple_procedure_is_minor(procedure: str | None, severity: str):
    assert judged(penalty(CF_AJCX=procedure)).severity == severity


@pytest.mark.parametrize(
    "number", [resident(9), f"{resident(9)}01", f"0{resident(9)}", "990000800315001", "13800138000", "4111111111111111"]
)
@pytest.mark.parametrize(
    "field", ["CF_XDR_MC", "CF_XDR_SWDJ", "CF_XDR_ZZJG", "CF_WSH", "CF_WFXW", "CF_YJ", "CF_NR_ZKDX", "CF_CFJG"]
)
def test_a_persons_number_in_a_field_shown_in_clear_is_held(field: str, number: str):
    assert holds(penalty(**{field: number})) == [("personal_number", f"/{field}")]
    assert holds(penalty(**{field: f"见（{number}）"})) == [("personal_number", f"/{field}")]


def test_a_persons_number_in_what_is_sealed_is_where_it_belongs():
    assert holds(penalty(BZ=f"陈某{resident(9)}，电话13800138000")) == []
    assert holds(person_penalty(CF_XDR_SWDJ=resident(9))) == []


def test_the_number_of_a_persons_record_in_a_field_shown_in_clear_is_held_too():
    assert holds(person_penalty(CF_YJ=f"依据{resident(9)}")) == [("personal_number", "/CF_YJ")]


def test_everything_that_is_wrong_is_said_at_once():
    row = penalty(CF_CFJGDM=TRANSPORT.uscc, CF_SJLYDM=TRANSPORT.uscc, CF_JDRQ="2027-01-01")
    assert [code for code, _ in refusals(row)] == ["issuer_not_yours", "source_not_yours", "future_date"]


def test_an_item_for_one_kind_only_needs_no_kind_field():
    row = {
        "NSRMC": "示例一有限公司",
        "NSR_SHXYM": uscc(2),
        "PJND": "2025",
        "PJRQ": "2026-04-30",
        "SWJG": "示例市市场监督管理局",
        "SWJGDM": MARKET.uscc,
    }
    verdict = judged(row, item="taxpayer_rating_a")
    assert verdict.subject == named("organisation", "uscc", uscc(2))
    assert (verdict.severity, verdict.period.until) == (None, date(2027, 4, 30))


@pytest.mark.parametrize(
    ("text", "yuan"),
    [
        ("罚款2000元", ["2000"]),
        ("罚款人民币2,000元整", ["2000"]),
        ("处罚款贰仟元整", ["2000"]),
        ("没收违法所得500元，并处罚款0.2万元", ["2000"]),
        ("处以一万五千元罚款", ["15000"]),
        ("罚款人民币拾万元", ["100000"]),
        ("没收违法所得500元、3万元", ["500", "30000"]),
        ("罚款１．５亿元", ["150000000"]),
        ("依照第十三条警告", []),
    ],
)
def test_amounts_are_read_as_departments_write_them(text: str, yuan: list[str]):
    assert amounts_in(text) == [Decimal(amount) for amount in yuan]


@pytest.mark.parametrize(
    "text",
    [
        "罚款￥{d:,}.00", "罚款人民币：{d}.00", "罚款{d}", "罚款{d}块", "罚款{d}.00（元）", "罚款{d}（单位：元）",
        "罚款{d}人民币", "罚款RMB{d}", "罚款（元）：{d}", "{d}", "处罚款{d}整",
    ],
)  # fmt: skip
@pytest.mark.parametrize("yuan", [5000, 800, 12_000])
def test_a_fine_in_yuan_in_a_field_in_ten_thousands_disagrees_however_its_unit_is_written(text: str, yuan: int):
    assert not fine_agrees(Decimal(yuan), text.format(d=yuan))
    assert fine_agrees(Decimal(yuan) / 10_000, text.format(d=yuan))


@pytest.mark.parametrize("text", ["罚款伍仟", "罚款5千", "罚款五千", "罚款5千块钱", "罚款伍仟圓整", "罚款5K"])
def test_so_does_one_in_words(text: str):
    assert not fine_agrees(Decimal(5000), text)


@pytest.mark.parametrize(
    "text",
    [
        "罚款5万元",
        "罚款5万",
        "罚款伍万元整",
        "罚款5（万元）",
        "罚款（万元）：5",
        "依据第5条，罚款",
        "1、警告；5、罚款",
        "对5人罚款",
        "处理",
        "没收1万份传单，罚款",
    ],
)
def test_a_fine_in_ten_thousands_agrees(text: str):
    assert fine_agrees(Decimal(5), text)


def test_several_fines_in_one_text_may_add_up():
    assert fine_agrees(Decimal("0.3"), "罚款1000元；罚款2000元")
    assert not fine_agrees(Decimal("0.4"), "罚款1000元；罚款2000元")


@pytest.mark.parametrize("text", ["1", "1,1", "一", "1 ", "〇㉑", "一万", "罚款1"])
def test_a_text_of_thousands_of_numbers_costs_about_its_length(text: str):
    for long in ((text * 5000)[:5000], (text * 5000)[:4999] + "元"):
        assert not bounded(0.05, lambda: fine_agrees(Decimal("0.3"), f"罚款2000元。{long}"))  # noqa: B023 - called at once


def test_a_gate_is_made_once_for_an_item_a_party_and_a_day():
    found = compiled()
    made = gate_of(found, party=MARKET, today=TODAY)
    assert gate_of(found, party=MARKET.model_copy(), today=TODAY) is made
    others = [
        gate_of(found, party=TRANSPORT, today=TODAY),
        gate_of(found, party=MARKET, today=TODAY + timedelta(days=1)),
        gate_of(compiled("administrative_licence"), party=MARKET, today=TODAY),
        gate_of(found, party=MARKET.model_copy(update={"issues_for": ()}), today=TODAY),
    ]
    assert made not in others
