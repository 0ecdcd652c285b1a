"""What people write for what: numerals, brackets, look-alikes and what prints nothing, once for every rule."""

import re
from unicodedata import category, normalize

NUMERALS = {
    character: value
    for value, characters in enumerate(
        ("零〇○◯", "一壹弌", "二贰貳弍两兩", "三叁參叄弎", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
    )
    for character in characters
}
"""Digits in words, spoken and formal."""
TENS = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
MYRIADS = {"亿": 100_000_000, "万": 10_000}
IN_DIGITS = str.maketrans({character: str(value) for character, value in NUMERALS.items()})
SPOKEN = str.maketrans(
    "壹弌贰貳弍两兩叁參叄弎肆伍陆陸柒捌玖拾佰仟萬億圓", "一一二二二二二三三三三四五六六七八九十百千万亿圆"
)
"""Formal numerals and units as they are spoken."""
ROUND = "○◯"
"""A nought in a year or a number in words, a mark that hides something anywhere else."""

_QUOTES = "“‘„‚〝", "”’‟‛〞〟"
OPENING = "([（〔【⌈⌊{<‹«〈《「『〖〘〚⟦⟨⟪⟬⟮⦅⦗❨❪❬❮❰❲❴⁅≪" + _QUOTES[0]
CLOSING = ")]）〕】⌉⌋}>›»〉》」』〗〙〛⟧⟩⟫⟭⟯⦆⦘❩❫❭❯❱❳❵⁆≫" + _QUOTES[1]
AS_BRACKETS = str.maketrans(OPENING + CLOSING, "(" * len(OPENING) + ")" * len(CLOSING))
"""Every pair of brackets as round ones, quotation marks among them."""
UNQUOTED: dict[int, int | None] = {**AS_BRACKETS, **str.maketrans("", "", "".join(_QUOTES))}
"""The same with quotation marks as nothing."""

DASHES = "\u2212\u30fc\u2500\u2501"
"""What prints as a dash and is none by its category."""
DOTS = "∙⋅"
TIMES = "×✕✖╳⨯"
ALIKE = str.maketrans("АВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEKMHOPCTYXIJSABEZHIKMNOPTYX")
"""The capitals of other scripts that print like Latin ones: a slip of the input method."""
RADICALS = str.maketrans(
    "⺠⻁⻄⻅⻆⻉⻋⻓⻔⻘⻙⻚⻛⻜⻝⻢⻥⻦⻨⻩⻬⻮⻰⻳", "民虎西见角贝车长门青韦页风飞食马鱼鸟麦黄齐齿龙龟"
)
"""Parts of characters as some programs copy them out of documents; NFKC knows the other radicals."""
HIDING = "*#?※⁎꙳〒〓\ufffd" + "".join(
    mark
    for mark in map(chr, range(0x2190, 0x2C00))
    if category(mark) in {"So", "Sm"} and normalize("NFKC", mark) == mark and mark not in TIMES + DOTS
)
"""What stands in place of characters that are not shown, or were lost: stars, and every symbol that is no letter."""

MARKS = frozenset({"Mn", "Me"})
"""The categories of what stands on the character before it: combining marks, selectors of a variant."""
BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159\U00013441\U00013442")
"""Letters, marks and symbols that print nothing, beside white space, controls and what only joins or varies."""
_SELECTORS = ((0x180B, 0x180F), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF))
_UNPRINTED = {"Cc", "Cf"}
_HIDDEN = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb\U00013430-\U00013442\U0001bca0-\U0001bca3\U0001d159"
    r"\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)
"""What prints nothing, but for layout and what varies the character before it."""
UNSEEN = f"(?:{_HIDDEN.pattern}|[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef])"
"""The pattern of a character that `is_unseen`."""
_ORDINARY = re.compile("[\n -~\u2014-\u201d\u3001-\u3015\u4e00-\u9fff\uff01-\uff5e]*")


_PIECE = 256


def nfkc(text: str) -> str:
    """The text in NFKC, a piece at a time.

    A run of combining marks is sorted in quadratic time. What is shorter than a piece is as `normalize` gives it; in a
    longer one a character and its mark may stay apart at an end.
    """
    if len(text) <= _PIECE or text.isascii():
        return normalize("NFKC", text)
    return "".join(normalize("NFKC", text[start : start + _PIECE]) for start in range(0, len(text), _PIECE))


def is_unseen(character: str) -> bool:
    """Whether a character prints nothing and only joins, turns, controls or varies; white space does not."""
    if character.isascii() and character.isprintable():
        return False
    return (
        character in BLANKS
        or category(character) in _UNPRINTED
        or any(first <= ord(character) <= last for first, last in _SELECTORS)
    )


def is_balanced(text: str) -> bool:
    """Whether each round bracket, of whichever width, has its other one."""
    depth = 0
    for character in text:
        depth += (character in "(（") - (character in ")）")
        if depth < 0:
            return False
    return depth == 0


def is_ordinary(text: str) -> bool:
    """Whether all of it is of the characters that nearly every text consists of, and line feeds."""
    return _ORDINARY.fullmatch(text) is not None


def shown(text: str) -> str:
    """The text without what nobody sees in it, such as marks that turn the rest around.

    Layout stays, and so do selectors of a variant and characters of private use: rare names are written with them.
    """
    return text if is_ordinary(text) else _HIDDEN.sub("", text)
