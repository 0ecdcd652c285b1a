"""How one value of a row is read: every accepted spelling becomes the one canonical text, anything else is None."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TypeVar
from unicodedata import normalize

from creditmesh.schemas.catalogue import CodeSet
from creditmesh.schemas.rules.identity import tidy

T = TypeVar("T")
Read = Callable[[str], str | None]
"""The canonical text of a trimmed, non-empty value; None if it is none of its kind."""

WHITE = "\t\n\x0b\x0c\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""Unicode's White_Space, the ideographic space among it: what is trimmed from every value."""

DIGITS = 18
SCALE = 6
"""A decimal without limits of its own: decimal(18,6), as the exchange tables have it."""

_EXPONENT = 40
_UNREADABLE = re.compile("[\x00\ud800-\udfff]")
_DATE = re.compile(
    r"(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|(\d{2})(\d{2})|年(\d{1,2})月(\d{1,2})日?)"
    r"(?:[T ]?0?0:00(?::00(?:\.0+)?)?)?",
    re.ASCII,
)
_LINE_ENDS = "\r\v\x85\u2028\u2029"
_LINE_END = re.compile(f"\r\n|[{_LINE_ENDS}]")
_EARLIEST = 1900
_LONGEST_DATE, _LONGEST_DECIMAL = 40, 64
"""A longer text is neither, however it is spelled."""
_DECIMAL = re.compile(r"0*(\d+)(?:\.(\d*?)0*)?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_OTHER = re.compile(r"其他[-－—–:：](.+)", re.DOTALL)
_UNTIDY = re.compile("[\\s\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")
_FULL_WIDTH = {0xFF10 + i: 0x30 + i for i in range(10)} | {
    base + i: plain + i for base, plain in ((0xFF21, 0x41), (0xFF41, 0x61)) for i in range(26)
}


def unreadable(text: str) -> bool:
    """Whether it holds a character that no text column stores: NUL or a lone surrogate."""
    return _UNREADABLE.search(text) is not None


def one_line_end(text: str) -> str:
    """The text with one kind of line end, whatever the system it was typed on writes."""
    return _LINE_END.sub("\n", text) if any(end in text for end in _LINE_ENDS) else text


def remembered(read: Callable[[str], T], *, most: int, longest: int = 256) -> Callable[[str], T]:
    """The reader, which keeps what it said of the newest texts, none longer than that: so many bytes and no more."""
    kept = lru_cache(maxsize=most)(read)
    return lambda text: kept(text) if len(text) <= longest else read(text)


def read_date(text: str) -> str | None:
    """YYYY-MM-DD from that, YYYY/MM/DD, YYYY.MM.DD, YYYYMMDD or 年月日; a time of day only if it is midnight."""
    return _day(text) if len(text) <= _LONGEST_DATE else None


@lru_cache(maxsize=8192)
def _day(text: str) -> str | None:
    found = _DATE.fullmatch("".join(normalize("NFKC", text).split()) if "年" in text else normalize("NFKC", text))
    if found is None:
        return None
    year, _, month, day = found.group(1, 2, 3, 4)
    month = month or found[5] or found[7]
    day = day or found[6] or found[8]
    try:
        read = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return read.isoformat() if read.year >= _EARLIEST else None


def decimal_reader(digits: int | None, scale: int | None) -> Read:
    """Reads amounts without sign: at most `digits` digits, `scale` of them decimals; never by way of a float."""
    places = SCALE if scale is None else scale
    whole_digits = (DIGITS if digits is None else digits) - places

    def read(text: str) -> str | None:
        if len(text) > _LONGEST_DECIMAL:
            return None
        if not text.isascii():
            text = normalize("NFKC", text)
        if "," in text:
            if not _GROUPED.fullmatch(text):
                return None
            text = text.replace(",", "")
        found = _DECIMAL.fullmatch(text)
        if found is None:
            return None
        whole, fraction = found[1], found[2] or ""
        if len(fraction) > places or (len(whole) > whole_digits and whole != "0"):
            return None
        return f"{whole}.{fraction}" if fraction else whole

    return remembered(read, most=2048, longest=_LONGEST_DECIMAL)


def number_text(value: float | Decimal) -> str | None:
    """A number of a JSON body as plain digits, exactly as it was written; None for NaN, Infinity and the absurd."""
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return None
    if not exact.is_finite() or abs(exact.adjusted()) > _EXPONENT:
        return None
    return format(exact, "f")


def tidy_reader(limit: int | None) -> Read:
    """Reads document numbers and organisation codes of at most `limit` characters."""

    def read(text: str) -> str | None:
        number = tidy(text)
        return number if number and (limit is None or len(number) <= limit) else None

    return read


def read_decision_number(text: str) -> str | None:
    """A 文书号 as it is compared: half-width letters and digits, no white space; its brackets as they stand."""
    return "".join(text.translate(_FULL_WIDTH).split()) or None if _UNTIDY.search(text) else text


def code_reader(code_set: CodeSet) -> Read:
    """Reads one value of the set by value, name or alias. ValueError if a spelling stands for two values."""
    known = _spellings(code_set)

    def read(text: str) -> str | None:
        return known.get(text) or known.get(_folded(text)) or (_other(text) if code_set.open else None)

    return read


def codes_reader(code_set: CodeSet) -> Read:
    """Reads several values joined by `;`, or by `、` `,` `|` where no value contains these; gives them in set order."""
    one = code_reader(code_set)
    order = {value.value: place for place, value in enumerate(code_set.values)}

    def read(text: str) -> str | None:
        found: dict[str, None] = {}
        for piece in _pieces(text, one):
            value = one(piece)
            if value is None:
                return None
            found[value] = None
        return ";".join(sorted(found, key=lambda value: order.get(value, len(order)))) or None

    return remembered(read, most=1024)


def _pieces(text: str, one: Read) -> Iterator[str]:
    for outer in re.split("[;；]", text):
        piece = outer.strip(WHITE)
        if not piece:
            continue
        if one(piece) is not None:
            yield piece
        else:
            yield from (inner.strip(WHITE) for inner in re.split("[、,，|]", piece) if inner.strip(WHITE))


def _folded(text: str) -> str:
    return "".join(normalize("NFKC", text).split()).casefold()


def _other(text: str) -> str | None:
    found = _OTHER.fullmatch(text)
    rest = found[1].strip(WHITE).replace(";", "；") if found else ""
    return f"其他-{rest}" if rest else None


def _spellings(code_set: CodeSet) -> dict[str, str]:
    active = [value for value in code_set.values if value.active]
    known: dict[str, str] = {}
    _learn(known, ((value.value, value.value) for value in active), code_set.code)
    _learn(known, ((value.name_zh, value.value) for value in active), code_set.code)
    _learn(known, ((value.name, value.value) for value in active), code_set.code)
    _learn(known, ((alias, value.value) for value in active for alias in value.aliases), code_set.code)
    return known


def _learn(known: dict[str, str], spellings: Iterable[tuple[str, str]], code_set: str) -> None:
    # A value outranks a name, a name an alias; within one rank a spelling must be clear.
    fresh: dict[str, str] = {}
    for spelling, value in spellings:
        for form in {spelling, _folded(spelling)}:
            if fresh.setdefault(form, value) != value:
                raise ValueError(f"in the code set {code_set}, {spelling!r} stands for two values")
    for form, value in fresh.items():
        known.setdefault(form, value)
