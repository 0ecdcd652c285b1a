"""Amounts of money in the text of a penalty: 罚款2,000元, 罚款人民币贰仟元整, 罚款0.2万元."""

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
_AMOUNT = re.compile(
    rf"(?P<number>\d[\d,]*(?:\.\d+)?|[{_CHINESE}]+(?:万[{_CHINESE}]*)?)\s*(?P<large>[万亿]?)\s*[元圆](?P<after>的?罚款)?"
)


def amounts_in(text: str) -> list[Decimal]:
    """The amounts that the text names, in yuan: those of fines if it says of any that it is one, else all."""
    plain, last = normalize("NFKC", text), 0
    fines: list[Decimal] = []
    others: list[Decimal] = []
    for found in _AMOUNT.finditer(plain):
        is_fine = found["after"] is not None or "罚款" in plain[last : found.start()]
        (fines if is_fine else others).append(_yuan(found["number"], found["large"]))
        last = found.end()
    return fines or others


def agrees(fine: Decimal, text: str) -> bool:
    """Whether a fine in 万元 is what the text says: an amount there, or their sum; a text without amounts agrees."""
    yuan = fine * 10_000
    if f"罚款{yuan:.0f}元" in text and yuan == int(yuan):
        return True  # most texts, at a tenth of the cost
    amounts = amounts_in(text)
    return not amounts or yuan in amounts or yuan == sum(amounts)


def _yuan(number: str, large: str) -> Decimal:
    factor = _LARGE.get(large, Decimal(1))
    if number[0].isdigit():
        return Decimal(number.replace(",", "")) * factor
    high, myriads, low = number.rpartition("万")
    return (_chinese(low) + (_chinese(high) * 10_000 if myriads else 0)) * factor


def _chinese(number: str) -> int:
    total, digit = 0, 0
    for character in number:
        if character in _UNITS:
            total += (digit or 1) * _UNITS[character]
            digit = 0
        else:
            digit = _DIGITS[character]
    return total + digit
