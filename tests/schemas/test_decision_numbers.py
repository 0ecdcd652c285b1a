"""What two clerks read as the same number of a decision is one text, and a filler is none."""

import json
import re
from datetime import date
from functools import cache
from itertools import permutations
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from creditmesh.schemas.catalogue import CodeSet
from creditmesh.schemas.catalogue.code_set import DECISION_FILLERS, NUMBER_FILLERS
from creditmesh.schemas.rules import characters
from creditmesh.schemas.rules.characters import BLANKS, HIDING, ROUND
from creditmesh.schemas.rules.decision_numbers import (
    _PLAIN,
    FORMER,
    fault_of,
    is_number,
    may_be_a_day,
    one_text,
    read_number,
    tells_nothing,
)
from creditmesh.schemas.rules.numbers import computed_in, significant

DATA = Path(__file__).parents[2] / "services/catalogue/src/creditmesh/catalogue/data/code_sets"
PAIRS = (
    "〔〕", "[]", "()", "（）", "【】", "［］", "﹝﹞", "〖〗", "〈〉", "{}", "<>", "「」", "｛｝", "＜＞", "『』",
    "《》", "〘〙", "〚〛", "﹙﹚", "﹛﹜", "⦅⦆", "｟｠", "‹›", "«»",
    "⟨⟩", "❲❳", "︹︺", "﹇﹈", "〔]", "［）", "〔〔〕〕",
)  # fmt: skip
UNSEEN = " \t\n\r\u3000\xa0\u200b\u200c\u200d\u2060\ufeff\xad\u2003\u202c\ufe0f\u180e\u3164"
NUMERALS = "0123456789０１２３４５６７８９〇一二三四五六七八九"
DASHES = "-－—–‐‑‒―−﹣－ー─"
WIDE = {i: i + 0xFEE0 for i in range(0x30, 0x3A)} | {i: i + 0xFEE0 for i in range(0x41, 0x5B)}
HAN = str.maketrans("0123456789", "〇一二三四五六七八九")


@cache
def fillers() -> frozenset[str]:
    sets = (
        CodeSet.model_validate(yaml.safe_load((DATA / f"{name}.yaml").read_text("utf-8")))
        for name in (NUMBER_FILLERS, DECISION_FILLERS)
    )
    return frozenset(significant(word) for each in sets for word in each.spellings)


numbers = st.tuples(
    st.sampled_from(["示市监处罚", "示测市监罚", "示交许准字", "三亚执罚", "示公(朝)行罚决字", "示市监处罚A"]),
    st.integers(1950, 2049),
    st.integers(1, 99_999),
    st.sampled_from(["", "-1", "-12"]),
)


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """A number as GB/T 9704 has it, and as somebody else typed it."""
    stem, year, running, part = draw(numbers)
    plain = f"{stem}〔{year}〕{running}{part}号"
    pair = draw(st.sampled_from(PAIRS))
    half = len(pair) // 2
    said = str(year).translate(HAN) if draw(st.booleans()) else str(year)
    order = draw(st.sampled_from(["", "第"]))
    digits = str(running).zfill(draw(st.integers(0, 6)))
    if not part and draw(st.booleans()):
        digits = str(running).translate(HAN)
    end = draw(st.sampled_from(["号", "號"] if part else ["号", "號", ""])) if digits.isascii() else "号"
    typed = f"{stem}{pair[:half]}{said}{draw(st.sampled_from(['', '年']))}{pair[half:]}{order}{digits}{part}{end}"
    typed = typed.replace("-", draw(st.sampled_from(DASHES)))
    if draw(st.booleans()):
        typed = typed.translate(WIDE)
    if draw(st.booleans()):
        typed = typed.lower()
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(typed)))
        ends = typed[:place].rstrip(UNSEEN)[-1:], typed[place:].lstrip(UNSEEN)[:1]
        between = all(end and end in NUMERALS for end in ends)
        unseen = [each for each in UNSEEN if not (between and each.isspace())]
        typed = typed[:place] + draw(st.sampled_from(unseen)) + typed[place:]
    around = draw(st.sampled_from([("", ""), ("《", "》"), ("'", ""), ('="', '"'), ("", "。"), ("", "；"), ("“", "”")]))
    return plain, around[0] + typed + around[1]


@given(spellings())
def test_two_spellings_of_one_number_are_one(both: tuple[str, str]):
    plain, typed = both
    assert one_text(typed) == one_text(plain)
    assert is_number(typed, fillers())


def as_text(number: tuple[str, int, int, str]) -> str:
    stem, year, running, part = number
    return f"{stem}〔{year}〕{running}{part}号"


