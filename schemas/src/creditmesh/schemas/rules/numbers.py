"""How the numbers of documents are written: whatever a person would read as the same number becomes one text.

Nothing here knows whose number it is. `rules.identity` does, and is the only way from a number to a subject.
"""

import re
from datetime import date
from operator import mul
from unicodedata import category, decimal

from creditmesh.schemas.identifiers import DocumentType
from creditmesh.schemas.rules.characters import ALIKE, BLANKS, DASHES, DOTS, HIDING, MARKS, RADICALS, TIMES, nfkc

_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS = "10X98765432"
_RESIDENT_OFFSET = 48 * sum(_RESIDENT_WEIGHTS) % 11
# Indexed by the weighted sum of the ASCII bytes, so that no digit is subtracted on the way.
_RESIDENT_TABLE = "".join(_RESIDENT_CHECKS[(i - _RESIDENT_OFFSET) % 11] for i in range(11))

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_BYTES = _USCC_ALPHABET.encode()
_USCC_VALUES = bytes.maketrans(_USCC_BYTES, bytes(range(31)))
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)

LONGEST = 128
"""Characters of the longest number, with all that people write around and between its digits."""

_LONGEST_HALF_WIDTH = 512
"""Characters of the longest one of any kind, a decision's among them, however it is written out."""
_AS_X = str.maketrans(dict.fromkeys(TIMES, "X"))
_UNSEEN = MARKS | {"Cc", "Cf", "Zs", "Zl", "Zp"}
_BETWEEN = str.maketrans("", "", "-.,'\"`´‘’‚‛“”„=()[]{}〔〕【】〖〗《》〈〉「」『』·・‧•_" + DOTS)
_ENDS = re.compile(r"^[\W_]+|(?<![\W_])[\W_]+$")
_MARKED = r"NO[.:]|[\u4e00-\u9fff()_]{1,24}?[号码证]:"
_GUARDED = r"""(?:(?<!["'(=\d])|(?<=(?<!\d)[12]\d{3}))["'(=]*+"""
"""What may stand around a label, which is none behind a digit but a year's: without it two numbers would be one."""
_LABEL = re.compile(
    rf"""(?:{_GUARDED}(?:{_MARKED}"""
    r"""|(?:(?:居民|公民)?身份证|护照|(?:工商|营业执照)?注册|(?:统一)?社会信用|组织机构|纳税人识别|证件|登记)"""
    r"""(?:证号|号码?|代码)(?=[("'A-Z\d])|编号(?=[("'A-Z\d])))+"""
)
"""No., №, 注册号：, what a document's number follows. NO without its point may be letters of the number."""


def _of_decisions(guarded: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?:{guarded}(?:{_MARKED}|[\u4e00-\u9fff]{{0,8}}(?:决定书|处罚|许可|文书)文书?号(?=.)|(?:文书?号|编号|案号)(?=.)))+"
        r"|\([\u4e00-\u9fff]{2,16}书\)(?=.)"
    )


DECISIONS_LABEL, FORMER_LABEL = _of_decisions(r"""(?<!["'(=\d])["'(=]*+"""), _of_decisions(_GUARDED)
"""Of a decision's number, and where it could also stand behind a year: 示罚2026No.7 is not 示罚20267."""
_COPY = re.compile(
    r"(?:\((?:\d{1,2}[-/]\d{1,2}|[正副]本[^()]{0,8}|复印件|原件|[\u4e00-\u9fff]{0,16}(?:书|证|执照))\)"
    r"|(?<=号)[\u4e00-\u9fff]{0,12}(?:决定|通知|告知)书)+$"
)
"""（1-1）, （副本）, （行政处罚决定书）: on which copy it stood, or in which document."""
_COUNTED_COPY = re.compile(
    r"""^(["'=(]*(?:\d{13}(?=[-/]\d(?!\d))|\d{15}|[0-9A-Z]{18}))[-/]\d{1,2}(?=["')]*$)""", re.ASCII
)
"""The same behind a whole number: 990000600000001-1."""
_ELL = re.compile(r"(?<![A-Za-zｌ])[lｌ]+(?=[\dIO号])|(?<=\d)[lｌ]+(?![A-Za-z])")
_MASKED = re.compile(
    rf"[{re.escape(HIDING)}]|[.·・‧•{DOTS}]{{2,}}|_{{2,}}|(?<=\w)-{{2,}}|(?<!-)-{{3,}}+(?=\w)"
    rf"|[{TIMES}](?=.*[{TIMES}0-9A-Z])|X{{3,}}"
)
_POINT = f"[.,。'’٫·・{DOTS}]"
_POWER = rf"(?:[ED][+-]\d+|[X*·・{DOTS}{TIMES}]10\^?[+-]?\d+)"
_FLOATING = rf"\d[\d,]*{_POINT}\d*(?:[ED]\d+|{_POWER})|\d+[ED][+-]\d+|\d+[X*{TIMES}]10\^[+-]?\d+"
_COMPUTED = re.compile(rf"{_FLOATING}|\d[\d,]*\.\d{{1,2}}|\d+,0{{1,2}}|\d[.,]\d{{4,}}")
_COMPUTED_IN = re.compile(rf"(?<![A-Z0-9])\d(?:{_POINT}\d*)?[ED]\+\d+")
"""The one form that no number of a decision has by itself: 京3E-12号 and 川3·1023号 are genuine."""
_WHOLE = re.compile(rf"{_FLOATING}|\d{{5,}}[.,٫]0{{1,2}}|\d[.,]\d{{7,}}")
_CODES = frozenset({9, 18})
"""Characters of an organisation's code, in part and whole: any letter of it may be an L."""
_CITIZEN_ALIKE = str.maketrans("OIL", "011")
_CODE_ALIKE = str.maketrans("OI", "01")
_CARD_WORDS = str.maketrans("", "", "字第號号证證")

