"""One field of an item as it is read: which spellings it takes, and what is said of a value it does not."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from creditmesh.schemas.catalogue import CodeSet, FieldSpec, Item
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.characters import shown
from creditmesh.schemas.rules.coded import code_reader, codes_reader, kept_reader, listed_values, nearest_values
from creditmesh.schemas.rules.dates import LONGEST as LONGEST_DATE
from creditmesh.schemas.rules.dates import read_date, read_end
from creditmesh.schemas.rules.decision_numbers import read_number
from creditmesh.schemas.rules.fillers import is_masked, may_be_a_name, says_nothing
from creditmesh.schemas.rules.numbers import LONGEST, written
from creditmesh.schemas.rules.values import (
    DIGITS,
    LONGEST_DECIMAL,
    SCALE,
    WHITE,
    Read,
    decimal_reader,
    number_reader,
    number_text,
    one_line_end,
    read_name,
    read_text,
    unguarded,
    unreadable,
    unstorable,
)

_FAULTS = {
    "document": "number_shape",
    "uscc": "number_shape",
    "date": "bad_date",
    "decimal": "bad_decimal",
    "code": "bad_code",
    "codes": "bad_code",
}
_WHOLE_NUMBERS = frozenset({"code", "codes", "date", "decimal"})
_LONGEST = {"document": LONGEST, "uscc": LONGEST, "date": LONGEST_DATE, "decimal": LONGEST_DECIMAL}
"""Characters of the longest spelling of what has one length, whatever the item says."""
_CODED = frozenset({"code", "codes"})
_AMOUNT = re.compile(r"(?:0|[1-9]\d*)(?:\.\d*[1-9])?", re.ASCII)
_LONGEST_CODED = 1024
"""Characters of a coded field as it is written, if its own length is not half as many."""
_LONGEST_TEXT = 64 * 1024
"""Characters of a text whose field sets no length."""


Identifying = Literal["decision", "certificate", "registration"]


@dataclass(frozen=True, slots=True)
class Filler:
    """What stands in a field and says nothing: no value, or what is taken or said of it where it is asked for."""

    asked: str | FieldError


@dataclass(frozen=True, slots=True)
class Column:
    """A field with its reader."""

    spec: FieldSpec
    read: Read
    nearest: Callable[[str], str] = str
    """Of a coded field: the values that a text which is none of them may mean."""
    values: tuple[str, str] = ("", "")
    """Of a coded field: the values that are allowed, as a text lists them."""
    keep: Read = str
    """Takes a value as another tier has accepted it; None if it is none of its type."""
    identifies: bool = False
    """Whether it tells whom or which record a row is about: those who judge that say what is wrong with a filler.

    A word that may be somebody's name is taken where a name is asked for, and judged by them too.
    """

    def take(self, value: object) -> str | FieldError | Filler:
        """The canonical text of a value as it came (empty: none was given), or what is wrong with it."""
        text = self._text(value)
        if isinstance(text, FieldError) or not text:
            return text
        if len(text) > self.most:
            # A length would be no remedy for what has one, however it is spelled.
            return self._unread(text) if self.spec.type in _LONGEST else self._error("too_long")
        canonical = self.read(text)
        if canonical is not None:
            return canonical
        said = unguarded(text)
        if not says_nothing(said):
            return self._unread(text)
        if self.spec.type == "name" and may_be_a_name(said):
            return Filler(said)
        return Filler((self.identifies and written(text)) or self._unread(text))

    def kept(self, value: object) -> str | FieldError:
        """A value of a canonical row that another tier has accepted: what is shown of it, or why it cannot be kept.

        Its type and its length are judged, and not how well it says what it says: that was, by the rules of its day.
        """
        if not isinstance(value, str):
            return self._error("bad_type")
        if unstorable(value):
            return self._error("unreadable_character")
        text = shown(value).strip(WHITE)
        if self.most is not None and len(text) > self.most:
            return self._error("too_long")
        canonical = self.keep(text) if text else text
        return self._misread(text) if canonical is None else canonical

    def _unread(self, text: str) -> FieldError:
        if self.identifies:
            return self._error("number_shape" if written(text) else "unreadable_character")
        if self.spec.type == "name" and is_masked(text):
            return self._error("name_masked")
        return self._misread(text)

    def _misread(self, text: str) -> FieldError:
        fault = _FAULTS.get(self.spec.type, "filler")
        if fault == "bad_code":
            return self._error(fault, nearest=self.nearest(text))
        return self._error("bad_end_date" if self.read is read_end else fault)

    @property
    def most(self) -> int:
        """Characters of the longest text that is read at all, before what it says is looked at.

        Coded values, numbers, dates and amounts may be written longer than they are.
        """
        if self.spec.type in _CODED:
            return _longest_coded(self.spec)
        return _LONGEST.get(self.spec.type) or self.spec.max_length or _LONGEST_TEXT

    def canonical(self, value: str) -> str:
        """A value of the catalogue's own, such as a condition's, as a canonical row has it; itself if it is none."""
        taken = self.take(value)
        return taken if isinstance(taken, str) else value

    def missing(self) -> FieldError:
        """What is said when it is required and not given."""
        return self._error("field_required")

    def _text(self, value: object) -> str | FieldError:
        if isinstance(value, str):
            return self._error("unreadable_character") if unreadable(value) else shown(one_line_end(value)).strip(WHITE)
        if value is None:
            return ""
        if isinstance(value, int) and not isinstance(value, bool) and self.spec.type in _WHOLE_NUMBERS:
            return str(value)
        if isinstance(value, float | Decimal) and self.spec.type == "decimal":
            return number_text(value) or self._error("bad_decimal")
        return self._error("bad_type")

    def _error(self, code: str, nearest: str = "") -> FieldError:
        spec = self.spec
        return reason(
            code,
            f"/{spec.code}",
            name=spec.name,
            name_zh=spec.name_zh,
            limit=self.most,
            digits=spec.max_length or DIGITS,
            scale=SCALE if spec.scale is None else spec.scale,
            unit=f" ({spec.unit})" if spec.unit else "",
            code_set=spec.code_set or "",
            values=self.values[0],
            values_zh=self.values[1],
            nearest=f" The nearest: {nearest}." if nearest else "",
            nearest_zh=f"最接近的：{nearest}。" if nearest else "",
        )


def _kept_number(limit: int | None) -> Read:
    return lambda text: text if limit is None or len(text) <= limit or not text.isalnum() else None


def _kept_day(text: str) -> str | None:
    try:
        return text if date.fromisoformat(text).isoformat() == text else None
    except ValueError:
        return None


def _longest_coded(spec: FieldSpec) -> int:
    return max(2 * (spec.max_length or 0), _LONGEST_CODED)


def identifying(item: Item, code: str) -> Identifying | None:
    """What a field of the item tells, if it tells which decision or certificate a row is about, or whom."""
    if code == item.roles.decision_number:
        return "decision"
    if code == item.roles.registration:
        return "registration"
    return "certificate" if code in item.identifying else None


def column(
    spec: FieldSpec, code_set: CodeSet | None, *, identifies: Identifying | None = None, end: bool = False
) -> Column:
    """The column of a field. `end`: a day until which something holds, or none.

    `identifies`: a text that tells which decision or certificate a row is about, or whom. KeyError if a coded field
    names no code set.
    """
    match spec.type:
        case "date":
            return Column(spec, read_end if end else read_date, keep=_kept_day)
        case "decimal":
            read = decimal_reader(spec.max_length, spec.scale, spec.unit)
            return Column(spec, read, keep=lambda text: text if _AMOUNT.fullmatch(text) and read(text) else None)
        case "document" | "uscc":
            return Column(spec, number_reader(spec.max_length), keep=_kept_number(spec.max_length), identifies=True)
        case "code" | "codes":
            if code_set is None:
                raise KeyError(f"the field {spec.code} is coded and names no code set")
            read = code_reader(code_set) if spec.type == "code" else codes_reader(code_set, _longest_coded(spec))
            kept = kept_reader(code_set, read, several=spec.type == "codes")
            return Column(spec, read, nearest_values(code_set), listed_values(code_set), kept)
        case "name":
            return Column(spec, read_name)
        case _:
            readers = {"decision": read_number, "registration": number_reader(spec.max_length)}
            return Column(spec, readers.get(identifies or "", read_text), identifies=identifies is not None)
