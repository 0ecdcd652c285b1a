"""Persons' numbers in texts shown in clear: found however they are written, and nothing else is taken for one."""

import re
import sys
from datetime import date, timedelta
from itertools import product
from unicodedata import category, digit, normalize

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from creditmesh.schemas.rules import personal_numbers
from creditmesh.schemas.rules.numbers import resident_check
from creditmesh.schemas.rules.personal_numbers import holds_personal_number, without_personal_numbers

FIRST = "99000019800315001"
NUMBER = FIRST + resident_check(FIRST)
WITH_X = next(f + "X" for f in (f"990000198003150{n:02d}" for n in range(100)) if resident_check(f) == "X")
OLD = "990000800315001"
MOBILE = "13800138000"
CARD = "6222021234567890102"
VISA = "4111111111111111"
MARKS = ("–", "—", "\u2011", "\u2010", "\u2012", "\u2015", "−", "﹣", "－", "ー", "─", " – ")
WRONG = NUMBER[:17] + ("0" if NUMBER[17] != "0" else "1")
HAN = str.maketrans("0123456789", "〇一二三四五六七八九")
FORMAL = str.maketrans("0123456789", "零壹贰叁肆伍陆柒捌玖")
IN_WORDS = str.maketrans("〇○一二三四五六七八九零壹贰叁肆伍陆柒捌玖", "00123456789" + "0123456789")
NEGATIVE = str.maketrans("123456789", "❶❷❸❹❺❻❼❽❾")


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text)


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        WITH_X,
        WITH_X.lower(),
        f"12{NUMBER}",
        f"{NUMBER}01",
        f"0{WITH_X}",
        f"当事人陈某（身份证号：{NUMBER}）",
        wide(NUMBER),
        f"{NUMBER[:6]} {NUMBER[6:14]} {NUMBER[14:]}",
        f"{NUMBER[:6]}-{NUMBER[6:14]}-{NUMBER[14:]}",
        f"{NUMBER[:9]}\u200b{NUMBER[9:]}",
        f"{NUMBER[:6]}、{NUMBER[6:]}",
        f"{NUMBER[:6]}      {NUMBER[6:14]} -- -- {NUMBER[14:]}",
        f"罚{OLD}",
        OLD,
        f"电话{MOBILE}",
        f"{MOBILE[:3]}-{MOBILE[3:7]}-{MOBILE[7:]}",
        f"+86 {MOBILE}",
        f"86{MOBILE}",
        wide(MOBILE),
        f"卡号{CARD}",
        "6222 0212 3456 7890 102",
        f"{CARD} {MOBILE}",
        VISA,
        wide(VISA),
        *(WITH_X[:-1] + x for x in "ХхΧ×ⅩＸ"),
        NUMBER.translate(HAN),
        NUMBER.translate(FORMAL),
        NUMBER.translate(NEGATIVE),
        MOBILE.translate(HAN),
        f"{MOBILE[:3]}.{MOBILE[3:7]}.{MOBILE[7:]}",
        f"({MOBILE[:3]}) {MOBILE[3:7]} {MOBILE[7:]}",
        f"0{MOBILE}",
        *(f"{MOBILE[:3]}{mark}{MOBILE[3:7]}{mark}{MOBILE[7:]}" for mark in MARKS),
        *(f"{MOBILE[:3]}{mark}{MOBILE[3:7]}{mark}{MOBILE[7:]}" for mark in (",", "，", "  ", "　　")),
        *(f"6222{mark}0212{mark}3456{mark}7890{mark}102" for mark in (*MARKS, "  ")),
        *(f"{OLD[:6]}{mark}{OLD[6:12]}{mark}{OLD[12:]}" for mark in (*MARKS, "  ")),
    ],
)
def test_a_persons_number_is_found_and_masked(text: str):
    assert holds_personal_number(text)
    shown = without_personal_numbers(text)
    assert len(shown) == len(text)
    assert not holds_personal_number(shown)
    for number in (NUMBER, WITH_X, OLD, MOBILE, CARD, VISA):
        assert number[-9:] not in shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "示市监罚〔2026〕1号",
        "91990000MA0000001R",
        "911100008021004330",
        "999000199000000017",
        "2026-05-01 10:20:30.5",
        "处以罚款人民币2000元，没收违法所得1,234,567.89元",
        "33010220260101000123",
        "2026010112345678",
        "电话0571-88888888",
        "23800138000",
        "1380013800012",
        "4111111111111112",
        "第25、26、27、28、29、30、31、32、33条",
        "自二〇二六年十一月二十日起至二〇二七年十一月十九日止",
        "处以罚款人民币壹万叁仟捌佰零壹元叁角捌分",
        "罚款150, 2000, 3000元",
        "第130、1234、5678号",
        "13,801,380,001.38",
    ],
)
def test_nothing_else_is_taken_for_one(text: str):
    assert not holds_personal_number(text)
    assert without_personal_numbers(text) == text