@given(numbers, numbers, st.integers(0, 9))
def test_two_numbers_are_two(one: tuple[str, int, int, str], other: tuple[str, int, int, str], digit: int):
    stem, year, running, part = one
    others = [
        other,
        (stem, year + 1, running, part),
        (stem, year, running * 10 + digit, part),
        (stem, year, running + 10**digit, part),
        (stem, year, int(f"{digit or 1}{running}"), part),
        (stem, year, running, f"{part}-{digit}"),
        (f"{stem}字", year, running, part),
    ]
    assert all((one_text(as_text(one)) == one_text(as_text(each))) == (one == each) for each in others)


@given(st.text(max_size=40))
@example("[:()()[]〈〉]")
def test_the_one_text_of_a_number_is_its_own(text: str):
    assert one_text(one_text(text)) == one_text(text)


@given(spellings())
def test_a_plain_number_keeps_its_text_so_that_what_is_stored_is_found(both: tuple[str, str]):
    """The keys of records from before are made of this."""
    plain, _ = both
    assert one_text(plain) == plain.translate(str.maketrans("〔〕", "()"))


@pytest.mark.parametrize("number", ["示市监处罚{}2026{}12号", "示號罚{}2026{}12号"])
@pytest.mark.parametrize("pair", ["〔〕", "[]", "()", "（）", "【】"])
def test_a_number_in_its_usual_form_is_one_in_every_bracket(number: str, pair: str):
    assert one_text(number.format(*pair)) == number.replace("號", "号").format("(", ")")


@given(st.from_regex(_PLAIN, fullmatch=True), st.sampled_from(["\u200b", "\ufeff"]))
def test_the_short_way_of_a_usual_number_leads_where_the_long_way_does(number: str, unseen: str):
    assert one_text(number) == one_text(number + unseen)
    assert fault_of(number, fillers(), decision=True) == fault_of(number + unseen, fillers(), decision=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("示罚〔2O26〕l2号", "示罚〔2026〕12号"),
        ("示罚〔2026〕第一百零二号", "示罚〔2026〕102号"),
        ("示罚〔2026〕十二号", "示罚〔2026〕12号"),
        ("示罚〔2026〕壹佰零贰号", "示罚〔2026〕102号"),
        ("⻓⻛罚⌈2026⌉12号", "长风罚〔2026〕12号"),
        ("⽰罚〔2026〕12号", "示罚〔2026〕12号"),
        ("示罚АВ〔2026〕12号", "示罚AB〔2026〕12号"),
        ("（2026）示01执0123号", "(2026)示01执123号"),
        ("2025年度", "2025"),
        ("示罚字第12号", "示罚字12号"),
        ("示罚 2026 第 12 号", "示罚2026第12号"),
        ("示罚 2026 12号", "示罚2026　\u200b \t012号"),
        ("示罚abl〔2026〕12号", "示罚ABL〔2026〕12号"),
    ],
)
def test_what_reads_the_same_is_the_same(one: str, other: str):
    assert one_text(one) == one_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("示罚〔2026〕12号", "示罚〔2025〕12号"),
        ("示罚〔2026〕12号", "示罚〔2026〕121号"),
        ("示罚〔2026〕12号", "示罚字〔2026〕12号"),
        ("示罚〔2026〕1-2号", "示罚〔2026〕12号"),
        ("示罚〔2026〕10号", "示罚〔2026〕1号"),
        ("JY0012", "JY12"),
        ("示罚〔2026〕L1号", "示罚〔2026〕11号"),
        ("0012", "12"),
        ("示罚 2026 1 12号", "示罚 2026 11 2号"),
        ("示罚２０２６　１　１２号", "示罚２０２６　１１　２号"),
        ("示罚 2026 1\u200b\n12号", "示罚 2026 11\n2号"),
        ("示罚〔2026〕一 十二号", "示罚〔2026〕一十 二号"),
    ],
)
def test_what_reads_differently_is_not(one: str, other: str):
    assert one_text(one) != one_text(other)


@pytest.mark.parametrize(
    "typed",
    [
        "№{n}", "No.{n}", "-{n}号", "第{n}号（行政处罚决定书）", "{n}号（副本）", "{n}号（1-1）", "{n}号行政处罚决定书",
    ],
)  # fmt: skip
@given(number=st.integers(1, 99_999))
def test_marks_before_the_running_number_and_behind_it_are_no_part_of_it(typed: str, number: int):
    assert one_text("示罚〔2026〕" + typed.format(n=number)) == one_text(f"示罚〔2026〕{number}号")