_SHAPES: dict[DocumentType, re.Pattern[str]] = {
    # Nobody's has more than nine characters (ICAO 9303) and begins with NO: that is the mark beside the number.
    "passport": re.compile(r"((?=[A-Z]*\d)(?!NO.{8})[A-Z0-9]{5,14})"),
    # The two digits behind say how often it was renewed.
    "hk_macao_permit": re.compile(r"([HM][A\d]\d{7})(?:\d{2})?"),
    "taiwan_permit": re.compile(r"((?![HM])[A-Z]?\d{8})(?:\d{2}[A-Z]?)?"),
    "foreign_resident_id": re.compile(r"([A-Z]{3}\d{12})"),
    "officer_card": re.compile(r"([\u4e00-\u9fff]{1,3}\d{4,8})"),
    "soldier_card": re.compile(r"([\u4e00-\u9fff]{1,3}\d{4,8})"),
    "registration": re.compile(r"((?=(?:[A-Z]*\d){6})(?!N0.{8})[A-Z0-9]{7,17})"),
}
"""The part that identifies of every document that is not numbered like a resident or an organisation."""


def written(text: str) -> str:
    """A number as it is stored and compared: half-width, upper case, without what stands around and between its digits.

    Guards against spreadsheets (`="…"`, a leading `'`), dashes, invisible characters and the look-alikes of other
    scripts are read through. A text that is masked or was computed with keeps its marks, so that it can be said why it
    is no number. A text that is longer than any number is left as it is. What was read so once reads so again.
    """
    while (once := _written(text)) != text:
        text = once
    return text


def _written(text: str) -> str:
    if is_longer(text, LONGEST) or "\0" in text:
        return text
    if text.isascii() and text.isalnum() and "l" not in text:
        return text.upper()
    plain = alone(
        half_width(
            (text.replace("l", "1").replace("ｌ", "1") if _means_ones(text) else text).replace("№", "No.")
        ).translate(ALIKE)
    )
    marked = _ENDS.sub("", plain)
    if not marked or _COMPUTED.fullmatch(marked) or _MASKED.search(plain):
        return plain
    return _ENDS.sub("", _COUNTED_COPY.sub(r"\1", plain).translate(_AS_X).translate(_BETWEEN))


def alone(number: str, label: re.Pattern[str] = _LABEL) -> str:
    """A half-width number without its label and without what says on which copy or in which document it stands.

    A text that is longer than any number is left as it is.
    """
    if len(number) > _LONGEST_HALF_WIDTH:
        return number
    return _COPY.sub("", label.sub("", number, count=1))


def with_ones(text: str) -> str:
    """The text with every small l among digits as the 1 that it prints like; its capital is a letter."""
    return _ELL.sub(lambda found: "1" * len(found[0]), text)


def _means_ones(number: str) -> bool:
    # In a code that is typed in small letters it is an L, as it may be where nothing says how the rest is typed.
    if "l" not in number and "ｌ" not in number:
        return False
    letters = [c for c in nfkc(number) if c.isascii() and c.isalpha() and c != "l"]
    if any(map(str.islower, letters)):
        return False
    return bool(letters) or len(significant(number)) not in _CODES


def half_width(text: str) -> str:
    """Upper case, half-width (NFKC), digits of any script as ASCII ones, without white space or what prints nothing."""
    if text.isascii() and text.isprintable():
        return text.upper().replace(" ", "")
    while (folded := _narrow(text)) != text:
        text = folded
    return text


