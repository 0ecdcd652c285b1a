"""Amounts of money as texts name them: 2,000元, 0.2万元, 人民币贰仟元整."""

import re
from decimal import Decimal
from unicodedata import normalize

_DIGITS = {
    c: n
    for n, cs in enumerate(("零〇", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for c in cs
}
_UNITS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_LARGE = {"万": Decimal(10_000), "亿": Decimal(100_000_000)}
_CHINESE = "".join((*_DIGITS, *_UNITS))
NUMBER = rf"(?P<number>\d[\d,]*(?:\.\d+)?|[{_CHINESE}]+(?:万[{_CHINESE}]*)?)\s*(?P<large>[万亿]?)"
"""A number in digits or in words, in a text after NFKC."""
_ONE = rf"[{''.join(_DIGITS)}\d]"
_ALONE = re.compile(
    rf"(?:人民币|RMB|¥)?:?\s*{NUMBER}\s*[元圆](?:(?P<tenths>{_ONE})角)?(?:零?(?P<cents>{_ONE})分)?[整正]?"
)

_MISGROUPED = re.compile(r"(?!\d{1,3}(?:,\d{3})+(?:\.|$))\d*,")


def yuan_of(number: str, large: str) -> Decimal | None:
    """The yuan of a number in words or digits, in 万 or 亿 or neither; None where it may be read in two ways."""
    factor = _LARGE.get(large, Decimal(1))
    if number[0].isdigit():
        return Decimal(number.replace(",", "")) * factor
    high, myriads, low = number.rpartition("万")
    above, below = _chinese(high) if myriads else 0, _chinese(low) if low else 0
    if above is None or below is None or (myriads and len(low) == 1 and below):  # 一万二 is 12,000 to some
        return None
    return (below + above * 10_000) * factor


def amount_of(text: str) -> Decimal | None:
    """The yuan of a text that is one amount with its unit, and nothing else; None if it is none."""
    found = _ALONE.fullmatch(normalize("NFKC", text))
    yuan = None if found is None or _MISGROUPED.match(found["number"]) else yuan_of(found["number"], found["large"])
    if found is None or yuan is None:
        return None
    return yuan + Decimal(_digit(found["tenths"])) / 10 + Decimal(_digit(found["cents"])) / 100


def _digit(character: str | None) -> int:
    return _DIGITS[character] if character in _DIGITS else int(character or "0")


def _chinese(number: str) -> int | None:
    if not any(character in _UNITS for character in number):  # 二〇〇〇, digit by digit
        return int("".join(str(_DIGITS[character]) for character in number))
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