@pytest.mark.parametrize(
    "label", ["文号：{}", "决定书文号: {}", "文书号{}", "No.{}", "编号：{}", "《行政处罚决定书》（{}）"]
)
@given(numbers)
def test_a_label_is_no_part_of_a_number(label: str, number: tuple[str, int, int, str]):
    assert one_text(label.format(as_text(number))) == one_text(as_text(number))


@given(numbers, st.sampled_from(["〔〕", "（）", "[]"]), st.booleans())
def test_of_the_years_brackets_one_may_be_missing(number: tuple[str, int, int, str], pair: str, first: bool):  # noqa: FBT001 - drawn
    stem, year, running, _ = number
    typed = f"{stem}{year}{pair[1]}{running}号" if first else f"{stem}{pair[0]}{year}{running}号"
    assert "(" in stem or one_text(typed) == one_text(f"{stem}〔{year}〕{running}号")


@given(numbers, st.sampled_from([" ", "　", "  "]))
def test_numerals_that_are_all_spaced_are_one_number(number: tuple[str, int, int, str], blank: str):
    stem, year, running, _ = number
    typed = f"{stem}〔{blank.join(str(year))}〕{blank.join(str(running))}{blank}号"
    assert one_text(typed) == one_text(f"{stem}〔{year}〕{running}号")
    stored = read_number(typed)
    assert stored is not None
    assert one_text(stored) == one_text(typed)


def test_a_blank_that_tells_two_numbers_apart_is_stored():
    one, other = (read_number(text) or "" for text in ("示罚 2026 1 12号", "示罚 2026 11 2号"))
    assert one_text(one) != one_text(other)


days = st.dates(date(2000, 1, 1), date(2049, 12, 31))
COUNTED = ("第{n}页", "{n}份", "共{n}页", "附表{n}", "附件{n}", "无{n}", "序号{n}", "第{n}项", "{n}张", "见附件{n}")


@given(days, st.integers(1, 99))
def test_a_day_a_year_a_page_or_how_many_is_no_number(day: date, count: int):
    written = f"{day:%Y-%m-%d}", f"{day:%Y/%m/%d}", f"{day.year}年{day.month}月{day.day}日", f"{day:%Y年%m月}"
    years = f"{day.year}", f"{day.year}年", f"{day.year}年度", f"〔{day.year}〕", str(day.year).translate(HAN) + "年"
    for text in (
        *written,
        *years,
        f"{day.month}月{day.day}日",
        f"{day.month}月",
        *(each.format(n=count) for each in COUNTED),
    ):
        assert fault_of(text, fillers(), decision=True) == "decision_filler", text
    assert all(fault_of(year, fillers(), decision=True, yearly=True) is None for year in years[:3])


@given(days)
def test_what_may_be_a_day_or_a_number_is_asked_about_and_not_refused(day: date):
    since = str((day - date(1899, 12, 30)).days)
    name = f"{day:%b}"
    texts = {
        since,
        *(
            f"{day:{form}}"
            for form in ("%Y%m%d", "%Y%m", "%y-%m-%d", "%d/%m/%Y", "%m/%d/%y", f"%d-{name}", f"{name}-%d")
        ),
        *(f"{one}{mark}{other}" for mark in "-./" for one, other in permutations((f"{day:%m}", f"{day:%d}"))),
        *(f"{day.year}{mark}{month}" for mark in "-./" for month in (f"{day:%m}", day.month)),
        *(f"{day.month}{mark}{day.day}" for mark in ("-", ".", "/", "月")),
        f"{day:%Y%m%d}号",
        "1.0",
        "12.00",
    }
    for text in texts:
        assert may_be_a_day(text), text
        if significant(text.removesuffix("号")) not in fillers():  # 12/3 is 123
            assert fault_of(text, fillers(), decision=True) in {None, "number_computed"}, text


@given(numbers)
@example(("示罚", 2026, 12, "")).via("the first twelve of a year")
@example(("示罚", 2026, 45_012, "")).via("a day as a spreadsheet counts them")
def test_the_number_of_a_decision_is_no_day(number: tuple[str, int, int, str]):
    _, year, running, part = number
    for text in (
        as_text(number),
        f"第{running}号",
        *(f"{year}{between}{running}号" for between in ("年", "年第", "年度第")),
        f"第{year}-{running}号",
        f"{year}-{running}号",
        f"MARA{year}-{running}",
        f"示罚{year}{running}号",
        f"{year}-{running:04}{part}",
        f"{year}0{running:05}",
    ):
        assert not may_be_a_day(text), text


