"""Amounts of money as texts name them: 2,000元, 0.2万元, 人民币贰仟元整, 1万2千元, 一亿二千万元."""

import re
from decimal import Decimal
from unicodedata import normalize

_DIGITS = {
    c: n
    for n, cs in enumerate(("零〇0", "一壹1", "二贰两2", "三叁3", "四肆4", "五伍5", "六陆6", "七柒7", "八捌8", "九玖9"))
    for c in cs
}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_LARGE = {"亿": 100_000_000, "万": 10_000}
_SIMPLE = str.maketrans("萬億圓貳參叄陸兩", "万亿圆贰叁叁陆两")
_SPOKEN = "".join((*_DIGITS, *_UNITS, *_LARGE))
NUMBER = rf"(?P<number>[{_SPOKEN}][{_SPOKEN},.点]*+)"
"""A number in digits or in words, in a text that `plain` gave."""
_GAP = re.compile(rf"(?<=[{_SPOKEN}])\s+(?=[{''.join((*_UNITS, *_LARGE))}元圆])|(?<=\d) (?=\d{{3}}(?!\d))")
_ONE = rf"[{''.join(_DIGITS)}]"
_MONEY = r"(?:人民币|RMB|CNY|¥)"
_SCALED = re.compile(rf"(\d+(?:\.\d+)?|[{_SPOKEN}]+点{_ONE}+)([{''.join(_UNITS)}]?万?亿?)", re.ASCII)
_ALONE = re.compile(
    rf"(?:[大小]写:?)?(?P<money>{_MONEY})?(?:\(?[大小]写\)?)?:?\s*{NUMBER}\s*"
    rf"(?P<unit>[元圆](?:(?P<tenths>{_ONE})角)?(?:零?(?P<cents>{_ONE})分)?[整正]?)?\s*(?P<after>{_MONEY})?",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"(.+?)\((.+)\)")
_UNIT_IN_BRACKETS = re.compile(r"\(([万亿]?元)\)$")
_LONGEST = 64
"""A longer text is no amount, however it is spelled."""
_PIECE = 256
_MISGROUPED = re.compile(r"(?!\d{1,3}(?:,\d{3})+(?:[^\d,]|$)).*,")


def plain(text: str) -> str:
    """The text as numbers are looked for in it: half-width, units simplified and next to their numbers."""
    return _GAP.sub("", _normalized(text).translate(_SIMPLE))


def _normalized(text: str) -> str:
    # A run of combining marks is sorted in quadratic time; no number in a text depends on more than a character.
    pieces = (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
    return "".join(normalize("NFKC", piece) for piece in pieces)


def yuan_of(number: str) -> Decimal | None:
    """What a number in words or digits comes to; None where it may be read in two ways."""
    if len(number) > _LONGEST or _MISGROUPED.match(number):
        return None
    text = number.replace(",", "")
    scaled = _SCALED.fullmatch(text)
    if scaled is None:
        return _in_words(text)
    whole, point, decimals = scaled[1].partition("点")
    value = _in_words(whole) if point else Decimal(whole)
    if value is None:
        return None
    if point:
        value += Decimal(f"0.{_joined(decimals)}")
    for unit in scaled[2]:
        value *= _UNITS.get(unit) or _LARGE[unit]
    return value


def amount_of(text: str) -> Decimal | None:
    """The yuan of a text that is one amount with its unit, and nothing else; None if it is none.

    An amount may stand there twice, in words and in digits, if both say the same.
    """
    if len(text) > _LONGEST:
        return None
    said = _UNIT_IN_BRACKETS.sub(r"\1", plain(text).strip())
    if beside := _BESIDE.fullmatch(said):
        one, other = amount_of(beside[1]), amount_of(beside[2])
        return one if one == other else _alone(said)
    return _alone(said)


def _alone(text: str) -> Decimal | None:
    found = _ALONE.fullmatch(text)
    if found is None or not (found["unit"] or found["money"] or found["after"] or found["number"][-1] in _LARGE):
        return None
    yuan = yuan_of(found["number"])
    if yuan is None:
        return None
    return yuan + Decimal(_DIGITS.get(found["tenths"], 0)) / 10 + Decimal(_DIGITS.get(found["cents"], 0)) / 100


def _joined(digits: str) -> str:
    return "".join(str(_DIGITS[character]) for character in digits)


def _in_words(text: str) -> Decimal | None:
    total = 0
    for unit, factor in _LARGE.items():
        high, found, text = text.rpartition(unit)
        if found:
            above = _below_myriad(high)
            if above is None or (len(text) == 1 and _DIGITS.get(text)):  # 一万二 is 12,000 to some
                return None
            total += above * factor
    low = _below_myriad(text) if text else 0
    return None if low is None else Decimal(total + low)


def _below_myriad(number: str) -> int | None:
    if not number or any(character not in _DIGITS and character not in _UNITS for character in number):
        return None
    if not any(character in _UNITS for character in number):  # 二〇〇〇, digit by digit
        return int(_joined(number))
    total, digit, last, spaced = 0, 0, 10_000, True
    for character in number:
        unit = _UNITS.get(character)
        if unit is None:
            if digit:
                return None
            digit = _DIGITS[character]
            spaced = spaced or digit == 0
        else:
            if unit >= last:
                return None
            total, digit, last, spaced = total + (digit or 1) * unit, 0, unit, unit == 10  # noqa: PLR2004
    return total + digit if spaced or not digit else None  # 一千五 is 1,500 to some
