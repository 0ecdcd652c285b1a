"""Numbers of persons in a text that is shown in clear: resident numbers, mobile numbers, bank cards.

Found however they are spaced or written wide. Other documents' numbers look like anything: no text can be searched for
them. A number that reads as a person's may be something else; whoever finds one asks a person, and shows stars.
"""

import re
from collections.abc import Iterator
from unicodedata import digit, normalize

from creditmesh.schemas.rules.identity import birth_date
from creditmesh.schemas.rules.numbers import half, resident_check

VERSION = 1
"""Of this rule: one more where more is found. What a text was searched by is kept with it (public forms)."""

_IN_WORDS = str.maketrans("〇零○一二三四五六七八九壹贰叁肆伍陆柒捌玖", "000" + "123456789" * 2)
_AS_X = frozenset("ХхΧχ×✕✖╳⨯")
"""What stands for the X of a check digit and prints like it."""
_DIGIT = "\\d\u00b2\u00b3\u00b9\u2070-\u2079\u2080-\u2089\u2460-\u2468\u24ea\u2776-\u277e" + "".join(
    map(chr, _IN_WORDS)
)
_ENOUGH = re.compile(rf"(?:[{_DIGIT}][^{_DIGIT}]{{0,8}}){{10}}[{_DIGIT}]")
"""A mobile number is the shortest that is looked for: eleven digits near each other."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_BETWEEN = re.compile(r"(?<=[0-9])[\W_]{1,8}(?=[0-9Xx])")
_RUNS = re.compile(r"[0-9]{14,}[0-9Xx]")
_GAP = "(?: {1,2}| ?- ?)?"
_POINT = f"(?:[,./_·]|{_GAP})"
_OLD = re.compile(rf"(?<!\d)\d{{6}}{_GAP}\d{{6}}{_GAP}\d{{3}}(?!\d)", re.ASCII)
_MOBILE = re.compile(
    rf"(?<!\d)(?:(?:\+|00)?86{_GAP}|0)?(?:1[3-9]\d|\(1[3-9]\d\)){_POINT}\d{{4}}{_POINT}\d{{4}}(?!\d)", re.ASCII
)
_CARD = re.compile(rf"(?<!\d)[3-69](?:{_GAP}\d){{15,18}}(?!\d)", re.ASCII)
_PROVINCES = frozenset(
    ("11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
     "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82", "83", "91", "99")
)  # fmt: skip
"""What a resident number begins with (GB/T 2260); 99 is the sandbox's."""
_OLD_LENGTH, _LENGTH = 15, 18
_CODE_HEADS = frozenset("59")
"""No bank card has 18 digits and begins so: it would be an organisation's code."""


def holds_personal_number(text: str, *, strict: bool = False) -> bool:
    """Whether something in the text reads as a person's number.

    `strict`: a resident's number that stands alone is one whatever its check digit says, and however an old one is
    spaced. For what somebody writes freely; in a row such digits may be anything.
    """
    return next(_spans(text, strict=strict), None) is not None


def without_personal_numbers(text: str) -> str:
    """The text with every character of such a number as a star."""
    shown: list[str] | None = None
    for start, end in _spans(text):
        shown = shown or list(text)
        shown[start:end] = "*" * (end - start)
    return text if shown is None else "".join(shown)


def _spans(text: str, *, strict: bool = False) -> Iterator[tuple[int, int]]:
    if _ENOUGH.search(text) is None:
        return
    folded, places = _without(_INVISIBLE, text if text.isascii() else "".join(map(_plain, text)), range(len(text)))
    for pattern, reads in ((_MOBILE, _always), (_OLD, _is_old), (_CARD, _is_card)):
        yield from ((places[m.start()], places[m.end() - 1] + 1) for m in pattern.finditer(folded) if reads(m[0]))
    compact, places = _without(_BETWEEN, folded, places)
    for run in _RUNS.finditer(compact):
        length = run.end() - run.start()
        if strict and length == _OLD_LENGTH and _is_old(run[0]):
            yield places[run.start()], places[run.end() - 1] + 1
        for start in range(run.start(), run.end() - _LENGTH + 1):
            number = compact[start : start + _LENGTH].upper()
            alone = strict and length == _LENGTH
            if _is_resident(number) and (alone or number[17] == resident_check(number[:17])):
                yield places[start], places[start + 17] + 1


def _plain(character: str) -> str:
    """One character for one: half-width, digits however they are written as digits."""
    if character in _AS_X:
        return "X"
    folded = normalize("NFKC", character).translate(_IN_WORDS)
    return half(str(digit(folded, folded))) if len(folded) == 1 else character


def _without(pattern: re.Pattern[str], text: str, places: range | list[int]) -> tuple[str, range | list[int]]:
    """The text without what matches, and where each character of it stood."""
    gaps = [match.span() for match in pattern.finditer(text)]
    if not gaps:
        return text, places
    kept: list[int] = []
    begin = 0
    for start, end in [*gaps, (len(text), len(text))]:
        kept.extend(range(begin, start))
        begin = end
    return "".join(text[place] for place in kept), [places[place] for place in kept]


def _is_resident(number: str) -> bool:
    born = birth_date("resident_id", number)
    return number[:2] in _PROVINCES and number[6:8] in {"19", "20"} and born is not None


def _is_old(text: str) -> bool:
    digits = _digits(text)
    return _is_resident(f"{digits[:6]}19{digits[6:]}0")


def _is_card(text: str) -> bool:
    digits = _digits(text)
    if len(digits) == _LENGTH and digits[0] in _CODE_HEADS:
        return False
    doubled = (sum(divmod(2 * int(each), 10)) for each in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _digits(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


def _always(_text: str) -> bool:
    return True
