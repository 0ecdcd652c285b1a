"""Numbers of decisions (文书号): what two officers would read as the same number is one text, and a filler is none."""

import re
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from creditmesh.schemas.rules.characters import (
    ALIKE,
    AS_BRACKETS,
    HIDING,
    IN_DIGITS,
    NUMERALS,
    ROUND,
    SPOKEN,
    TENS,
    TIMES,
    is_balanced,
)
from creditmesh.schemas.rules.dates import read_date
from creditmesh.schemas.rules.day_like import reads_as_day
from creditmesh.schemas.rules.fillers import says_nothing
from creditmesh.schemas.rules.names import simplified
from creditmesh.schemas.rules.numbers import (
    DECISIONS_LABEL,
    FORMER_LABEL,
    alone,
    computed_in,
    half_width,
    is_longer,
    significant,
    with_ones,
)
from creditmesh.schemas.rules.values import GUARDS, remembered, unguarded

LONGEST = 256
"""Characters of the longest number of a decision, certificate or file: a longer text is compared as it stands."""

_OPENING, _CLOSING = "([（〔【", ")]）〕】"
_MARKS = AS_BRACKETS | {ord("號"): "号"}
_DIGITS = IN_DIGITS | str.maketrans("OI", "01")
_NUMERAL = "".join((*NUMERALS, *TENS)).replace("两", "").replace("兩", "") + "0-9"
_IN_WORDS = _NUMERAL.removesuffix("0-9")
_A_NUMERAL = re.compile(rf"[{_NUMERAL}]")
_UNTIDY = re.compile("[\\s\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")
_FULL_WIDTH = {i: i - 0xFEE0 for first, last in ("０９", "ＡＺ", "ａｚ") for i in range(ord(first), ord(last) + 1)}