def is_longer(text: str, most: int) -> bool:
    """Whether it has more characters than that, as it stands or half-width: one ligature may become eighteen.

    Asked before a text is read, so that what reads it may cost more than its length says.
    """
    return len(text) > most or (not text.isascii() and len(nfkc(text)) > most)


def computed(number: str) -> bool:
    """Whether a written text is what a spreadsheet made of a number (`9.9E+14`, `990000.0`): its digits are lost."""
    return not number.isalnum() and _COMPUTED.fullmatch(_ENDS.sub("", number)) is not None


def computed_in(text: str) -> bool:
    """Whether a number of letters and digits, such as a decision's, has what a spreadsheet made of one."""
    plain = half_width(text)
    return _COMPUTED_IN.search(plain) is not None or _WHOLE.fullmatch(_ENDS.sub("", plain)) is not None


def masked(number: str) -> bool:
    """Whether a written text has digits that were hidden."""
    return "XXX" in number or (not number.isalnum() and _MASKED.search(number) is not None)


def significant(text: str) -> str:
    """Its letters and digits alone: how a filler is compared."""
    return "".join(filter(str.isalnum, half_width(text)))


def citizen(number: str) -> str | None:
    """The 18 characters of a resident's number, an old one written out; None if it is none by its form."""
    text = number.translate(_CITIZEN_ALIKE)
    if len(text) == 15:  # noqa: PLR2004 - the first generation's length
        return _widened(text)
    return text if len(text) == 18 and text.isascii() and text[:17].isdigit() and text[17] in "0123456789X" else None  # noqa: PLR2004


def old_citizen(number: str) -> str | None:
    """The 15 digits that a resident born before 2000 had; None if there were none."""
    return number[:6] + number[8:17] if number[6:8] == "19" else None


def organisation_code(number: str) -> str | None:
    """18 characters, or the nine of an organisation code, which are characters 9 to 17 of it; None if it is neither."""
    text = number.translate(_CODE_ALIKE)
    whole = len(text) == 18 and text.isascii() and not text.encode().translate(None, _USCC_BYTES)  # noqa: PLR2004
    return text if whole or re.fullmatch(r"[A-Z0-9]{8}[0-9X]", text, re.ASCII) else None


def shaped(document: DocumentType, number: str) -> str | None:
    """What identifies somebody in a number of any other document; None if it has not the document's form."""
    if document in {"officer_card", "soldier_card"}:
        number = number.translate(_CARD_WORDS)
    elif document == "registration":
        number = number.translate(_CODE_ALIKE)
    shape = _SHAPES.get(document)
    found = None if shape is None else shape.fullmatch(number)
    return None if found is None else found[1]


def resident_check(first: str) -> str:
    """The 18th character of a resident number (GB 11643-1999) from its 17 digits."""
    return _RESIDENT_TABLE[sum(map(mul, first.encode(), _RESIDENT_WEIGHTS)) % 11]


def uscc_check(first: str) -> str:
    """The 18th character of an organisation code (GB 32100-2015) from its first 17."""
    return _USCC_ALPHABET[-sum(map(mul, first.encode().translate(_USCC_VALUES), _USCC_WEIGHTS)) % 31]


def organisation_check(first: str) -> str:
    """The ninth character of an organisation code (GB 11714-1997) from its first eight."""
    return "0123456789X0"[11 - sum(int(c, 36) * w for c, w in zip(first, _ORGANISATION_WEIGHTS, strict=True)) % 11]


def day_of(digits: str) -> date | None:
    """The day of eight digits; None if there was none."""
    if not (digits.isascii() and digits.isdigit()):
        return None
    try:
        return date.fromisoformat(digits)
    except ValueError:
        return None


def _narrow(text: str) -> str:
    plain = nfkc(text.upper().translate(RADICALS))
    seen = (c for c in plain if category(c) not in _UNSEEN and c not in BLANKS)
    return "".join(half(c) for c in seen)


def half(character: str) -> str:
    """A character after NFKC: a digit of any script as an ASCII one, whatever prints as a dash as one."""
    if character.isascii():
        return character
    if character.isdecimal():
        return str(decimal(character))
    return "-" if category(character) == "Pd" or character in DASHES else character


def _widened(number: str) -> str | None:
    # 996 to 999 marked centenarians, born in the century before: written out, those would change their birth date.
    if not (number.isascii() and number.isdigit()) or number >= "9" * 15 or number[12:] >= "996":
        return None
    first = f"{number[:6]}19{number[6:]}"
    return first + resident_check(first) if day_of(first[6:14]) is not None else None
