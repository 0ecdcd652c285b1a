"""How departments write dates, amounts and coded values: read as what they mean, or refused with what to write."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.schemas.rules.amounts import amount_of
from creditmesh.schemas.rules.coded import code_reader, codes_reader
from creditmesh.schemas.rules.dates import read_date, read_end
from creditmesh.schemas.rules.values import decimal_reader, number_reader
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
        "2026-05-01 24:00",
        "2026-05-01T24:00:00+08:00",
        "20260501T2400",
        "2026年5月1日24时",
        "2026/5/1 9:30",
        "2026/5/1 上午 12:00:00",
        "2026-05-01 11:59:59 PM",
        "2026年5月1日 12时30分",
        "2026年5月1日12:30",
        "2026-05-01+08:00",
        "20260501123000",
        "20260501T123000",
        "2026.05.01 00:00:00.0",
        "2026-04-30 16:00:00 UTC",
        "2026-05-01T09:30:00 +0800",
        "2026-05-01T09:30:00+08:00[Asia/Shanghai]",
        "2026-05-01 9:5:3",
        "20260501 123000",
        "20260501123000123",
        "'2026-05-01",
        '="2026/5/1"',
        "2026—05—01",
        "2026‑05‑01",
        "2026. 5. 1",
        "2026.5.1.",
        "2026\\05\\01",
        "2026/5/1 星期五",
        "2026年5月1号（周五）",
        "二〇二六年五月一日",
        "二○二六年 五月 一日",
        "2026年五月一日上午9时",
        "2026-05-01\u200b",
        "贰零贰陆年伍月壹日",
        "贰〇贰陆年零伍月零壹日",
    ],
)
def test_a_day_with_a_time_is_the_day_it_is_in_china(told: str):
    assert read_date(told) == "2026-05-01"


@pytest.mark.parametrize(
    "told",
    [
        "2026-05-01 24:01",
        "2026-05-01 25:00",
        "2026-05-01 12:60",
        "2026-05-01 12",
        "2026-05-0112:30",
        "2026-05-01 1:00 PM+08:00",
        "2026-05-01T00:00:00+99:00",
        "2026-5-1T",
        "2026-05-01123000",
        "9999-12-31T23:00:00-05:00",
        "2026-05-01-27",
        "2026.05.01-2027.05.01",
        "2026-05-01 09:30:00 CST",
        "二〇二六年五月",
        "2026年十三月一日",
        "46143",
        "1777564800000",
    ],
)
def test_what_is_no_day_is_none(told: str):
    assert read_date(told) is None


@pytest.mark.parametrize(
    "told",
    [
        "长期",
        "长期有效",
        " 永 久 ",
        "永久有效",
        "无固定期限",
        "终身",
        "至长期",
        "長期",
        "（长期）",
        "长期有效。",
        "'长期",
        "有效期：长期",
        "永久性",
        "不限",
        "无限期",
        "Long-term",
        "「永續」",
    ],
)
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
        ("0.2万", "2000"),
        ("二十万", "200000"),
        ("2千元", "2000"),
        ("3百万元", "3000000"),
        ("1万2千元", "12000"),
        ("1万5000元", "15000"),
        ("一亿二千万元", "120000000"),
        ("壹点伍万元", "15000"),
        ("¥2,000.00", "2000"),
        ("人民币2000", "2000"),
        ("RMB 2,000", "2000"),
        ("2000CNY", "2000"),
        ("五千元人民币", "5000"),
        ("伍萬圓整", "50000"),
        ("貳仟元", "2000"),
        ("2000（元）", "2000"),
        ("0.2 万元", "2000"),
        ("人民币（大写）贰仟元整", "2000"),
        ("2,000元（大写：贰仟元整）", "2000"),
        ("贰仟元整（2000.00元）", "2000"),
        ("￥2,000.00元（大写：人民币贰仟元整）", "2000"),
        ("人民币贰仟元整（小写：¥2000.00）", "2000"),
        ('="2000元"', "2000"),
        ("2 000元", "2000"),
    ],
)
def test_an_amount_with_its_unit_is_read_in_the_fields(told: str, yuan: str):
    assert told.startswith("=") or amount_of(told) == Decimal(yuan)
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
        "2,000元（大写：叁仟元整）",
        "一万2元",
        "2千5元",
        "2E3",
        "1.234.567,89",
        "2000元（每人）",
    ],
)
def test_an_amount_that_may_mean_two_things_is_none(told: str):
    assert amount_of(told) is None
    assert decimal_reader(None, 6, "万元")(told) is None
    (refused,) = compiled().validate(penalty(1, CF_NR_FK=told))
    assert (refused.code, "万元" in refused.detail) == ("bad_decimal", True)


def in_words(yuan: int, digits: str, units: str) -> str:
    """A whole number below a hundred million as it is spoken, or written on a cheque."""

    def four(number: int) -> str:
        text, gap = "", False
        for place in (3, 2, 1, 0):
            digit = number // 10**place % 10
            if digit:
                text += ("零" if gap and text else "") + digits[digit] + (units[place - 1] if place else "")
            gap = not digit
        return text

    high, low = divmod(yuan, 10_000)
    return (f"{four(high)}万" if high else "") + ("零" if high and 0 < low < 1000 else "") + four(low)


WAYS = st.sampled_from(["{}", "人民币{}", "{}整", "人民币（大写）{}整", "({})", "{}人民币", "'{}", " {} "])


@given(st.integers(1, 99_999_999), WAYS, st.booleans())
def test_an_amount_in_words_is_the_amount_in_digits(yuan: int, way: str, formal: bool):  # noqa: FBT001 - drawn
    words = in_words(yuan, *(("零壹贰叁肆伍陆柒捌玖", "拾佰仟") if formal else ("零一二三四五六七八九", "十百千")))
    said = way.format(f"{words}元")
    read = decimal_reader(None, 6, "万元")
    want = format(Decimal(yuan) / 10_000, "f")
    assert read(said) in {None if "(" in said else want, want}
    assert (
        read(f"{yuan}元") == read(f"{yuan:,}元") == read(f"¥{yuan:,}.00元") == read(want) == read(f"{want}万") == want
    )
    assert read(f"{yuan:,}元（{words}元整）") == want
    assert read(f"{yuan + 1}元（{words}元整）") is None


@given(st.text("零一二两三百千万亿元角分贰仟整点0123456789.,人民币¥（） ", max_size=12))
def test_no_text_breaks_the_reader_of_amounts(text: str):
    found = amount_of(text)
    assert found is None or found >= 0


def test_an_amount_without_a_unit_is_in_the_fields_unit_and_a_field_without_one_takes_none():
    assert decimal_reader(None, 6, "万元")("0.2") == "0.2"
    assert decimal_reader(None, 6)("2000元") is None


@given(
    st.integers(0, 99_999_999), st.sampled_from(["¥{}", "￥{}.00", "RMB{}", "人民币{}", "CNY {}", "{}人民币", "'¥{}"])
)
def test_a_sign_says_the_currency_and_not_the_scale(amount: int, sign: str):
    """¥20 in a column in 万元 may be 20 or 200,000; nobody writes 10,000,000 as ¥1,000 there."""
    read = decimal_reader(None, 6, "万元")(sign.format(amount))
    assert read == (None if amount < 1000 else format((Decimal(amount) / 10_000).normalize(), "f"))
    assert decimal_reader(None, 6, "元")(sign.format(amount)) == str(amount)


@given(st.dates(date(2099, 12, 31)))
def test_an_end_that_is_no_nearer_than_an_open_one_is_open(day: date):
    assert read_end(day.isoformat()) == read_end(f"{day:%Y%m%d} 235959") == read_end("长期") == "2099-12-31"
    assert read_date(day.isoformat()) == day.isoformat()


HAN = str.maketrans("0123456789", "〇一二三四五六七八九")
FULL_WIDTH = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)})


def spoken(number: int) -> str:
    tens, ones = divmod(number, 10)
    return (
        ("" if tens < 2 else str(tens).translate(HAN))
        + ("十" if tens else "")
        + (str(ones).translate(HAN) if ones else "")
    )


@st.composite
def days(draw: st.DrawFn) -> tuple[str, str]:
    """A day as it is written somewhere, and as it is in China."""
    moment = datetime.combine(draw(st.dates(date(1950, 1, 2), date(2098, 1, 1))), draw(st.times()))
    year, month, day = moment.year, moment.month, moment.day
    mark = draw(st.sampled_from("-/._—‑－\\"))
    forms = [
        f"{year}{mark}{month:02}{mark}{day:02}",
        f"{year}{mark}{month}{mark}{day}",
        f"{year}{month:02}{day:02}",
        f"{year}年{month}月{day}日",
        f"{str(year).translate(HAN)}年{spoken(month)}月{spoken(day)}日",
    ]
    text = draw(st.sampled_from(forms))
    if draw(st.booleans()):
        zone = draw(st.sampled_from(["", "Z", " UTC", "+08:00", " +0800", "-0500", "+00"]))
        ahead = {"": 8, "Z": 0, " UTC": 0, "+08:00": 8, " +0800": 8, "-0500": -5, "+00": 0}[zone]
        text += (
            draw(st.sampled_from([" ", "T"])) + f"{moment:%H:%M:%S}" + draw(st.sampled_from(["", ".0", ".123"])) + zone
        )
        moment += timedelta(hours=8 - ahead)
    if draw(st.booleans()):
        text = text.translate(FULL_WIDTH)
    return draw(st.sampled_from(["{}", "'{}", '="{}"', "\t{} ", "{}\u200b"])).format(text), f"{moment:%Y-%m-%d}"


@given(days())
def test_a_day_however_it_is_written_is_the_day_it_is_in_china(both: tuple[str, str]):
    written, day = both
    assert read_date(written.strip()) == read_end(written.strip()) == day


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
        ("penalty_kind", "罰款;警告", "警告;罚款"),
        ("penalty_kind", "罚款/警告", "警告;罚款"),
        ("penalty_kind", "罚款\n警告", "警告;罚款"),
        ("penalty_kind", "警告并处罚款", "警告;罚款"),
        ("penalty_kind", "罚款和没收违法所得", "罚款;没收违法所得"),
        ("penalty_kind", "罚款﹔警告", "警告;罚款"),
        ("penalty_kind", "罚款;其他（责令改正;限期）", "罚款;其他-责令改正、限期"),
        ("penalty_kind", "罚款、其他（责令改正、限期）", "罚款;其他-责令改正、限期"),
        ("penalty_kind", "罚款。", "罚款"),
        ("penalty_kind", '="罚款"', "罚款"),
        ("penalty_kind", "罚款及罚金", None),
        ("subject_category", "法人及非法人組織", "法人及非法人组织"),
        ("subject_category", "自然人\u200b", "自然人"),
        ("document_kind", "身份證", "身份证"),
        ("licence_state", "1.0", "1"),
        ("debtor_kind", "580.0", "580"),
    ],
)
def test_values_are_read_as_they_are_written(code_set: str, told: str, value: str | None):
    known = code_sets()[code_set]
    read = codes_reader(known) if code_set == "penalty_kind" else code_reader(known)
    assert read(told) == value


LISTED = ("警告", "罚款", "吊销许可证件", "限制从业", "没收非法财物", "暂扣或者吊销许可证、执照")
REMARKS = ("其他-责令改正", "其他（责令改正）", "其它：责令改正", "其他-责令改正、限期整改")


@given(
    st.lists(st.sampled_from(LISTED), min_size=1, unique=True),
    st.sampled_from(REMARKS),
    st.randoms(use_true_random=False),
    st.sampled_from([";", "；", "、", "，", ",", "|", " ", "\n", "并处"]),
)
def test_neither_the_order_of_values_nor_what_joins_them_changes_them(listed, remark, random, mark):
    read = codes_reader(code_sets()["penalty_kind"])
    values = [*listed, remark]
    random.shuffle(values)
    said = read(mark.join(values))
    assert said == read(";".join([*listed, remark]))
    assert said is not None
    assert set(listed) < set(said.split(";"))
    assert read(said) == said


@pytest.mark.parametrize(
    ("told", "value"),
    [
        ("其他-罚款", "罚款"),
        ("其他（罚款）", "罚款"),
        ("其他-限制从业", "限制从业"),
        ("其他-责令改正并处罚款", "罚款;其他-责令改正"),
        ("其他（责令改正、吊销许可证件）", "吊销许可证件;其他-责令改正"),
        ("其他（责令改正）、吊销许可证件（甲）", None),
        ("其他-罚款5000元", None),
        ("其他-责令改正（并处罚款）", None),
        ("其他（责令改正", None),
        ("其他（给予警告）", None),
        ("其他-1、责令改正 2、限期", "其他-1、责令改正 2、限期"),
        ("其他-加处罚款", "其他-加处罚款"),
        ("其他-责令关闭网站", "其他-责令关闭网站"),
    ],
)
def test_a_listed_value_in_what_other_says_is_read_or_refused_and_never_swallowed(told: str, value: str | None):
    assert codes_reader(code_sets()["penalty_kind"])(told) == value


@pytest.mark.parametrize(
    ("field", "told", "nearest"),
    [
        ("CF_CFLB", "行政罚款", "罚款"),
        ("CF_CFLB", "罚款;吊销营业证件", "吊销许可证件"),
        ("CF_XDR_LB", "法人（企业）", "法人及非法人组织"),
        ("CF_XDR_LB", "个体经营户", "个体工商户"),
        ("CF_AJCX", "简易程序（当场处罚）", "简易程序"),
    ],
)
def test_a_refused_value_is_told_the_nearest_of_the_set(field: str, told: str, nearest: str):
    (refused,) = compiled().validate(penalty(1, **{field: told, "CF_NR_ZKDX": "示例证"}))
    assert refused.code == "bad_code"
    assert nearest in refused.detail
    assert nearest in refused.detail_zh


def test_the_nearest_values_are_told_apart_though_they_hold_marks_themselves():
    (refused,) = compiled().validate(penalty(1, CF_CFLB="没收违法所得及非法的财物", CF_NR_ZKDX="示例证"))
    assert "没收违法所得、没收非法财物；" in refused.detail_zh + "；"
    named = refused.detail_zh.partition("最接近的：")[2].rstrip("。").split("；")
    assert set(named) <= {value.value for value in code_sets()["penalty_kind"].values}


@pytest.mark.parametrize("told", ["xyz", "30%", "581234", "——"])
def test_no_value_is_named_where_none_is_near(told: str):
    (refused,) = compiled().validate(penalty(1, CF_CFLB=told, CF_NR_ZKDX="示例证"))
    assert "最接近的" not in refused.detail_zh
    assert refused.detail_zh.endswith("、限制从业。")
    assert "use one of 警告, " in refused.detail


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
    read = compiled()._columns["CF_XDR_MC"].take(written)
    assert read == (name or "")


@pytest.mark.parametrize("guard", ["{}\t", "'{}", "‘{}", "＇{}", '="{}"', '= "{}"', "'{}'", "`{}"])
def test_what_guards_a_number_from_a_spreadsheet_is_no_part_of_it(guard: str):
    number = "91990000MA0000001X"
    assert number_reader(18)(guard.format(number)) == number


DAYS = ("20260501", "2026-05-01", "2026.5.1", "2026年5月1日", "二〇二六年五月一日", "99991231", "00010101", "2026")
GAPS = ("", " ", "T", "  ", "上午", " 下午")
TIMES = ("", "1630", "163000", "163000123", "16:30", "4:30:00.5", "9时", "9点30分", "9999", "24:00", "16", "下午3时")
ZONES = ("", "Z", "UTC", "+08:00", "+0800", " -05", "+99:00", " PM", "AM", " PM+08:00", "[Asia/Shanghai]", "北京时间")
PIECES = (
    *DAYS, *GAPS, *TIMES, *ZONES, "-", ".", ",", "1,000", "1e5", "元", "万", "贰仟", "整", "点", "¥", "%", "其他", "(",
    ")", "（", "警告", "罚款", ";", "、", "X", "x", "×", "*", "1-1", "副本", "注册号：", "No.", "第", "号", "〔2026〕",
    "无",
    "长期", "#REF!", "=", '"', "'", "\u0301", "\u200b", "\ufdfa", "𐑖", "①", "٣", "\x00", "\ud800",
    "9" * 70,
)  # fmt: skip


@pytest.mark.parametrize("read", [read_date, read_end])
def test_no_spelling_of_a_day_and_a_time_is_a_fault(read: Callable[[str], str | None]):
    for spelled in map("".join, product(DAYS, GAPS, TIMES, ZONES)):
        day = read(spelled)
        assert day is None or date.fromisoformat(day).year >= 1900


@pytest.mark.parametrize(
    "spelled", ["20260501T1630Z", "20260501163000Z", "20260501 1630+08:00", "20260501T163000+0800"]
)
def test_the_basic_form_of_a_moment_is_a_day(spelled: str):
    """ISO 8601 without its marks, as databases export it."""
    assert read_date(spelled) == ("2026-05-02" if "Z" in spelled else "2026-05-01")


@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join) | st.text(max_size=30))
def test_whatever_stands_in_a_field_it_is_read_or_told_what_is_wrong(text: str):
    """A row with it is a row or has findings, in every column, on both ways through."""
    item = compiled()
    for code in item.codes:
        for found in (item.validate(penalty(1, **{code: text})), item.validate({code: text})):
            assert isinstance(found, dict | tuple)
            assert isinstance(found, tuple) or all(type(value) is str for value in found.values())
