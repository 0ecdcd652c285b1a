"""Numbers of decisions (文书号): what two clerks would read as the same number is one text, and a filler is none."""

import re
from collections.abc import Set as AbstractSet

from creditmesh.schemas.rules.names import simplified
from creditmesh.schemas.rules.numbers import ALIKE, HIDING, computed_in, half_width, is_longer, significant
from creditmesh.schemas.rules.values import remembered

LONGEST = 256
"""Characters of the longest number of a decision, certificate or file: a longer text is compared as it stands."""

_OPENING_PLAIN, _CLOSING_PLAIN = "([（〔【", ")]）〕】"
_OPENING = _OPENING_PLAIN + "⌈⌊{<‹«“‘„‚〈《「『〖〘〚〝⟦⟨⟪⟬⟮⦅⦗❨❪❬❮❰❲❴⁅≪"
_CLOSING = _CLOSING_PLAIN + "⌉⌋}>›»”’‟‛〉》」』〗〙〛〞〟⟧⟩⟫⟭⟯⦆⦘❩❫❭❯❱❳❵⁆≫"
_MARKS = str.maketrans(_OPENING + _CLOSING + "號", "(" * len(_OPENING) + ")" * len(_CLOSING) + "号")
"""Brackets and 号, in whatever form they have."""
_DIGITS = str.maketrans("OI〇○◯零一二三四五六七八九", "01" + "0" * 4 + "123456789")
_FORMAL = str.maketrans("壹贰叁肆伍陆柒捌玖拾佰仟", "一二三四五六七八九十百千")
_NUMERALS = frozenset("0123456789〇○◯零一二三四五六七八九十百千壹贰叁肆伍陆柒捌玖拾佰仟")
_UNITS = {"十": 10, "百": 100, "千": 1000}

_PLAIN = re.compile(
    rf"([\u4e00-\u9fff]+)[{re.escape(_OPENING_PLAIN)}]([12]\d{{3}})[{re.escape(_CLOSING_PLAIN)}]0{{0,16}}([1-9]\d*号)",
    re.ASCII,
)
"""The usual form; what its groups leave out is leading noughts."""
_ENDS = re.compile(r"^[^\w()]+|[^\w()]+$")
_SMALL_ELL = re.compile(r"(?<![A-Za-z])[lｌ]+(?=[\dIO号])|(?<=\d)[lｌ]+(?![A-Za-z])")
"""A 1 to whoever reads it, where the capital is none."""
_DASHES = re.compile(r"-{2,}")
_YEAR = re.compile(r"\(+([\dOI〇○◯零一二三四五六七八九]{4})年?度?\)+", re.ASCII)
_WORDED = re.compile(r"[〇○◯零一二三四五六七八九十百千壹贰叁肆伍陆柒捌玖拾佰仟]+(?=号$)")
_ORDER = re.compile(r"第(?=\d)", re.ASCII)
_RUNNING = re.compile(r"(?<=\))[\dOI]*\d[\dOI]*号?$", re.ASCII)
_ROUND = "○◯"
"""A nought in a year or a number in words, a mark anywhere else."""
_HIDDEN = re.compile(
    rf"[{re.escape(HIDING.translate(dict.fromkeys(map(ord, _ROUND))))}×✕✖╳⨯]|X{{3,}}|[_.·・‧•]{{2,}}|-{{3,}}"
    rf"|[0-9A-Z][{_ROUND}]{{2,}}|[{_ROUND}]{{2,}}[0-9A-Z]"
)
_COUNTING = frozenset("〇零一二三四五六七八九十百千甲乙丙丁戊己庚辛壬癸")
_ATTACHED = re.compile(r"(?<=[件表页])[\d一二三四五六七八九十]+")
"""附件1: which of them it stands in."""
_SAME = 6
"""So many of one digit are nobody's number."""
_ZEROS = re.compile(r"(?<!\d)0+(?=[1-9]\d*号$)|(?<=\([12]\d{3}\))0+(?=[1-9])", re.ASCII)
_YEARS = re.compile(r"\([12]\d{3}\)|[12]\d{3}年", re.ASCII)
_YEAR_ALONE = re.compile(r"([12]\d{3})年?度?", re.ASCII)
"""Where one is decided on once a year, as of a rating, the year is its number."""


