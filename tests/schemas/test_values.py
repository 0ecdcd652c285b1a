"""How departments write dates, amounts and coded values: read as what they mean, or refused with what to write."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.schemas.rules.amounts import amount_of
from creditmesh.schemas.rules.values import (
    code_reader,
    codes_reader,
    decimal_reader,
    number_reader,
    read_date,
    read_end,
    read_name,
)
from tests.ingestion.rows import code_sets, compiled, penalty


@pytest.mark.parametrize(
    "told",
    [
        "2026-05-01T00:00:00+08:00",
        "2026-04-30T16:00:00Z",
        "2026-04-30T16:00:00.000Z",
        "2026-04-30T11:30:00-0500",
        "2026-05-01 12:00:00",
        "2026-05-01T23:59",
        "2026/5/1 9:30",
        "2026/5/1 上午 12:00:00",
        "2026-05-01 11:59:59 PM",
        "2026年5月1日 12时30分",
        "2026年5月1日12:30",
        "2026-05-01+08:00",
        "20260501123000",
        "20260501T123000",
        "2026.05.01 00:00:00.0",
    ],
)
def test_a_day_with_a_time_is_the_day_it_is_in_china(told: str):
    assert read_date(told) == "2026-05-01"


@pytest.mark.parametrize(
    "told",
    [
        "2026-05-01 24:00",
        "2026-05-01 12:60",
        "2026-05-01 12",
        "2026-05-0112:30",
        "2026-05-01 1:00 PM+08:00",
        "2026-05-01T00:00:00+99:00",
        "2026-5-1T",
        "2026-05-01123000",
        "9999-12-31T23:00:00-05:00",
        "46143",
        "1777564800000",
    ],
)
def test_what_is_no_day_is_none(told: str):
    assert read_date(told) is None


@pytest.mark.parametrize("told", ["长期", "长期有效", " 永 久 ", "永久有效", "无固定期限", "终身", "至长期"])
def test_an_end_that_never_comes_is_the_open_end_and_in_other_dates_is_none(told: str):
    assert read_end(told) == "2099-12-31"
    assert read_date(told) is None
    row = compiled().validate(penalty(1, CF_YXQ=told, CF_GSJZQ=told))
    assert isinstance(row, dict)
    assert (row["CF_YXQ"], row["CF_GSJZQ"]) == ("2099-12-31", "2099-12-31")
    (refused,) = compiled().validate(penalty(1, CF_JDRQ=told))
    assert refused.code == "bad_date"


@pytest.mark.parametrize("told", ["— —", "/", "无", "见附件"])
def test_another_word_for_an_end_is_refused_with_how_to_write_one(told: str):
    (refused,) = compiled().validate(penalty(1, CF_YXQ=told))
    assert (refused.code, "2099-12-31" in refused.detail, "2099-12-31" in refused.detail_zh) == (
        "bad_end_date",
        True,
        True,
    )


@pytest.mark.parametrize(
    ("told", "yuan"),
    [
        ("2000元", "2000"),
        ("2,000.50元", "2000.5"),
        ("0.2万元", "2000"),
        ("人民币贰仟元整", "2000"),
        ("贰仟圆", "2000"),
        ("壹万贰仟叁佰肆拾伍元陆角柒分", "12345.67"),
        ("一百万元", "1000000"),
        ("十五元", "15"),
        ("一百零五元", "105"),
        ("二〇〇〇元", "2000"),
        ("￥2000元", "2000"),
        ("壹亿元", "100000000"),
    ],
)
def test_an_amount_with_its_unit_is_read_in_the_fields(told: str, yuan: str):
    assert amount_of(told) == Decimal(yuan)
    assert decimal_reader(None, 6, "万元")(told) == format((Decimal(yuan) / 10_000).normalize(), "f")


@pytest.mark.parametrize(
    "told",
    [
        "贰仟",
        "一千五元",
        "一万二元",
        "二三十元",
        "十百元",
        "2,00元",
        "约2000元",
        "2000元以下",
        "元",
        "-2000元",
        "2000美元",
        "无",
    ],
)
def test_an_amount_that_may_mean_two_things_is_none(told: str):
    assert amount_of(told) is None
    assert decimal_reader(None, 6, "万元")(told) is None
    (refused,) = compiled().validate(penalty(1, CF_NR_FK=told))
    assert (refused.code, "万元" in refused.detail) == ("bad_decimal", True)


@given(st.text("零一二两三百千万亿元角分贰仟整0123456789.,人民币¥ ", max_size=12))
def test_no_text_breaks_the_reader_of_amounts(text: str):
    found = amount_of(text)
    assert found is None or found >= 0


def test_an_amount_without_a_unit_is_in_the_fields_unit_and_a_field_without_one_takes_none():
    assert decimal_reader(None, 6, "万元")("0.2") == "0.2"
    assert decimal_reader(None, 6)("2000元") is None


@pytest.mark.parametrize(
    ("code_set", "told", "value"),
    [
        ("penalty_kind", "暂扣或者吊销许可证、暂扣或者吊销执照", "暂扣或者吊销许可证、执照"),
        ("penalty_kind", "暂扣或吊销许可证和执照", "暂扣或者吊销许可证、执照"),
        ("penalty_kind", "其它", "其他"),
        ("penalty_kind", "其他（需注明）", "其他"),
        ("penalty_kind", "其他（责令改正、限期整改）", "其他-责令改正、限期整改"),
        ("penalty_kind", "其它(责令改正)", "其他-责令改正"),
        ("penalty_kind", "其它-责令改正", "其他-责令改正"),
        ("penalty_kind", "罚款;暂扣或者吊销许可证、暂扣或者吊销执照", "罚款;暂扣或者吊销许可证、执照"),
        ("penalty_kind", "没收违法所得和非法财物", None),
        ("penalty_kind", "其他", "其他"),
        ("penalty_kind", "其他（）", None),
        ("subject_category", "法人和其他组织", "法人及非法人组织"),
        ("subject_category", "法人或者其它组织", "法人及非法人组织"),
        ("subject_category", "法人与非法人组织", "法人及非法人组织"),
        ("subject_category", "1", None),
        ("duty_performance", "未履行", "全部未履行"),
        ("licence_kind", "其它（备案）", "其他-备案"),
    ],
)
def test_values_are_read_as_they_are_written(code_set: str, told: str, value: str | None):
    known = code_sets()[code_set]
    read = codes_reader(known) if code_set == "penalty_kind" else code_reader(known)
    assert read(told) == value


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("示例\u202e司公", "示例司公"),
        ("示例\u200b公司", "示例公司"),
        ("\ufeff样某\u2066甲", "样某甲"),
        ("\u3164样某甲\u2800", "样某甲"),
        ("\u3164", None),
        ("\u200b \u2800", None),
        ("阿某·买某", "阿某·买某"),
        ("葛\U000e0100某", "葛\U000e0100某"),
        ("样\ue863某", "样\ue863某"),
    ],
)
def test_a_name_has_nothing_in_it_that_nobody_sees(written: str, name: str | None):
    assert read_name(written) == name


@pytest.mark.parametrize("guard", ["{}\t", "'{}", "‘{}", "＇{}", '="{}"', '= "{}"', "'{}'", "`{}"])
def test_what_guards_a_number_from_a_spreadsheet_is_no_part_of_it(guard: str):
    number = "91990000MA0000001X"
    assert number_reader(18)(guard.format(number)) == number
