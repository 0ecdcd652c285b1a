"""How one value of a row is read: every accepted spelling becomes the one canonical text, anything else is None."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TypeVar
from unicodedata import normalize

from creditmesh.schemas.rules.amounts import amount_of
from creditmesh.schemas.rules.characters import shown
from creditmesh.schemas.rules.fillers import begins_as_a_text, is_masked, says_nothing
from creditmesh.schemas.rules.numbers import LONGEST as LONGEST_NUMBER
from creditmesh.schemas.rules.numbers import is_longer, written

T = TypeVar("T")
Read = Callable[[str], str | None]
"""The canonical text of a trimmed, non-empty value; None if it is none of its kind."""

WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""Unicode's White_Space, the ideographic space among it: what is trimmed from every value."""

DIGITS = 18
SCALE = 6
"""A decimal without limits of its own: decimal(18,6), as the exchange tables have it."""

LONGEST_DECIMAL = 64
"""Characters of the longest amount, however it is spelled."""
_EXPONENT = 40
GUARDS = "'\"`´‘’‚‛“”„＇＂=＝"
"""What stands around a value so that a spreadsheet takes it for a text."""
_QUOTES = "'＇`´‘’‚‛"
_FORMULA = re.compile("""[=＝]?\\s*["＂]((?:[^"＂]|""|＂＂)*)["＂]""")
_DOUBLED = re.compile('(["＂])\\1')
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
LOST_TWICE = "锟斤拷"
"""What the next conversion makes of what is left of a lost character."""
_HIGH = "\x80-\xbf" + bytes({*range(0x80, 0xA0)} - {0x81, 0x8D, 0x8F, 0x90, 0x9D}).decode("cp1252")
_WESTERN = "|".join(
    (
        r"(.)\1{3}",
        "(?:[·×][À-ÿ]){2}|(?:[À-ÿ][·×]){2}",
        *(f"[{kind}]{{4}}" for kind in ("ÄÅÆÖØÕÜßäåæöøõü", "ÁÆÐÉÍÓÖÚÝÞáæðéíóöúýþ", "¼½¾", "¹²³ªº°", "±×÷·°", "«»¿¡·")),
    )
)
"""Four beyond ASCII beside each other as some language or a measure has them: jäääär, TÖÖÄÄR, É·É·, °±°."""


def _pairs(many: int) -> str:
    return rf"(?=(?:[\xb0-\xf7][\xa1-\xfe]){{{many}}})(?!{_WESTERN})"