@pytest.mark.parametrize("number", [NUMBER, WITH_X, MOBILE, CARD, VISA])
@given(
    data=st.data(),
    mark=st.sampled_from(
        ["\n", "\t", "\r\n", "   ", "     ", "、", ".", "·", "/", "_", ":", "*", "&nbsp;", "<br>", "<br />"]
    )
    | st.sampled_from("\u202d\u202e\u200b\ufe0f\u034f\u180e\u2066\u3164\u115f\u2800\uffa0\U000e0101"),
)
def test_one_kind_of_mark_stands_anywhere_within_a_persons_number(number: str, data: st.DataObject, mark: str):
    places = data.draw(st.sets(st.integers(1, len(number) - 1), min_size=1, max_size=4))
    said = "".join(mark * (place in places) + character for place, character in enumerate(number))
    assert holds_personal_number(said)
    assert not holds_personal_number(without_personal_numbers(f"电话{said}止"))


@pytest.mark.parametrize("mark", ["*", " * ", "-", ".", "、"])
def test_a_mobile_number_in_two_or_three_pieces_is_found_wherever_it_is_cut(mark: str):
    ends = range(1, len(MOBILE))
    for first, second in product(ends, ends):
        said = mark.join(filter(None, (MOBILE[:first], MOBILE[first:second], MOBILE[max(first, second) :])))
        assert holds_personal_number(f"电话{said}"), said
        assert not holds_personal_number(without_personal_numbers(f"电话{said}止"))


@pytest.mark.parametrize("number", [NUMBER, MOBILE, CARD, VISA])
@given(data=st.data())
def test_a_digit_that_was_typed_as_a_letter_is_one(number: str, data: st.DataObject):
    letters = {"0": "Oo", "1": "lI"}
    places = [place for place, digit in enumerate(number) if digit in letters and place]
    place = data.draw(st.sampled_from(places)) if places else 0
    letter = data.draw(st.sampled_from(letters.get(number[place], number[place])))
    assert holds_personal_number(number[:place] + letter + number[place + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        "依据第1、3、5、7、9、11、13、15条",
        "第35、36、37、38、39、40、41、42条",
        "4500.00，2026-05-01 10:20:30",
        "1998-5-1 1:20:30",
        "示罚〔1998〕1234567号",
        "3500.00 4500.00 5500.00",
    ],
)
def test_digits_of_several_numbers_are_not_one_persons(text: str):
    assert not holds_personal_number(text)


def test_what_stands_around_it_is_shown_as_it_is():
    assert without_personal_numbers(f"甲（{NUMBER}）乙{MOBILE}丙") == f"甲（{'*' * 18}）乙{'*' * 11}丙"


@pytest.mark.parametrize("text", [WRONG, f"陈某（{WRONG}）", "-".join(WRONG), ".".join((OLD[:6], OLD[6:]))])
def test_a_wrong_check_digit_is_a_persons_where_it_is_asked_strictly(text: str):
    assert not holds_personal_number(text)
    assert holds_personal_number(text, strict=True)


def test_a_wrong_check_digit_within_a_longer_row_of_digits_is_nobodys():
    assert not holds_personal_number(f"12{WRONG}", strict=True)


@given(
    before=st.text("甲 （,0123456789-", max_size=8), after=st.text("乙） ,0123456789-", max_size=8),
    gaps=st.lists(st.sampled_from(["", "", "", " ", "-", "\u200b", "　", "·"]), min_size=18, max_size=18),
    full=st.booleans(),
)  # fmt: skip
def test_whatever_stands_around_or_between_a_resident_number_is_found(
    before: str, after: str, gaps: list[str], *, full: bool
):
    written = "".join(f"{character}{gap}" for character, gap in zip(NUMBER, gaps, strict=True)).rstrip(" -·　\u200b")
    text = before + (wide(written) if full else written) + after
    assert holds_personal_number(text)
    assert not holds_personal_number(without_personal_numbers(text))


