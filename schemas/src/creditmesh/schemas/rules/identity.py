"""Identity numbers: how they are written, what their check digits say, when a person was born.

A check is a finding, never a refusal by itself: genuine codes exist whose check digit is wrong, and about one resident
number in 31 also passes the organisations' check. So the kind of a subject is what the row says it is; a number is only
compared with it (`agrees`), and nothing here guesses a kind.
"""

import re
from datetime import date
from enum import Enum
from operator import mul
from typing import NamedTuple
from unicodedata import digit, normalize

from creditmesh.schemas.identifiers import DocumentType, SubjectKind

USCC_PLACEHOLDER = "0" * 17 + "X"
"""What a sole trader without an organisation code writes instead; it fails the check digit and then needs a
registration number."""

SANDBOX_REGION = "990000"
"""A region code that was never given out: every invented number has it."""

ADULT_YEARS = 18

_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS = "10X98765432"
_RESIDENT_OFFSET = 48 * sum(_RESIDENT_WEIGHTS) % 11
# Indexed by the weighted sum of the ASCII bytes, so that no digit is subtracted on the way.
_RESIDENT_TABLE = "".join(_RESIDENT_CHECKS[(i - _RESIDENT_OFFSET) % 11] for i in range(11))

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_BYTES = _USCC_ALPHABET.encode()
_USCC_VALUES = bytes.maketrans(_USCC_BYTES, bytes(range(31)))
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))

_BETWEEN = re.compile(r"(?<=[0-9])[\W_]+(?=[0-9X])")
_NUMBERS = re.compile(r"\d{14,}[\dX]", re.ASCII)
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"

_DOCUMENTS: dict[SubjectKind, frozenset[DocumentType]] = {
    "natural_person": frozenset({"resident_id", "passport", "hk_macao_permit", "taiwan_permit", "foreign_resident_id"}),
    "organisation": frozenset({"uscc", "registration"}),
    "sole_trader": frozenset({"uscc", "registration"}),
}


class NumberFinding(Enum):
    """What a look at one number says."""

    GOOD = "good"
    UNCHECKED = "unchecked"
    """This type of document has no check that we know."""
    SHAPE = "shape"
    """Wrong length or characters."""
    CHECK_DIGIT = "check_digit"
    BIRTH_DATE = "birth_date"
    """The check digit is right, the date in the number is no day."""
    PLACEHOLDER = "placeholder"


class Normalised(NamedTuple):
    """A number as it is stored and looked up."""

    number: str
    widened: bool = False
    """A 15-digit resident number was written out to 18."""


def normalise(document: DocumentType, number: str) -> Normalised:
    """The number in half-width, upper-case characters without any white space; old resident numbers in 18 digits."""
    text = tidy(number)
    if len(text) == 15 and document == "resident_id":  # noqa: PLR2004 - the first generation's length
        wide = _widened(text)
        if wide is not None:
            return Normalised(wide, widened=True)
    return Normalised(text)


def tidy(number: str) -> str:
    """NFKC, no white space or invisible characters, upper case: how every kind of number is compared."""
    if number.isascii():
        return number.upper() if number.isalnum() else "".join(number.split()).upper()
    while (text := _folded(number)) != number:
        number = text
    return number


def judge(document: DocumentType, number: str) -> NumberFinding:
    """What a normalised number of this document type looks like."""
    match document:
        case "resident_id":
            return _judge_resident(number)
        case "foreign_resident_id" if len(number) == 18:  # noqa: PLR2004 - the 2023 card is numbered like a resident's
            return _judge_resident(number)
        case "uscc":
            return _judge_uscc(number)
        case _:
            return NumberFinding.UNCHECKED if number else NumberFinding.SHAPE


def agrees(kind: SubjectKind, document: DocumentType, number: str) -> bool:
    """Whether a normalised number could belong to the kind the row states. A disagreement is for a person to judge.

    Organisation codes of sole traders begin with 92 and no others do (GB 32100-2015). A code that reads as a resident's
    number, birth date and all, is in doubt whatever its check digit says.
    """
    if document not in _DOCUMENTS[kind]:
        return False
    if document != "uscc" or number == USCC_PLACEHOLDER:
        return document != "uscc" or kind == "sole_trader"
    if number.startswith("92") != (kind == "sole_trader"):
        return False
    return not (number[6:8] in {"19", "20"} and _judge_resident(number) is NumberFinding.GOOD)