_PLAIN = re.compile(
    rf"((?![\u4e00-\u9fff]{{0,12}}?文书?号|编号|案号)[\u4e00-\u9fff]+)[{re.escape(_OPENING)}]([12]\d{{3}})"
    rf"[{re.escape(_CLOSING)}]0{{0,16}}([1-9]\d*号)",
    re.ASCII,
)
"""The usual form; what its groups leave out is leading noughts."""
_ENDS = re.compile(r"^[^\w()]+|(?<![^\w()])[^\w()]+$")
_DASHES = re.compile(r"-{2,}")
_ALONE = re.compile(rf"(?<![{_NUMERAL}])(?<![{_NUMERAL}] )[{_NUMERAL}](?: [{_NUMERAL}])+(?! ?[{_NUMERAL}])")
"""Numerals that are all spaced: 1 2 is 12, where 1 12 may be anything."""
_SPACED_YEAR = re.compile(rf"\([OI{_NUMERAL} ]{{5,10}}年?度?\)")
_YEAR = re.compile(rf"(?<!\()\(++([OI{_NUMERAL}]{{4}})年?度?\)+")
_LACKS_FIRST = re.compile(r"(?<![(\d])((?:19|20)\d\d)\)(?=\d)", re.ASCII)
_LACKS_LAST = re.compile(r"\(((?:19|20)\d\d)(?=\d{1,6}号$)", re.ASCII)
"""示罚2026〕7号: of a year's brackets one was left out."""
_WORDED = re.compile(rf"(?<![{_IN_WORDS}])[{_IN_WORDS}]++(?=号$)")
_IN_WORDS_ANYWHERE = re.compile(rf"[{_IN_WORDS}]+")
_ORDER = re.compile(r"(?<!\d)第++(?=\d)|(?<=\))(?:NO[.:]?|第|[-.:·])+(?=\d)", re.ASCII)
"""What stands before a running number. Behind another number it stays: 1第12 is neither 11第2 nor 112."""
_FORMER_ORDER = re.compile(
    r"(?<=(?<!\d)[12]\d{3})第(?=\d)|(?<!\d)第(?=\d)|(?<=\))(?:NO[.:]?|第|[-.:·])+(?=\d)", re.ASCII
)
_MOST_ROUNDS = 16
"""No number that a person wrote takes more than three to come to rest."""
_RUNNING = re.compile(r"(?<=\))(?=[OI]*\d)[\dOI]++号?$", re.ASCII)
_HIDDEN = re.compile(
    rf"[{re.escape(HIDING.translate(dict.fromkeys(map(ord, ROUND))))}{TIMES}]|X{{3,}}|[_.·・‧•]{{2,}}|-{{3,}}"
    rf"|[0-9A-Z][{ROUND}]{{2,}}|(?<![{ROUND}])[{ROUND}]{{2,}}+[0-9A-Z]"
)
_COUNTING = frozenset("〇零一二三四五六七八九十百千甲乙丙丁戊己庚辛壬癸")
_SAME = 6
"""So many of one digit are nobody's number."""
_ZEROS = re.compile(r"(?<!\d)0+(?=[1-9]\d*号$)|(?<=\([12]\d{3}\))0+(?=[1-9])", re.ASCII)
_YEARS = re.compile(r"\([12]\d{3}\)|[12]\d{3}年", re.ASCII)
_YEAR_ALONE = re.compile(r"\(?([12]\d{3})\)?年?度?", re.ASCII)
"""Where one is decided on once a year, as of a rating, the year is its number."""
_COUNTED = re.compile(rf"[第共]?[{_NUMERAL}]+[页份张件项行栏本个]")
_ITS_PLACE = re.compile(rf"(?<=[件表页])[{_NUMERAL}]+|(?<=[^{_NUMERAL}])[{_NUMERAL}]{{1,3}}$")
"""附件1, 无1: which of several such words it is."""
_PLACES = frozenset({"附表", "附图", "附录", "表", "图", "页", "附页", "序号", "行", "栏"})
_NUMBERED = frozenset({"号", "NO"})
"""What a number follows, though alone it is a filler."""
_SAYS_NUMBER = re.compile(r".*年[^月\d]*\d+号|(?:19|20)\d\d\W*\d{1,2}号|\d{5}号", re.ASCII)
"""2026年5号, 2026-5号, 202605号: 号 is said of a day and of a number, and of no month nor of days that are counted."""
_MONTH = re.compile(r"(?:[12]\d{3}年)?\d{1,2}月(?:份|\d{1,2}[日号])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Reading:
    """How a number is compared, as one version does."""

    label: re.Pattern[str]
    order: re.Pattern[str]

    def one_text(self, number: str) -> str:
        if plain := _PLAIN.fullmatch(number):
            return f"{simplified(plain[1])}({plain[2]}){plain[3]}"
        if is_longer(number, LONGEST):
            return number
        for _ in range(_MOST_ROUNDS):
            if (once := self._read_once(number)) == number:
                break
            number = once
        return number

    def _read_once(self, number: str) -> str:
        plain = (
            simplified(_apart(filter(None, map(half_width, with_ones(number).split()))))
            .translate(ALIKE)
            .translate(_MARKS)
        )
        text = _SPACED_YEAR.sub(_joined, alone(_DASHES.sub("-", plain), self.label))
        text = _whole_pairs(_YEAR.sub(_year, _ENDS.sub("", text)))
        while text[:1] == "(" and text[-1:] == ")" and is_balanced(text[1:-1]) and not _YEARS.fullmatch(text):
            text = _ENDS.sub("", text[1:-1])
        if year := _YEAR_ALONE.fullmatch(text):
            return year[1]
        text = self.order.sub("", _WORDED.sub(_worded, text))
        return _without_zeros(_RUNNING.sub(_running, text))


one_text = remembered(_Reading(DECISIONS_LABEL, _ORDER).one_text, most=8192)
"""A number as it is compared: two that a person reads as the same have the same text.

Brackets, dashes, width, case, white space but between two numerals, characters that print nothing or look alike make
no difference, nor does how the field writes the year and the running number: 〔二〇二六〕第012号, [2026]12 and
(2026)12号 are one. A number as GB/T 9704 has it (示罚〔2026〕12号) keeps its text but for the brackets.
"""
FORMER: tuple[Callable[[str], str], ...] = (remembered(_Reading(FORMER_LABEL, _FORMER_ORDER).one_text, most=8192),)
"""The same as earlier versions had it, the newest first: keys of records are MACs of it, and are not made anew."""


def is_odd(number: str) -> bool:
    """Whether it is written otherwise than GB/T 9704 has it, as nearly all are: what is, is one and always was."""
    return _PLAIN.fullmatch(number) is None


def fault_of(text: str, fillers: AbstractSet[str], *, decision: bool, yearly: bool = False) -> str | None:
    """Why a text tells no record apart, as the code of a reason; None if it does.

    `decision`: it is the 文书号. `yearly`: one is decided a year, and the year is its number.
    """
    if _PLAIN.fullmatch(text):
        return None
    if is_longer(text, LONGEST):
        return "decision_filler"
    if computed_in(text):
        return "number_computed"
    tells = is_number(text, fillers, yearly=yearly) if decision else not tells_nothing(text, fillers)
    return None if tells else "decision_filler"


def may_be_a_day(text: str) -> bool:
    """Whether a decision's number reads as a day, a month or a count as a spreadsheet shows it, and may yet be one.

    It is asked of the number as it is compared: no spelling of it is taken where another is looked at. What says that
    it is a number (2026年…号) does not. Bodies that number on have five digits, others the year and the running number
    without a mark: a person looks at it.
    """
    number = one_text(text)
    if _SAYS_NUMBER.fullmatch(number):
        return False
    number = number.removesuffix("号")
    if "月" in number:
        number = _IN_WORDS_ANYWHERE.sub(_worded, number)
    return reads_as_day(number)


def is_number(text: str, fillers: AbstractSet[str], *, yearly: bool = False) -> bool:
    """Whether a decision's number tells it from others: no filler, and beside the year a digit, none of them hidden.

    A day, a page or how many there are tells nothing. Nor does a year, but where no more than one is decided in it.
    """
    if _PLAIN.fullmatch(text):
        return True
    number = one_text(text)
    if yearly and _YEAR_ALONE.fullmatch(number):
        return True
    if any(tells_nothing(each, fillers) for each in {text, number}) or any(mark in number for mark in ROUND):
        return False
    if _is_day(number):
        return False
    told = "" if _YEAR_ALONE.fullmatch(number) else _YEARS.sub("", number)
    return any(character in "123456789" for character in told)


def tells_nothing(text: str, fillers: AbstractSet[str]) -> bool:
    """Whether a text in a number's place tells nothing apart.

    It has nothing that counts, hidden characters, one digit again and again, is a word of the catalogue's, or says
    where something else stands.
    """
    said = significant(alone(half_width(text), DECISIONS_LABEL))
    place = _ITS_PLACE.sub("", said)
    return (
        _counts_nothing(said)
        or said == said[0] * max(len(said), _SAME)
        or said in fillers
        or (place != said and place not in _NUMBERED and (place in fillers or place in _PLACES))
        or _COUNTED.fullmatch(said) is not None
        or _HIDDEN.search(half_width(text).translate(ALIKE)) is not None
    )


def counts_nothing(text: str) -> bool:
    """Whether no digit and no numeral stands in it, or noughts alone: nothing that any rule of numbers ever took."""
    return _counts_nothing(significant(text))


def _counts_nothing(said: str) -> bool:
    return not any(character.isdigit() or character in _COUNTING for character in said) or not said.strip("0")


def read_number(text: str) -> str | None:
    """A 文书号 as it is stored: half-width letters and digits, its brackets as they stand, white space where it counts.

    None if it says nothing.
    """
    if _PLAIN.fullmatch(text):
        return text
    if text[:1] in GUARDS:
        text = unguarded(text)
    if _UNTIDY.search(text):
        text = _apart(text.translate(_FULL_WIDTH).split())
    return None if says_nothing(text) else text


def _is_day(number: str) -> bool:
    if number.isdigit():  # `may_be_a_day`
        return False
    return read_date(number) is not None or _MONTH.fullmatch(number.translate(_DIGITS)) is not None


def _apart(parts: Iterable[str]) -> str:
    """The parts in one, but for a blank where it alone keeps two numerals apart: 1 12 is not 11 2, and 1 2 is 12."""
    joined: list[str] = []
    for part in parts:
        apart = joined and _A_NUMERAL.match(joined[-1][-1]) and _A_NUMERAL.match(part)
        joined.append(f" {part}" if apart else part)
    return _ALONE.sub(_joined, "".join(joined))


def _without_zeros(text: str) -> str:
    """Leading noughts go, but for those without which two numbers would be read as one that is spaced: 01 1, 1 01."""
    without = _ZEROS.sub("", text)
    return text if _ALONE.search(without) else without


def _joined(found: re.Match[str]) -> str:
    return found[0].replace(" ", "")


def _whole_pairs(text: str) -> str:
    opened, closed = text.count("("), text.count(")")
    if opened == closed:
        return text
    if opened > closed:
        return _LACKS_LAST.sub(r"(\1)", text)
    # A label took its bracket with it: （文号：示罚〔2026〕7号）.
    return text[:-1] if closed == opened + 1 and text.endswith("号)") else _LACKS_FIRST.sub(r"(\1)", text)


def _year(found: re.Match[str]) -> str:
    year = found[1].translate(_DIGITS)
    return f"({year})" if year[0] in "12" else found[0]


def _running(found: re.Match[str]) -> str:
    digits = found[0].removesuffix("号").translate(_DIGITS)
    return f"{digits.lstrip('0') or '0'}号"


def _worded(found: re.Match[str]) -> str:
    words = found[0].translate(SPOKEN)
    if not any(unit in words for unit in TENS):
        return words.translate(_DIGITS)
    total, digit = 0, 0
    for character in words:
        if character in TENS:
            total, digit = total + (digit or 1) * TENS[character], 0
        else:
            digit = int(character.translate(_DIGITS))
    return str(total + digit)
