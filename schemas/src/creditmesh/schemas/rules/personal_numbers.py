"""Numbers of persons in a text that is shown in clear: resident numbers, mobile numbers, bank cards.

Found however they are spaced or written wide. Other documents' numbers look like anything: no text can be searched for
them. A number that reads as a person's may be something else; whoever finds one asks a person, and shows stars.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from unicodedata import digit, normalize

from creditmesh.schemas.rules.characters import IN_DIGITS, TIMES, UNSEEN
from creditmesh.schemas.rules.identity import birth_date
from creditmesh.schemas.rules.numbers import day_of, half, resident_check

VERSION = 1
"""Of this rule: one more where more is found. What a text was searched by is kept with it (public forms)."""

_IN_WORDS = {place: value for place, value in IN_DIGITS.items() if chr(place) != "◯"} | str.maketrans("幺", "1")
_AS_X = frozenset("ХхΧχ" + TIMES)
"""What stands for the X of a check digit and prints like it."""
_DIGIT = (
    "\\d\u00b2\u00b3\u00b9\u2070-\u2079\u2080-\u2089\u2460-\u2468\u24ea\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788"
    "\u278a-\u2792\u2f00\u2f06\u2f0b\u3192-\u3195\u3280-\u3288\uffee\uf9b2\uf9d1\u1369-\u1371\u19da"
    "\U00010a40-\U00010a43\U00010e60-\U00010e68\U00011052-\U0001105a\U0001f214\U0001f229\U0001f22a"
) + "".join(map(chr, _IN_WORDS))
"""Whatever is read as a digit."""
_HTML = r"&(?:nbsp|ensp|emsp|thinsp|zwnj|zwj|shy|#\d{1,5}|#x[0-9a-fA-F]{1,4});|</?[a-zA-Z]{1,6}[^<>\d]{0,16}>"
_MARK = f"(?:{_HTML}|{UNSEEN}|[^\\w{_DIGIT}]|[_ーｰﾞﾟ])"
"""What is no letter, nor read as one, or stands for white space: nothing else stands within a number."""
_DIGIT += "OoIl"
_ENOUGH = re.compile(rf"(?:[^{_DIGIT}]*+[{_DIGIT}]){{11}}")
"""A mobile number is the shortest that is looked for: most texts have no eleven digits."""
_LONG = 14
"""The next one has fifteen, of which the last may be an X."""
_NEXT = f"(?:{_MARK}*+[{_DIGIT}])"
_ROW = re.compile(rf"(?<![{_DIGIT}])(?:(?![2-79])[{_DIGIT}]{_NEXT}{{10,}}|[{_DIGIT}]{_NEXT}{{{_LONG - 1},}})")
"""So many without a letter between them; a mobile number begins with 1, or with 0 or 8 before it."""
_SHORT = 64
"""Characters of the longest text of which it is remembered what was found."""
_INVISIBLE = re.compile(f"{_HTML}|{UNSEEN}")
_TYPED_AS_LETTERS = re.compile(r"(?<=[0-9])[OoIl]{1,3}(?![A-Za-z])|(?<![A-Za-z])[OoIl]{1,3}(?=[0-9])")
_AS_DIGITS = str.maketrans("OoIl", "0011")
_BETWEEN = re.compile(r"(?<=[0-9])[\W_]{1,8}(?=[0-9Xx])")
_RUNS = re.compile(r"[0-9]{14,}[0-9Xx]")
_GAP = "(?: {1,2}| ?- ?)?"
_POINT = f"(?:[,./_·]|{_GAP})"
_OLD = re.compile(rf"(?<!\d)\d{{6}}{_GAP}\d{{6}}{_GAP}\d{{3}}(?!\d)", re.ASCII)
_MOBILE = re.compile(
    rf"(?<!\d)(?:(?:\+|00)?86{_GAP}|0)?(?:1[3-9]\d|\(1[3-9]\d\)){_POINT}\d{{4}}{_POINT}\d{{4}}(?!\d)", re.ASCII
)
_CARD = re.compile(rf"(?<!\d)[3-69](?:{_GAP}\d){{15,18}}(?!\d)", re.ASCII)
_COMPACT = re.compile(r"(?=(?P<mobile>(?:0086|86|0)?1[3-9]\d{9}))|(?=(?P<card>[3-69]\d{15,18}))", re.ASCII)
_SHORTEST_CARD = 16
_LISTED = re.compile(r"[、,;，；]")
_NEAR = 10
"""Characters in which the next number of a list begins."""
_OF_A_LIST = re.compile(r"\s*[元圆万亿号條条款项页次名人户份个件张年月日%]")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+|(?!\d(?:\D+\d)+\Z)(?:\d{1,2}\W+)+\d{1,2}", re.ASCII)
"""An amount, or a list of small numbers; a number with a mark behind each digit is none."""
_DAY = re.compile(r"\A(?:19|20)\d\d(?:[-./]\d{1,2}[-./]|[)〕】\]])|\d\.\d{1,2}(?!\d)\s+\d|\d\s+\d+\.\d", re.ASCII)
"""A day, the year of a document, or one amount and the next."""
_SIZE = re.compile(r"(?!1\D*[3-9](?:\D*\d){9}\Z)\d{3,4}(?:\s*\*\s*\d{3,4}){2}", re.ASCII)
"""1830*915*1200; what has the digits of a mobile number (138*0013*8000) may be one."""
_AREA = re.compile(r"(?<!\d)0\d{2,3}\s?[-)]\s?\Z", re.ASCII)
"""The area code of a fixed line: 0991-1852968."""
_DIGITS_BEFORE, _DIGITS_BEHIND = re.compile(r"\d*\Z", re.ASCII), re.compile(r"\d*", re.ASCII)
_PROVINCES = frozenset(
    ("11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
     "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82", "83", "91", "99")
)  # fmt: skip
"""What a resident number begins with (GB/T 2260); 99 is the sandbox's."""
_OLD_LENGTH, _LENGTH = 15, 18
_ONCE, _TWICE = (bytes.maketrans(b"0123456789", bytes(each)) for each in (range(10), (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
"""What a digit counts in the check of a card (Luhn): every other one is doubled, and the digits of that added."""
_CODE_HEADS = frozenset("59")
"""No bank card has 18 digits and begins so: it would be an organisation's code."""


def holds_personal_number(text: str, *, strict: bool = False) -> bool:
    """Whether something in the text reads as a person's number.

    `strict`: a resident's number that stands alone is one whatever its check digit says, and however an old one is
    spaced. For what somebody writes freely; in a row such digits may be anything.
    """
    return bool(_spans(text, strict=strict))


def without_personal_numbers(text: str) -> str:
    """The text with every character of such a number as a star."""
    shown: list[str] | None = None
    for start, end in _spans(text):
        shown = shown or list(text)
        shown[start:end] = "*" * (end - start)
    return text if shown is None else "".join(shown)


def _spans(text: str, *, strict: bool = False) -> tuple[tuple[int, int], ...]:
    if _ENOUGH.match(text) is None or _ROW.search(text) is None:
        return ()
    return _remembered(text) if len(text) <= _SHORT and not strict else tuple(_found(text, strict=strict))


@lru_cache(maxsize=1024)
def _remembered(text: str) -> tuple[tuple[int, int], ...]:
    # The codes of bodies are the same in row after row.
    return tuple(_found(text, strict=False))


def _found(text: str, *, strict: bool) -> Iterator[tuple[int, int]]:
    folded, places = _without(_INVISIBLE, text if text.isascii() else "".join(map(_plain, text)), range(len(text)))
    folded = _TYPED_AS_LETTERS.sub(lambda found: found[0].translate(_AS_DIGITS), folded)
    may_be_longer = any(len(row) >= _LONG for row in _ROW.findall(text))
    others = ((_OLD, _is_old), (_CARD, _is_card)) if may_be_longer else ()
    for pattern, reads in ((_MOBILE, _always), *others):
        yield from ((places[m.start()], places[m.end() - 1] + 1) for m in pattern.finditer(folded) if reads(m[0]))
    compact, kept = _without(_BETWEEN, folded, range(len(folded)))
    for start, end in _spaced(folded, compact, kept):
        yield places[start], places[end - 1] + 1
    if not may_be_longer:
        return
    for run in _RUNS.finditer(compact):
        length = run.end() - run.start()
        if strict and length == _OLD_LENGTH and _is_old(run[0]):
            yield places[kept[run.start()]], places[kept[run.end() - 1]] + 1
        for start in range(run.start(), run.end() - _LENGTH + 1):
            number = compact[start : start + _LENGTH].upper()
            alone = strict and length == _LENGTH
            if (
                _is_resident(number)
                and (alone or number[17] == resident_check(number[:17]))
                and not _is_of_days(folded, kept[start], kept[start + 17] + 1)
            ):
                yield places[kept[start]], places[kept[start + 17]] + 1


def _spaced(folded: str, compact: str, kept: range | list[int]) -> Iterator[tuple[int, int]]:
    """Mobile and card numbers that begin and end where numbers do, whatever one kind of mark stands between digits."""
    if len(compact) == len(folded):
        return
    for found in _COMPACT.finditer(compact):
        first = kept[found.start()]
        if first and folded[first - 1].isdigit():
            continue
        name = "mobile" if found["mobile"] else "card"
        shortest = found.end(name) if name == "mobile" else found.start() + _SHORTEST_CARD
        for end in range(shortest, found.end(name) + 1):
            last = kept[end - 1] + 1
            if folded[last : last + 1].isdigit() or not _is_one(folded, first, last):
                continue
            if name == "mobile" or _is_card(compact[found.start() : end]):
                yield first, last


def _is_one(folded: str, first: int, last: int) -> bool:
    """Whether digits with marks between them may be one number: no list, nor part of one, no amounts, no day."""
    said = folded[first:last]
    marks = {"(" if mark in "()" else mark for mark in re.split(r"[\d\s]+", said) if mark}
    if len(marks) > 1 or _DAY.search(said) or _GROUPED.fullmatch(said) or _SIZE.fullmatch(said):
        return False
    if _AREA.search(folded[max(0, first - _NEAR) : first]):
        return False
    mark = re.escape(marks.pop()) if marks else ""
    if re.match(rf"\s*{mark}\s*\d", folded[last : last + _NEAR]) or re.search(
        rf"\d\s*{mark}\s*\Z", folded[max(0, first - _NEAR) : first]
    ):
        return False
    if not _LISTED.search(said):
        return True
    return folded[first - 1 : first] != "第" and not _OF_A_LIST.match(folded, last)


def _is_of_days(folded: str, first: int, last: int) -> bool:
    """Whether digits are parts of a list of days, as batches are numbered: 20230115、20230123、20230131."""
    before = _DIGITS_BEFORE.search(folded[max(0, first - _NEAR) : first])
    behind = _DIGITS_BEHIND.match(folded, last)
    whole = (before[0] if before else "") + folded[first:last] + (behind[0][:_NEAR] if behind else "")
    parts = re.findall(r"\d+", whole, re.ASCII)
    return len(parts) > 1 and all(len(part) == 8 and day_of(part) is not None for part in parts)  # noqa: PLR2004


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """One character for one: half-width, digits however they are written as digits."""
    if character in _AS_X:
        return "X"
    folded = normalize("NFKC", character).translate(_IN_WORDS)
    return half(str(digit(folded, folded))) if len(folded) == 1 else character


def _without(pattern: re.Pattern[str], text: str, places: range | list[int]) -> tuple[str, range | list[int]]:
    """The text without what matches, and where each character of it stood."""
    if pattern.search(text) is None:
        return text, places
    gaps = [match.span() for match in pattern.finditer(text)]
    kept: list[int] = []
    begin = 0
    for start, end in [*gaps, (len(text), len(text))]:
        kept.extend(range(begin, start))
        begin = end
    return "".join(text[place] for place in kept), [places[place] for place in kept]


def _is_resident(number: str) -> bool:
    return number[:2] in _PROVINCES and number[6:8] in {"19", "20"} and birth_date("resident_id", number) is not None


def _is_old(text: str) -> bool:
    digits = _digits(text)
    return _is_resident(f"{digits[:6]}19{digits[6:]}0")


def _is_card(text: str) -> bool:
    digits = _digits(text)
    if len(digits) == _LENGTH and digits[0] in _CODE_HEADS:
        return False
    places = digits.encode()
    return (sum(places[-1::-2].translate(_ONCE)) + sum(places[-2::-2].translate(_TWICE))) % 10 == 0


def _digits(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


def _always(_text: str) -> bool:
    return True
