"""Who is meant by a number: the one way from what somebody wrote to the subject it is about.

`identify` is asked by everybody who looks a subject up: the gate, a query, a screening, an application for a reward,
whoever hands out people's tokens, and what peers send. A wrong form identifies nobody and is refused with its reason; a
wrong check digit may be genuine, since such codes exist, and is only doubted. The kind of a subject is what the row or
the caller says it is: one resident number in 31 also passes the organisations' check, so nothing here guesses it.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import NamedTuple

from creditmesh.schemas.identifiers import DocumentType, SubjectKind
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.rules.numbers import (
    LONGEST,
    citizen,
    computed,
    day_of,
    is_longer,
    masked,
    organisation_check,
    organisation_code,
    resident_check,
    shaped,
    significant,
    uscc_check,
    written,
)

USCC_PLACEHOLDER = "0" * 17 + "X"
"""What a sole trader without an organisation code writes instead; a registration number is needed then. Whatever
stands around it, an organisation code that is one character again and again is nobody's."""

SANDBOX_REGION = "990000"
"""A region code that was never given out: every invented number has it."""

ADULT_YEARS = 18

CITIZENS: frozenset[DocumentType] = frozenset({"resident_id", "household_register", "residence_permit"})
"""Documents with the citizen's number on them, and the permit for residents of 81 Hong Kong, 82 Macao, 83 Taiwan, which
is numbered in the same series: whichever was shown, it is one person."""
_PERMIT_REGIONS = ("81", "82", "83", SANDBOX_REGION[:2])
_BODIES: frozenset[DocumentType] = frozenset({"uscc", "registration"})


class NumberFinding(Enum):
    """What is wrong with a number or doubtful about it, by the code of its reason."""

    FILLER = "number_filler"
    """A word or a dash where a number should stand."""
    MASKED = "number_masked"
    COMPUTED = "number_computed"
    """A spreadsheet's floating point number: the digits are lost."""
    SHAPE = "number_shape"
    """Wrong length or characters."""
    PLACEHOLDER = "placeholder_needs_registration"
    MISMATCH = "kind_number_mismatch"
    CHECK_DIGIT = "check_digit"
    BIRTH_DATE = "birth_date"
    """The check digit is right, the date in the number is no day."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is by a document. Made by `identify` and by nobody else."""

    kind: SubjectKind
    document: DocumentType
    """The one it counts as: a household register has the number of the resident identity card."""
    number: Pii
    doubts: tuple[NumberFinding, ...] = field(default=(), compare=False)
    """What an officer should look at: a check digit, a birth date, a code that is not of the stated kind."""

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the number: the nine characters of an organisation code leave the kind open."""
        return self.document != "uscc" or len(self.number.reveal()) == 18  # noqa: PLR2004

    @property
    def kinds(self) -> tuple[SubjectKind, ...]:
        """The kinds it may be of: the one that was said, where the number tells it; else all that have such numbers."""
        return (self.kind,) if self.is_whole else ("organisation", "sole_trader")

    @property
    def key(self) -> str:
        """What makes two identities one subject: document and number, whatever kind was said.

        An organisation's is the organisation code within its 18 characters, which it keeps for life.
        """
        number = self.number.reveal()
        return f"{self.document}|{number[8:17] if self.document == 'uscc' and len(number) > 9 else number}"  # noqa: PLR2004


def identify(
    kind: SubjectKind, document: DocumentType, number: str, *, fillers: AbstractSet[str] = frozenset()
) -> Identity | NumberFinding:
    """Who this is, or why it is nobody. `fillers` are the catalogue's words that stand where a number should."""
    if document == "resident_id" and kind == "natural_person" and _is_plain_citizen(number, fillers):
        return Identity(kind, document, Pii(number))
    text = written(number)
    fault = _fault_of(text, fillers)
    if fault is not None:
        return fault
    if document == "registration" and len(text) == 18:  # noqa: PLR2004 - since 2015 the code is the registration number
        document = "uscc"
    found = _read(document, text)
    # A code may have three X in a row by chance; then its check digit is right.
    if masked(text) and not (document == "uscc" and isinstance(found, _Read) and not found.doubts):
        return NumberFinding.MASKED
    if isinstance(found, NumberFinding):
        return found
    if (kind == "natural_person") == (found.document in _BODIES):
        return NumberFinding.MISMATCH
    doubts = found.doubts if _agrees(kind, found) else (*found.doubts, NumberFinding.MISMATCH)
    return Identity(kind, found.document, Pii(found.number), doubts)