@pytest.mark.parametrize(
    "text", ["第2026-05-11", "2026年第5", "2026年5-11号", "2026年05/11号", "第20260511号", "2026年第5-11号"]
)
def test_no_spelling_of_a_day_goes_round_the_person_who_looks_at_it(text: str):
    assert may_be_a_day(text) or fault_of(text, fillers(), decision=True) == "decision_filler"


@given(st.text("0123456789〇一二三五十第年月日號号-/. （）〔〕５", max_size=12))
@example("2026-05-11")
@example("2026年5")
@example("45012号")
@example("20260511号")
@example("111111")
@example("附件1")
def test_of_what_is_compared_as_one_number_no_spelling_is_taken_where_another_is_not(text: str):
    number = one_text(text)
    for spelling in (text, f"第{number}", f"第 {number}", f"({number})", f" {number}", number.replace("号", "號")):
        if one_text(spelling) == number:
            assert may_be_a_day(spelling) == may_be_a_day(number), spelling
            if fault_of(number, fillers(), decision=True) is not None:
                assert fault_of(spelling, fillers(), decision=True) is not None, spelling


def test_the_guide_says_which_numbers_are_held_and_which_are_taken():
    guide = Path(__file__).parents[2].joinpath("docs/guide/submitting.md").read_text("utf-8")
    for says, held in (("What may be a day or a number", True), ("What says that it is a number", False)):
        [listed] = re.findall(rf"{says} \(([^)]+)\)", guide)
        examples = re.findall("`([^`]+)`", listed)
        assert len(examples) > 5
        assert {text: may_be_a_day(text) for text in examples} == dict.fromkeys(examples, held)


@pytest.mark.parametrize("name", ["Mar", "March", "JUNE", "jul", "Sept", "September", "Dec"])
def test_a_months_name_is_its_own_and_no_word_that_begins_like_it(name: str):
    assert all(may_be_a_day(text) for text in (f"11-{name}", f"{name} 2026", f"{name}-26"))
    assert not any(may_be_a_day(f"{name}{rest}-5") for rest in ("A", "ket", "isions"))


KEYS = Path(__file__).with_name("decision_keys.ndjson")


def test_what_a_version_compared_by_is_called_as_it_was():
    """A spelling, and its text by each version, the oldest first. A change of `one_text` moves keys that are stored.

    So the one of before goes into `FORMER`, and every line of the file gets a further text: none is ever changed.
    """
    for line in KEYS.read_text("utf-8").splitlines():
        spelling, *texts = json.loads(line)
        assert [read(spelling) for read in (*reversed(FORMER), one_text)] == texts


def test_a_nought_keeps_two_numbers_from_being_one_that_is_spaced():
    assert len({one_text(f"示罚〔2026〕{typed}号") for typed in ("01 1", "1 01", "011")}) == 3


BETWEEN = ("第", "№", "No.", " ", "-", "第 ", " 第", "号第", "、")


@given(
    st.sampled_from(["示罚", "示罚〔2026〕", "示罚(2026)", "示罚2026年", ""]),
    st.text("0123456789", min_size=3, max_size=9),
    st.data(),
    st.sampled_from(BETWEEN),
)
@example("示罚", "2026112", None, "第").via("two decisions that took each other's place")
@example("示罚", "120115", None, "第").via("four digits that are no year")
@example("示罚", "2026112", None, "No.").via("a label behind a year")
@example("示罚〔2026〕", "011", None, " ").via("noughts that stood before a blank")
def test_what_stands_between_two_numbers_keeps_them_apart(
    stem: str, digits: str, data: st.DataObject | None, between: str
):
    """Wherever it stands: the second decision takes the place of the first otherwise."""
    cuts = (
        [*range(1, len(digits))] if data is None else data.draw(st.lists(st.integers(1, len(digits) - 1), min_size=2))
    )
    typed = [f"{stem}{digits[:cut]}{between}{digits[cut:]}号" for cut in dict.fromkeys(cuts) if digits[cut] != "0"]
    typed.append(f"{stem}{digits}号")
    assert len({one_text(each) for each in typed}) == len(typed)


@pytest.mark.parametrize(
    "number", ["202600012", "2026-012", "12号", "编号12", "文号：7", "No.12", "第12号", "JY20260501"]
)
def test_a_number_without_more_is_one(number: str):
    assert is_number(number, fillers())


