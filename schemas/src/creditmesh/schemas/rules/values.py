"""How one value of a row is read: every accepted spelling becomes the one canonical text, anything else is None."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TypeVar
from unicodedata import category, normalize

from creditmesh.schemas.catalogue import CodeSet
from creditmesh.schemas.catalogue.code_set import CodeValue
from creditmesh.schemas.rules.amounts import amount_of
from creditmesh.schemas.rules.names import simplified
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

_EXPONENT = 40
_GUARDS = "'\"`´‘’‚‛“”„＇＂=＝"
_HIDDEN = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0001-\U000e007f]"
)
_UNREADABLE = re.compile("[\x00\ud800-\udfff\ufffd]|锟斤拷")
_LOST = ("\ufffd", "锟斤拷")
"""What a conversion leaves of characters it could not read, and what the next one makes of that."""
_LINE_ENDS = "\r\v\x85\u2028\u2029"
_LINE_END = re.compile(f"\r\n|[{_LINE_ENDS}]")
_LONGEST_DECIMAL = 64
"""A longer text is no amount, however it is spelled."""
_DECIMAL = re.compile(r"0*+(\d*)(?:\.(\d*?)0*)?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
_OTHER = re.compile(r"其[他它]\s*(?:[-－—–‐:：]+(.+)|[(（](.+)[)）])", re.DOTALL)
_OPENING, _CLOSING = "(（", ")）"
_OUTER = re.compile(f"[{_OPENING}{_CLOSING}]|[;；﹔︔؛]")
_INNER = re.compile(f"[{_OPENING}{_CLOSING}]|(?:[、,，|｜/+&﹑丶\\s]|以及|并处|[和及并])++")
_AS_NUMBER = re.compile(r"(?<=\d)\.0+", re.ASCII)
_NEAREST = 3
_NEAR = 0.25
"""Of the letters of both, how many they share."""
_CONNECTIVE = re.compile("以及|或者|[、及和与或/]")
_UNTIDY = re.compile("[\\s\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")
_FULL_WIDTH = {0xFF10 + i: 0x30 + i for i in range(10)} | {
    base + i: plain + i for base, plain in ((0xFF21, 0x41), (0xFF41, 0x61)) for i in range(26)
}


def unreadable(text: str) -> bool:
    """Whether it holds what no text column stores (NUL, a lone surrogate) or what is left of a lost character."""
    return _UNREADABLE.search(text) is not None


def has_lost(text: str) -> bool:
    """Whether a character was lost in an earlier conversion."""
    return any(left in text for left in _LOST)


def one_line_end(text: str) -> str:
    """The text with one kind of line end, whatever the system it was typed on writes."""
    return _LINE_END.sub("\n", text) if any(end in text for end in _LINE_ENDS) else text


def remembered(read: Callable[[str], T], *, most: int, longest: int = 256) -> Callable[[str], T]:
    """The reader, which keeps what it said of the newest texts, none longer than that: so many bytes and no more."""
    kept = lru_cache(maxsize=most)(read)
    return lambda text: kept(text) if len(text) <= longest else read(text)


def bare(text: str) -> str:
    """A text without what guards it from a spreadsheet, and without what cannot be seen."""
    return "".join(c for c in text if category(c) != "Cf").strip(WHITE + _GUARDS)


_YUAN = {"元": 1, "万元": 10_000, "亿元": 100_000_000}


def decimal_reader(digits: int | None, scale: int | None, unit: str | None = None) -> Read:
    """Reads amounts without sign: at most `digits` digits, `scale` of them decimals; never by way of a float.

    Where the field has a unit of money, an amount that has its own is converted: 2000元 or 贰仟元 is 0.2 in 万元.
    """
    places = SCALE if scale is None else scale
    whole_digits = (DIGITS if digits is None else digits) - places

    def read(text: str) -> str | None:
        if len(text) > _LONGEST_DECIMAL:
            return None
        found = _DECIMAL.fullmatch(_ungrouped(text))
        if found is None:
            said = bare(normalize("NFKC", text))
            yuan = amount_of(said) if unit in _YUAN else None
            said = _ungrouped(said) if yuan is None else format(yuan / _YUAN[unit or ""], "f")
            found = _DECIMAL.fullmatch(said)
        if found is None or not any(map(str.isdigit, found[0])):
            return None
        whole, fraction = found[1] or "0", found[2] or ""
        if len(fraction) > places or (len(whole) > whole_digits and whole != "0"):
            return None
        return f"{whole}.{fraction}" if fraction else whole

    return remembered(read, most=2048, longest=_LONGEST_DECIMAL)


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
        return number if number and fits else None

    return read


def read_name(text: str) -> str | None:
    """A name without what nobody sees in it, such as marks that turn the rest around; None if nothing else is there.

    Selectors of a variant and characters of private use stay: rare names are written with them.
    """
    return _HIDDEN.sub("", text).strip(WHITE) or None


def read_decision_number(text: str) -> str | None:
    """A 文书号 as it is compared: half-width letters and digits, no white space; its brackets as they stand."""
    return "".join(text.translate(_FULL_WIDTH).split()) or None if _UNTIDY.search(text) else text


def code_reader(code_set: CodeSet) -> Read:
    """Reads one value of the set by value, name or alias. ValueError if a spelling stands for two values."""
    known = _spellings(code_set)
    loose = _loose(known)

    def read(text: str) -> str | None:
        listed = known.get(text) or known.get(_folded(text)) or loose.get(_loosely(text))
        return listed or (_other(text) if code_set.open else None)

    return read


def nearest_values(code_set: CodeSet) -> Callable[[str], str]:
    """Says which values of the set have the most letters of a text that is none of them; empty: none is near."""
    spellings = [(_letters(text), each) for each in code_set.values if each.active for text in _texts(each)]

    def nearest(text: str) -> str:
        said = _letters(text[:_LONGEST_DECIMAL])
        shares = [(len(said & known) / (len(said | known) or 1), each) for known, each in spellings]
        near = sorted((each for each in shares if each[0] >= _NEAR), key=lambda each: -each[0])
        return "；".join(list(dict.fromkeys(_shown(each) for _, each in near))[:_NEAREST])

    return remembered(nearest, most=1024)


def _letters(text: str) -> set[str]:
    return {character for character in _loosely(text) if character.isalpha()}


def _texts(value: CodeValue) -> tuple[str, ...]:
    return (value.value, value.name_zh, *value.aliases)


def _shown(value: CodeValue) -> str:
    return (
        value.value if value.value == value.name_zh or not value.value.isdigit() else f"{value.value} ({value.name_zh})"
    )


def codes_reader(code_set: CodeSet, most: int | None = None) -> Read:
    """Reads several values joined by `;`, or by `、` `,` `|` where no value contains these; gives them in set order.

    They are none where they are longer than `most` in the end, for then they could not be read again.
    """
    one = code_reader(code_set)
    order = {value.value: place for place, value in enumerate(code_set.values)}

    def read(text: str) -> str | None:
        found: dict[str, None] = {}
        for piece in _pieces(text, one):
            value = one(piece)
            if value is None:
                return None
            found[value] = None
        joined = ";".join(sorted(found, key=lambda value: order.get(value, len(order))))
        return joined if joined and (most is None or len(joined) <= most) else None

    return remembered(read, most=1024)


def _pieces(text: str, one: Read) -> Iterator[str]:
    for outer in _split(text, _OUTER):
        piece = outer.strip(WHITE)
        if piece and one(piece) is not None:
            yield piece
        else:
            yield from filter(None, _split(bare(piece), _INNER))


def _split(text: str, marks: re.Pattern[str]) -> Iterator[str]:
    """What stands between the marks that are no brackets, nor within any."""
    depth, begun = 0, 0
    for found in marks.finditer(text):
        if found[0] in _OPENING:
            depth += 1
        elif found[0] in _CLOSING:
            depth = max(depth - 1, 0)
        elif not depth:
            yield text[begun : found.start()]
            begun = found.end()
    yield text[begun:]


def _folded(text: str) -> str:
    return "".join(normalize("NFKC", text).split()).casefold()


def _loosely(text: str) -> str:
    """其它 for 其他, whichever word joins two (法人和其他组织), traditional characters, a code that became 1.0."""
    plain = simplified(_folded(bare(text).strip("。.;；,，"))).replace("其它", "其他")
    return _CONNECTIVE.sub("、", _AS_NUMBER.sub("", plain))


def _loose(known: Mapping[str, str]) -> dict[str, str]:
    """The same spellings more loosely; left out where one would stand for two values."""
    values: dict[str, set[str]] = {}
    for spelling, value in known.items():
        values.setdefault(_loosely(spelling), set()).add(value)
    return {spelling: one for spelling, (one, *more) in values.items() if not more}


def _other(text: str) -> str | None:
    found = _OTHER.fullmatch(text)
    rest = (found[1] or found[2]).strip(WHITE).replace(";", "；") if found else ""
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