_UNREADABLE = re.compile(rf"[\x00\ud800-\udfff\ufffd]|{LOST_TWICE}|{_pairs(3)}|(?:[\xe3-\xef][{_HIGH}]{{2}}){{2}}")
"""What is left of a lost character, and Chinese that was read as Western: GBK, and UTF-8."""
_TWO_PAIRS = re.compile(_pairs(2))
_SUSPECT = re.compile(f"[\x00\xb0-\xf7\ud800-\udfff\ufffd{LOST_TWICE[0]}]")
"""One of these stands in whatever the patterns find, and hardly ever in what people write: it is looked for first."""
_ALL_IN_PAIRS = re.compile(r"(?:[\x00-\x7f]|[\xa1-\xf7][\xa1-\xfe])++")
"""Two characters of GBK are told where there is nothing else beyond ASCII: Ê¾Àý, ÎÄ×Ö."""
_LINE_ENDS = "\r\v\x85\u2028\u2029"
_LINE_END = re.compile(f"\r\n|[{_LINE_ENDS}]")
_DECIMAL = re.compile(r"0*+(\d*)(?:\.(\d*?)0*)?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)


def unreadable(text: str) -> bool:
    """Whether it holds what no text column stores (NUL, a lone surrogate), or what a wrong conversion made of it."""
    if text.isascii():
        return "\0" in text
    if _SUSPECT.search(text) is None:
        return False
    return _UNREADABLE.search(text) is not None or (
        _ALL_IN_PAIRS.fullmatch(text) is not None and _TWO_PAIRS.search(text) is not None
    )


def unstorable(text: str) -> bool:
    """Whether it holds what no text column stores: NUL, a lone surrogate."""
    return _UNSTORABLE.search(text) is not None


def one_line_end(text: str) -> str:
    """The text with one kind of line end, whatever the system it was typed on writes."""
    return _LINE_END.sub("\n", text) if any(end in text for end in _LINE_ENDS) else text


def remembered(read: Callable[[str], T], *, most: int, longest: int = 256) -> Callable[[str], T]:
    """The reader, which keeps what it said of the newest texts, none longer than that: so many bytes and no more."""
    kept = lru_cache(maxsize=most)(read)
    return lambda text: kept(text) if len(text) <= longest else read(text)


def bare(text: str) -> str:
    """A text without what guards it from a spreadsheet, and without what cannot be seen."""
    return shown(text).strip(WHITE + GUARDS)


def unguarded(text: str) -> str:
    """A text without what guards it from a spreadsheet: `'…`, `="…"`. Quotation marks of its own stay."""
    while (once := _without_guard(text)) != text:
        text = once
    return text


def _without_guard(text: str) -> str:
    # Each step takes all of its kind off at once: a nested formula has half as many quotes, so that steps are few.
    if found := _FORMULA.fullmatch(text):
        return _DOUBLED.sub(r"\1", found[1]).strip(WHITE)
    if text[:1] in {"=", "＝"}:
        return text.lstrip("=＝" + WHITE)
    quotes = sum(map(text.count, _QUOTES))
    if text[:1] and text[0] in _QUOTES and (quotes == 1 or (quotes == 2 and text[-1] in _QUOTES)):  # noqa: PLR2004 - a pair
        return text.strip(_QUOTES + WHITE)
    return text


_SCALE = re.compile("[元圆圓块塊万萬亿億整正]")
_CLEARLY_YUAN = 1000
"""A sign says the currency, and the field the scale: ¥20 in one in 万元 may be either, ¥2,000 hardly is 20 million."""
_YUAN = {"元": 1, "万元": 10_000, "亿元": 100_000_000}


def decimal_reader(digits: int | None, scale: int | None, unit: str | None = None) -> Read:
    """Reads amounts without sign: at most `digits` digits, `scale` of them decimals; never by way of a float.

    Where the field has a unit of money, an amount that has its own is converted: 2000元 or 贰仟元 is 0.2 in 万元.
    """
    places = SCALE if scale is None else scale
    whole_digits = (DIGITS if digits is None else digits) - places

    def read(text: str) -> str | None:
        if len(text) > LONGEST_DECIMAL:
            return None
        found = _DECIMAL.fullmatch(_ungrouped(text))
        if found is None:
            said = bare(normalize("NFKC", text))
            yuan = amount_of(said) if unit in _YUAN else None
            if yuan is not None and unit != "元" and yuan < _CLEARLY_YUAN and not _SCALE.search(said):
                return None
            said = _ungrouped(said) if yuan is None else format(yuan / _YUAN[unit or ""], "f")
            found = _DECIMAL.fullmatch(said)
        if found is None or not any(map(str.isdigit, found[0])):
            return None
        whole, fraction = found[1] or "0", found[2] or ""
        if len(fraction) > places or (len(whole) > whole_digits and whole != "0"):
            return None
        return f"{whole}.{fraction}" if fraction else whole

    return remembered(read, most=2048, longest=LONGEST_DECIMAL)


def _ungrouped(text: str) -> str:
    return text.replace(",", "") if _GROUPED.fullmatch(text) else text


def number_text(value: float | Decimal) -> str | None:
    """A number of a JSON body as plain digits, exactly as it was written; None for NaN, Infinity and the absurd."""
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return None
    if not exact.is_finite() or abs(exact.adjusted()) > _EXPONENT:
        return None
    return format(exact, "f")


def number_reader(limit: int | None) -> Read:
    """Reads numbers of documents and codes of at most `limit` characters; what is no number keeps its marks."""

    def read(text: str) -> str | None:
        if is_longer(text, LONGEST_NUMBER):
            return None
        number = written(text)
        fits = limit is None or len(number) <= limit or not number.isalnum()
        return number if number and fits and (number[0].isdigit() or not says_nothing(number)) else None

    return read


def read_text(text: str) -> str | None:
    """A text without guards; None if it says nothing."""
    if not text or begins_as_a_text(text):
        return text or None
    if text[0] in GUARDS:
        text = unguarded(text)
    return None if says_nothing(text) else text


def read_name(text: str) -> str | None:
    """A name without guards; None if it says nothing, or its characters are hidden."""
    name = read_text(text)
    return None if name is None or is_masked(name) else name