def is_digit(character: str) -> bool:
    plain = normalize("NFKC", character).translate(IN_WORDS)
    return len(plain) == 1 and digit(plain, None) is not None


def test_whatever_reads_as_a_digit_is_one_of_a_number():
    digits = [character for character in map(chr, range(sys.maxunicode + 1)) if is_digit(character)]
    assert len(digits) > 700
    assert not [character for character in digits if not holds_personal_number(MOBILE[:10] + character)]


def test_whatever_is_no_letter_may_stand_within_a_number():
    marks = (
        c for c in map(chr, range(sys.maxunicode + 1)) if category(c) not in {"Cn", "Co", "Cs"} and not is_digit(c)
    )
    marks = (c for c in marks if len(normalize("NFKC", c)) == 1 and not normalize("NFKC", c).isalnum())
    missed = {mark for mark in marks if not holds_personal_number(NUMBER[:6] + mark + NUMBER[6:])}
    assert missed == set("×✕✖╳⨯")  # what an X may be


PIECES = (
    *(NUMBER, WITH_X, OLD, MOBILE, CARD, VISA, NUMBER[:9], NUMBER[9:], MOBILE[:7], MOBILE[7:], "86", "0", "2026〕"),
    *(
        "1",
        "7",
        "12",
        "X",
        wide("138"),
        "一三八",
        "❶",
        "②",
        " ",
        "-",
        "·",
        "(",
        ")",
        "+",
        "ー",
        "\u200b" * 12,
        "、" * 9,
    ),
    *("号", "年", "a", "&nbsp;", "<br>", "O", "l", "\u3164"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_a_text_that_is_not_looked_through_holds_nothing(text: str):
    def found() -> tuple[str, bool]:
        personal_numbers._remembered.cache_clear()
        return without_personal_numbers(text), holds_personal_number(text, strict=True)

    quick = found()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_ENOUGH", "_ROW"):
            patch.setattr(personal_numbers, name, re.compile("(?s).+"))
        patch.setattr(personal_numbers, "_LONG", 0)
        assert quick == found()


BATCHES = st.lists(st.dates(date(2021, 1, 1), date(2023, 12, 31)), min_size=2, max_size=8)


@given(BATCHES, st.sampled_from(["、", "，", "；", "/", " ", "\n", ", "]))
def test_a_list_of_days_is_nobodys_number(days: list[date], between: str):
    """21, 22 and 23 are provinces, and one list in five had eighteen digits with a right check digit."""
    text = f"当事人销售的产品生产批号分别为{between.join(f'{day:%Y%m%d}' for day in days)}，均不合格。"
    assert not holds_personal_number(text)
    assert without_personal_numbers(text) == text


def test_the_days_of_every_start_of_a_year_are_nobodys_number():
    for first in range(300):
        days = [date(2023, 1, 1) + timedelta(first + step) for step in (0, 8, 16, 12)]
        assert not holds_personal_number("、".join(f"{day:%Y%m%d}" for day in days))


@given(st.lists(st.integers(100, 9999), min_size=3, max_size=3), st.sampled_from(["*", " * ", "×", "x"]))
def test_a_size_is_nobodys_number(sides: list[int], mark: str):
    digits = "".join(map(str, sides))
    assume(not (len(digits) == len(MOBILE) and digits[0] == "1" and digits[1] in "3456789"))
    assert not holds_personal_number(f"尺寸{mark.join(map(str, sides))}毫米")


@given(st.lists(st.integers(1_000_000, 8_999_999), min_size=1, max_size=3), st.sampled_from(["0991", "0371", "0596"]))
@example([1852968, 2612135], "0991")
def test_a_fixed_line_is_nobodys_number(lines: list[int], area: str):
    assert not holds_personal_number("电话" + "、".join(f"{area}-{line}" for line in lines))


@given(BATCHES, st.sampled_from(["、", " ", "-"]))
def test_a_number_among_days_is_found(days: list[date], between: str):
    text = "、".join(f"{day:%Y%m%d}" for day in days)
    assert holds_personal_number(f"{text}；{between.join((NUMBER[:6], NUMBER[6:14], NUMBER[14:]))}；{text}")