def _one_text(number: str) -> str:
    if plain := _PLAIN.fullmatch(number):
        return f"{simplified(plain[1])}({plain[2]}){plain[3]}"
    if is_longer(number, LONGEST):
        return number
    ones = _SMALL_ELL.sub(lambda found: "1" * len(found[0]), number)
    text = _DASHES.sub("-", simplified(_without_blanks(ones)).translate(ALIKE).translate(_MARKS))
    text = _YEAR.sub(_year, _ENDS.sub("", text))
    while text[:1] == "(" and text[-1:] == ")" and _is_balanced(text[1:-1]) and not _YEARS.fullmatch(text):
        text = _ENDS.sub("", text[1:-1])
    if year := _YEAR_ALONE.fullmatch(text):
        return year[1]
    text = _ORDER.sub("", _WORDED.sub(_worded, text))
    return _ZEROS.sub("", _RUNNING.sub(_running, text))


one_text = remembered(_one_text, most=8192)
"""A number as it is compared: two that a person reads as the same have the same text.

Brackets, dashes, width, case, white space but between two numerals, characters that print nothing or look alike make
no difference, nor does how the field writes the year and the running number: 〔二〇二六〕第012号, [2026]12 and
(2026)12号 are one. A number as GB/T 9704 has it (示罚〔2026〕12号) keeps its text but for the brackets.
"""


def fault_of(text: str, fillers: AbstractSet[str], *, decision: bool) -> str | None:
    """Why a text tells no record apart, as the code of a reason; None if it does. `decision`: it is the 文书号."""
    if _PLAIN.fullmatch(text):
        return None
    if is_longer(text, LONGEST):
        return "decision_filler"
    if computed_in(text):
        return "number_computed"
    tells = is_number(text, fillers) if decision else not is_filler(text, fillers)
    return None if tells else "decision_filler"


def is_number(text: str, fillers: AbstractSet[str]) -> bool:
    """Whether a decision's number tells it from others: no filler, and beside the year a digit, none of them hidden."""
    if _PLAIN.fullmatch(text):
        return True
    number = one_text(text)
    if is_filler(text, fillers) or any(mark in number for mark in _ROUND):
        return False
    told = number if _YEAR_ALONE.fullmatch(number) else _YEARS.sub("", number)
    return any(character in "123456789" for character in told)


def is_filler(text: str, fillers: AbstractSet[str]) -> bool:
    """Whether a text in a number's place tells nothing apart.

    It has nothing that counts, hidden characters, one digit again and again, or is a word of the catalogue's.
    """
    said = significant(text)
    return (
        not any(character.isdigit() or character in _COUNTING for character in said)
        or not said.strip("0")
        or said == said[0] * max(len(said), _SAME)
        or _ATTACHED.sub("", said) in fillers
        or _HIDDEN.search(half_width(text).translate(ALIKE)) is not None
    )


def _without_blanks(text: str) -> str:
    """Half-width without white space, but for one blank where it alone keeps two numerals apart: 1 12 is not 11 2."""
    joined = ""
    for part in filter(None, map(half_width, text.split())):
        joined += f" {part}" if joined[-1:] in _NUMERALS and part[0] in _NUMERALS else part
    return joined


def _year(found: re.Match[str]) -> str:
    year = found[1].translate(_DIGITS)
    return f"({year})" if year[0] in "12" else found[0]


def _running(found: re.Match[str]) -> str:
    digits = found[0].removesuffix("号").translate(_DIGITS)
    return f"{digits.lstrip('0') or '0'}号"


def _worded(found: re.Match[str]) -> str:
    words = found[0].translate(_FORMAL)
    if not any(unit in words for unit in _UNITS):
        return words.translate(_DIGITS)
    total, digit = 0, 0
    for character in words:
        if character in _UNITS:
            total, digit = total + (digit or 1) * _UNITS[character], 0
        else:
            digit = int(character.translate(_DIGITS))
    return str(total + digit)


def _is_balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0