words = st.sampled_from(sorted({*fillers(), "当场处罚", "详见附件", "无", "NULL"}))
marks = st.text(alphabet="/\\-－—–－_.。·*×#?？、，,;；:：~～|()（）〔〕[]【】 \u3000\u200b", min_size=1, max_size=8)
unfilled = st.builds(
    lambda stem, pair, rest: f"{stem}{pair[0]}2026{pair[1]}{rest}",
    st.sampled_from(["示罚", "", "示市监处罚"]),
    st.sampled_from(["〔〕", "[]", "（）"]),
    st.sampled_from(["号", "第号", "XX号", "××号", "0号", "000号", "__号", "*号", "12**号", "第 号", "", "  号"]),
)


@given(st.one_of(words, marks, unfilled), st.sampled_from(["", " ", "　", "\u200b", "（", "。"]), st.booleans())
def test_a_filler_is_no_number(text: str, more: str, wide: bool):  # noqa: FBT001 - drawn
    typed = more + (text.translate(WIDE) if wide else text) + more
    assert not is_number(typed, fillers())


def test_every_word_of_the_catalogue_is_a_filler():
    assert [word for word in fillers() if not tells_nothing(word, fillers()) or is_number(word, fillers())] == []


empty = st.sampled_from(["证", "XX", "缺号", "详见附件1", "见附表二", "000", "99999999", "JY1990○○○○", "№"])


@given(words | marks | empty, st.booleans())
def test_a_filler_tells_nothing_apart_in_any_field_that_identifies(text: str, wide: bool):  # noqa: FBT001 - drawn
    assert tells_nothing(text.translate(WIDE) if wide else text, fillers())
    assert not is_number(text, fillers())


@pytest.mark.parametrize("number", ["甲字", "JY19900001234567", "第一", "1", "A-2", "粤B12345"])
def test_a_certificate_tells_apart_by_whatever_counts(number: str):
    assert not tells_nothing(number, fillers())


HIDES = [mark for mark in HIDING if mark not in BLANKS and mark not in ROUND]
"""What prints nothing hides nothing, and a circle is a nought."""
NEEDS_MANY = f"ХХ…{characters.DASHES}"


@given(numbers, st.sampled_from(HIDES) | st.sampled_from("××✕ХХ…"), st.integers(1, 4))
def test_hidden_characters_are_no_number_in_whatever_mark(number: tuple[str, int, int, str], mark: str, many: int):
    stem, year, running, _ = number
    hidden = f"{stem}〔{year}〕{running}{mark * (4 if mark in NEEDS_MANY else many)}号"
    assert not is_number(hidden, fillers())


@pytest.mark.parametrize("many", [1, 2, 4])
def test_every_mark_hides(many: int):
    hidden = {mark: f"示市监处罚〔2026〕1{mark * (4 if mark in NEEDS_MANY else many)}号" for mark in HIDES}
    assert [mark for mark, text in hidden.items() if is_number(text, fillers())] == []


@st.composite
def floating(draw: st.DrawFn) -> str:
    """A long number as a spreadsheet or a table tool writes it, here or in another country."""
    point, power = draw(st.sampled_from(".,．，٫")), draw(st.integers(7, 17))
    digits = draw(st.text("0123456789", min_size=1, max_size=14))
    sign, letter = draw(st.sampled_from(["+", "+0", "＋"])), draw(st.sampled_from("EeＥD"))
    return draw(
        st.sampled_from(
            [
                f"{draw(st.integers(1, 9))}{point}{digits}{letter}{sign}{power}",
                f"{draw(st.integers(1, 9))}{point}{digits}{letter}{power}",
                f"{draw(st.integers(1, 9))}{point}{digits}×10^{power}",
                f"{draw(st.integers(1, 9))}{letter}{sign}{power}",
                f"{draw(st.integers(10_000, 10**15))}{point}0",
            ]
        )
    )


@given(floating(), st.sampled_from(["{}", "'{}", '="{}"', " {}\t", "{} "]))
def test_what_a_spreadsheet_made_of_a_number_tells_no_record_apart(number: str, guard: str):
    assert computed_in(guard.format(number))


@given(floating().filter(lambda text: "+" in text or "＋" in text))
def test_nor_does_it_within_a_number(number: str):
    assert computed_in(f"示罚〔2026〕{number}号")


@given(numbers)
def test_a_number_is_not_taken_for_what_a_spreadsheet_made(number: tuple[str, int, int, str]):
    stem, year, running, part = number
    for text in (f"{stem}〔{year}〕{running}{part}号", f"JY{year}{running}", f"{year}.{running}", f"E{year}-{running}"):
        assert not computed_in(text)


@pytest.mark.parametrize("number", ["京3E-12号", "川3·1023号", "示罚〔2026〕第1X1001号", "京3D-12号"])
def test_a_number_that_looks_computed_in_part_is_one(number: str):
    assert not computed_in(number)
