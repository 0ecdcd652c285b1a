"""Texts that people write: one line or several, nothing in them that the eye misses, and no number of a person.

What is kept sealed (`Said`) may name anybody; all others stand in clear, in the log of the person concerned, in
events and in other nodes.
"""

from typing import Annotated
from unicodedata import category, normalize

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from creditmesh.schemas.rules.characters import is_unseen
from creditmesh.schemas.rules.fillers import says_nothing
from creditmesh.schemas.rules.personal_numbers import holds_personal_number

STORABLE = r"^[^\x00]*$"
"""Any text but one with NUL, which no database column holds."""
PRINTED = r"^[^\x00-\x1f\x7f]+$"
"""A text of one line, without control characters."""
LINES = r"^[^\x00-\x08\x0b-\x1f\x7f]+$"
"""A text of one line or several."""

_MOST_DIGITS = 5
_LAYOUT = frozenset("\t\n")
_NOT_SEEN = frozenset({"Cs", "Co", "Cn", "Zl", "Zp"})


def of_nobody(text: str) -> str:
    """The text, if all of it is seen and nothing in it reads as a number of a person."""
    if any(category(each) in _NOT_SEEN or (is_unseen(each) and each not in _LAYOUT) for each in text):
        raise PydanticCustomError("unseen_character", "the text has a character that is not seen")
    if holds_personal_number(text, strict=True):
        raise PydanticCustomError("identity_number", "the text holds a person's number")
    return text


def in_clear(text: str) -> str:
    """The same, if it says something."""
    if says_nothing(of_nobody(text)):
        raise PydanticCustomError(
            "says_nothing", "the text has no letter and no digit, or a word in place of what it says"
        )
    return text


def _naming(text: str) -> str:
    run = 0
    for character in normalize("NFKC", in_clear(text)):
        run = run + 1 if character.isdigit() else 0
        if run > _MOST_DIGITS:
            raise PydanticCustomError("identity_number", "six digits in a row may be a person's number")
    return text


Officer = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64, strip_whitespace=True, pattern=PRINTED),
    AfterValidator(_naming),
]
"""A named person of a party: a name or a staff number, never six digits in a row (no personal numbers)."""

Cited = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=PRINTED),
    AfterValidator(in_clear),
]
"""A document that is cited, such as a decision's number. It travels in clear: no person's data."""

CitedElsewhere = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=PRINTED),
    AfterValidator(of_nobody),
]
"""The same as another node has accepted it: whether it says something was judged there, by the rules of that day."""

Note = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, strip_whitespace=True, pattern=PRINTED),
    AfterValidator(in_clear),
]
"""Why something was decided or answered so, in clear: no person's data."""

Why = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, strip_whitespace=True, pattern=LINES),
    AfterValidator(in_clear),
]
"""The reason of a change of the catalogue, in lines; everybody may read it."""

Said = Annotated[str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True, pattern=STORABLE)]
"""Free text about a person's case: it is kept sealed."""

Storable = Annotated[str, StringConstraints(pattern=STORABLE)]
"""Any text that a database column holds."""

Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=PRINTED)]
"""The name of something in the machine, such as a key's id or an algorithm."""