def birth_date(document: DocumentType, number: str) -> date | None:
    """The birth date that a normalised number carries; None if it carries none."""
    if document not in {"resident_id", "foreign_resident_id"} or len(number) != 18:  # noqa: PLR2004
        return None
    return _day(number[6:14])


def age_on(born: date, day: date) -> int:
    """Completed years on that day; who was born on 29 February completes them on 1 March of other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def is_minor(born: date, day: date) -> bool:
    """Under 18 on that day: no subject of credit records (full civil capacity)."""
    return age_on(born, day) < ADULT_YEARS


def is_invented(document: DocumentType, number: str) -> bool:
    """Whether a normalised number is one of the sandbox's: its region was never given out."""
    if document == "uscc":
        return number[2:8] == SANDBOX_REGION
    return number.startswith(SANDBOX_REGION)


def holds_number(text: str) -> bool:
    """Whether something in a free text reads as a resident's number, however it is spaced or written wide.

    18 characters with a day in them are one where they stand alone, whatever their check digit says, and in a longer
    row of digits where it is right; 15 with a day are one where they stand alone. Other documents' numbers look like
    anything: no text can be searched for them.
    """
    digits = "".join(str(digit(character, character)) for character in _folded(text))
    compact = _BETWEEN.sub("", digits)
    return any(_reads_as_number(found[0]) for found in _NUMBERS.finditer(compact))


def _reads_as_number(digits: str) -> bool:
    if len(digits) == 15:  # noqa: PLR2004 - the first generation's length
        return _day(f"19{digits[6:12]}") is not None
    alone = len(digits) == 18  # noqa: PLR2004
    good = {NumberFinding.GOOD, NumberFinding.CHECK_DIGIT} if alone else {NumberFinding.GOOD}
    windows = (digits[start : start + 18] for start in range(len(digits) - 17))
    return any(_judge_resident(each) in good and _born(each) for each in windows)


def _born(number: str) -> bool:
    return number[6:8] in {"19", "20"} and _day(number[6:14]) is not None


def resident_check(first: str) -> str:
    """The 18th character of a resident number (GB 11643-1999) from its 17 digits."""
    return _RESIDENT_TABLE[sum(map(mul, first.encode(), _RESIDENT_WEIGHTS)) % 11]


def uscc_check(first: str) -> str:
    """The 18th character of an organisation code (GB 32100-2015) from its first 17."""
    return _USCC_ALPHABET[-sum(map(mul, first.encode().translate(_USCC_VALUES), _USCC_WEIGHTS)) % 31]


def _folded(number: str) -> str:
    # What folding one character leaves beside another may fold again: the caller repeats it until nothing moves.
    text = normalize("NFKC", number.upper())
    return "".join(c for c in text if not c.isspace() and c not in _INVISIBLE)


def _judge_resident(number: str) -> NumberFinding:
    if len(number) != 18 or not number.isascii() or not number[:17].isdigit():  # noqa: PLR2004
        return NumberFinding.SHAPE
    if _RESIDENT_TABLE[sum(map(mul, number.encode(), _RESIDENT_WEIGHTS)) % 11] != number[17]:
        return NumberFinding.CHECK_DIGIT
    return NumberFinding.GOOD if _day(number[6:14]) is not None else NumberFinding.BIRTH_DATE


def _judge_uscc(number: str) -> NumberFinding:
    code = number.encode()
    if len(code) != 18 or code.translate(None, _USCC_BYTES):  # noqa: PLR2004
        return NumberFinding.SHAPE
    if number == USCC_PLACEHOLDER:
        return NumberFinding.PLACEHOLDER
    values = code.translate(_USCC_VALUES)
    return (
        NumberFinding.GOOD
        if (sum(map(mul, values, _USCC_WEIGHTS)) + values[17]) % 31 == 0
        else NumberFinding.CHECK_DIGIT
    )


def _day(digits: str) -> date | None:
    if not (digits.isascii() and digits.isdigit()):
        return None
    try:
        return date.fromisoformat(digits)
    except ValueError:
        return None


def _widened(number: str) -> str | None:
    # 996 to 999 marked centenarians, born in the century before: written out, those would change their birth date.
    if not (number.isascii() and number.isdigit()) or number >= "9" * 15 or number[12:] >= "996":
        return None
    first = f"{number[:6]}19{number[6:]}"
    return first + resident_check(first) if _day(first[6:14]) is not None else None