def _is_plain_citizen(number: str, fillers: AbstractSet[str]) -> bool:
    """Whether it is a resident's number with nothing to read through and nothing to doubt, as nearly all are."""
    return (
        len(number) == 18  # noqa: PLR2004
        and number.isascii()
        and number[:17].isdigit()
        and resident_check(number[:17]) == number[17]
        and day_of(number[6:14]) is not None
        and not is_filler(number, fillers)
    )


def filler_words(words: Iterable[str]) -> frozenset[str]:
    """What `identify` takes as fillers, from the spellings of the catalogue's code set `number_filler`."""
    return frozenset(map(significant, words))


def is_filler(text: str, fillers: AbstractSet[str]) -> bool:
    """Whether something in a number's place says that there is none: no letter, one repeated, a word."""
    plain = text if text.isascii() and text.isalnum() else significant(text)
    return plain == plain[:1] * len(plain) or plain in fillers


def _fault_of(text: str, fillers: AbstractSet[str]) -> NumberFinding | None:
    """Why it is no number of any document; None if it may be one."""
    if is_longer(text, LONGEST):
        return NumberFinding.SHAPE
    if is_filler(text, fillers):
        return NumberFinding.FILLER
    return NumberFinding.COMPUTED if computed(text) else None


class _Read(NamedTuple):
    document: DocumentType
    number: str
    doubts: tuple[NumberFinding, ...] = ()


def _read(document: DocumentType, text: str) -> _Read | NumberFinding:
    if document == "uscc":
        return _body(text)
    if document in CITIZENS or (document == "foreign_resident_id" and len(text) == 18):  # noqa: PLR2004 - the 2023 card
        number = citizen(text)
        if number is None or (document == "residence_permit" and not number.startswith(_PERMIT_REGIONS)):
            return NumberFinding.SHAPE
        return _Read("resident_id", number, _doubts(number))
    found = shaped(document, text)
    return NumberFinding.SHAPE if found is None else _Read(document, found)


def _body(text: str) -> _Read | NumberFinding:
    code = organisation_code(text)
    if code is None:
        return NumberFinding.SHAPE
    own = code[8:17] if len(code) == 18 else code  # noqa: PLR2004
    if is_filler(own.rstrip("X"), frozenset()):
        return NumberFinding.PLACEHOLDER
    check = uscc_check if len(code) == 18 else organisation_check  # noqa: PLR2004
    return _Read("uscc", code, () if check(code[:-1]) == code[-1] else (NumberFinding.CHECK_DIGIT,))


def _doubts(number: str) -> tuple[NumberFinding, ...]:
    if resident_check(number[:17]) != number[17]:
        return (NumberFinding.CHECK_DIGIT,)
    return () if day_of(number[6:14]) is not None else (NumberFinding.BIRTH_DATE,)


def _agrees(kind: SubjectKind, found: _Read) -> bool:
    """Whether the number is one of that kind's.

    Organisation codes of sole traders begin with 92 and no others do (GB 32100-2015); only they are known by a
    registration number. A code that reads as a resident's number, birth date and all, is in doubt whatever its check
    digit says.
    """
    if found.document == "registration":
        return kind == "sole_trader"
    if found.document != "uscc" or len(found.number) < 18:  # noqa: PLR2004 - nine characters tell no kind
        return True
    if found.number.startswith("92") != (kind == "sole_trader"):
        return False
    return not _reads_as_resident(found.number)


def _reads_as_resident(number: str) -> bool:
    return number[:17].isdigit() and number[17] in "0123456789X" and _born(number) and not _doubts(number)


def birth_date(document: DocumentType, number: str) -> date | None:
    """The birth date that an identity's number carries; None if it carries none."""
    return day_of(number[6:14]) if document == "resident_id" else None


def age_on(born: date, day: date) -> int:
    """Completed years on that day; who was born on 29 February completes them on 1 March of other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def is_minor(born: date, day: date) -> bool:
    """Under 18 on that day: no subject of credit records (full civil capacity)."""
    return age_on(born, day) < ADULT_YEARS


def is_invented(document: DocumentType, number: str) -> bool:
    """Whether a number is one of the sandbox's: its region was never given out."""
    if document == "uscc":
        return number[2:8] == SANDBOX_REGION
    return number.startswith(SANDBOX_REGION)


def _born(number: str) -> bool:
    return number[6:8] in {"19", "20"} and day_of(number[6:14]) is not None
