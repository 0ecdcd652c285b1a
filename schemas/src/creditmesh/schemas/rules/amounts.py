"""Amounts of money as texts name them: 2,000元, 0.2万元, 人民币贰仟元整, 1万2千元, 一亿二千万元."""

import re
from decimal import Decimal

from creditmesh.schemas.rules.characters import MYRIADS, NUMERALS, TENS, nfkc

_DIGITS = NUMERALS | {str(n): n for n in range(10)}
_SIMPLE = str.maketrans("萬億圓塊錢", "万亿圆块钱")
_OTHER = re.compile(f"[{''.join(map(chr, _SIMPLE))}]")
_SPOKEN = "".join((*_DIGITS, *TENS, *MYRIADS))
NUMBER = rf"(?P<number>[{_SPOKEN}][{_SPOKEN},.点]*+)"
"""A number in digits or in words, in a text that `plain` gave."""
_WHITE = re.compile(r"\s")
_GAP = re.compile(rf"(?<=[{_SPOKEN}])\s+(?=[{''.join((*TENS, *MYRIADS))}元圆])|(?<=\d) (?=\d{{3}}(?!\d))")
_ONE = rf"[{''.join(_DIGITS)}]"
_MONEY = r"(?:人民币|RMB|CNY|¥)"
_SCALED = re.compile(rf"(\d+(?:\.\d+)?|[{_SPOKEN}]+点{_ONE}+)([{''.join(TENS)}]?万?亿?)", re.ASCII)
_ALONE = re.compile(
    rf"(?:[大小]写:?)?(?P<money>{_MONEY})?(?:\(?[大小]写\)?)?:?\s*{NUMBER}\s*"
    rf"(?P<unit>[元圆](?:(?P<tenths>{_ONE})角)?(?:零?(?P<cents>{_ONE})分)?[整正]?)?\s*(?P<after>{_MONEY})?",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"(.+?)\((.+)\)")
_UNIT_IN_BRACKETS = re.compile(r"\(([万亿]?元)\)$")
_IN_TEXT = re.compile(
    rf"(?:{_MONEY}:?\s*+|\((?P<before>[万亿]?)元\):?\s*+)?{NUMBER}(?P<thousands>[kK](?![a-zA-Z]))?\s*+"
    r"(?P<unit>[元圆]|人民币|RMB|CNY|\((?:单位:)?(?:人民币)?(?P<behind>[万亿]?)元\))?(?P<after>(?<=[元圆])的?罚款)?",
    re.IGNORECASE,
)
"""A number, with its unit or without: one that is passed over is not looked through from each of its digits."""
_COUNTED = re.compile(r"[条款项号日年月份人次个名户倍家起件张台只本页%‰]")
_CLAUSE = re.compile(r"[,。;、\n]")
_NEAR = 24
"""Characters before a number in which it is said that it is a fine."""
_BESIDE_IT = 3
"""Characters beside a number that is all there is: 5000整."""
_LONGEST = 64
"""A longer text is no amount, however it is spelled."""
_MISGROUPED = re.compile(r"(?!\d{1,3}(?:,\d{3})+(?:[^\d,]|$)).*,")


def plain(text: str) -> str:
    """The text as numbers are looked for in it: half-width, units simplified and next to their numbers."""
    said = nfkc(text)
    said = said.translate(_SIMPLE) if _OTHER.search(said) else said
    return _GAP.sub("", said) if _WHITE.search(said) else said


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
        value *= TENS.get(unit) or MYRIADS[unit]
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


def amounts_in(text: str) -> list[Decimal]:
    """The amounts of money that a text names (罚款2,000元, 罚款人民币贰仟元整, 罚款0.2万), in yuan.

    Those of fines if it says of any that it is one, else all.
    """
    said, last = plain(text), 0
    fines: list[Decimal] = []
    others: list[Decimal] = []
    for found in _IN_TEXT.finditer(said):
        if not _has_unit(found, said):
            continue
        is_fine = found["after"] is not None or "罚款" in said[last : found.start()]
        yuan = _yuan_in(found)
        if yuan is not None:
            (fines if is_fine else others).append(yuan)
        last = found.end()
    return fines or others


def fine_agrees(fine: Decimal, text: str) -> bool:
    """Whether a fine in 万元 is what the text says: an amount there, or their sum; a text without amounts agrees.

    But a text that names the very number of the field as a fine and no unit may be in yuan, and the field with it.
    """
    yuan = fine * 10_000
    if f"罚款{yuan:.0f}元" in text and yuan == int(yuan):
        return True  # most texts, at a tenth of the cost
    amounts = amounts_in(text)
    if amounts:
        return yuan in amounts or yuan == sum(amounts)
    said = plain(text)
    return not any(_yuan_in(found) == fine and _is_fine(found, said) for found in _IN_TEXT.finditer(said))


def _has_unit(found: re.Match[str], said: str) -> bool:
    if found["unit"] is not None or found.start("number") > found.start():
        return True
    # 罚款0.2万, but not 1万份
    return found["number"][-1] in MYRIADS and not said[found.end() : found.end() + 1].isalnum()


def _yuan_in(found: re.Match[str]) -> Decimal | None:
    yuan = yuan_of(found["number"].rstrip(".,"))
    factor = MYRIADS.get(found["before"] or found["behind"] or "", 1) * (1000 if found["thousands"] else 1)
    return None if yuan is None else yuan * factor


def _is_fine(found: re.Match[str], said: str) -> bool:
    if _COUNTED.match(said, found.end()):
        return False
    before = _CLAUSE.split(said[max(0, found.start() - _NEAR) : found.start()])[-1]
    return any(word in before for word in "罚款") or len(said) - len(found[0]) <= _BESIDE_IT


def _alone(text: str) -> Decimal | None:
    found = _ALONE.fullmatch(text)
    if found is None or not (found["unit"] or found["money"] or found["after"] or found["number"][-1] in MYRIADS):
        return None
    yuan = yuan_of(found["number"])
    if yuan is None:
        return None
    return yuan + Decimal(_DIGITS.get(found["tenths"], 0)) / 10 + Decimal(_DIGITS.get(found["cents"], 0)) / 100


def _joined(digits: str) -> str:
    return "".join(str(_DIGITS[character]) for character in digits)


def _in_words(text: str) -> Decimal | None:
    total = 0
    for unit, factor in MYRIADS.items():
        high, found, text = text.rpartition(unit)
        if found:
            above = _below_myriad(high)
            if above is None or (len(text) == 1 and _DIGITS.get(text)):  # 一万二 is 12,000 to some
                return None
            total += above * factor
    low = _below_myriad(text) if text else 0
    return None if low is None else Decimal(total + low)


def _below_myriad(number: str) -> int | None:
    if not number or any(character not in _DIGITS and character not in TENS for character in number):
        return None
    if not any(character in TENS for character in number):  # 二〇〇〇, digit by digit
        return int(_joined(number))
    total, digit, last, spaced = 0, 0, 10_000, True
    for character in number:
        unit = TENS.get(character)
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
