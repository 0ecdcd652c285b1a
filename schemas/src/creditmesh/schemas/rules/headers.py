"""The names a field may go by: its code, Chinese names and aliases, however they are spaced or written wide.

One rule holds for the header of a table and the names of a JSON object: see `FieldNames.fields`.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple

from creditmesh.schemas.catalogue import Item, Rule
from creditmesh.schemas.problems import MOST_FINDINGS, FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.spelling import LONGEST, spelled
from creditmesh.schemas.rules.values import unreadable

_ECHO_LENGTH = 40
MOST_NAMES = 256
"""Columns up to the last that is not empty, or names of an object; of more none is looked at."""
_PARTS = re.compile(r"[\s:：/|()（）\[\]【】]+")
_OF_UNITS = frozenset({"单位", "人民币"})
_NUMBER = re.compile(r"[0-9A-Z]{15}")
"""A code or the number of a document, whole: no name of a field has one."""
_KEPT = 1024
_LONG_ENOUGH = 4
"""Shorter names that differ in one character are different names."""


class Columns(NamedTuple):
    """The fields of a header, or of an object's names, in their order, and what is wrong with these."""

    codes: tuple[str | None, ...]
    """None for a name that is none of the item's and whose values are not read."""
    errors: tuple[FieldError, ...]
    left_out: Mapping[int, FieldError] = {}
    """What is said of the names that are not read, by their places (from 1)."""

    @property
    def notices(self) -> tuple[FieldError, ...]:
        """What is not read."""
        return tuple(self.left_out.values())


class _Meant(NamedTuple):
    """What a name says: its field, as it is spelled, and the fields that parts of it name."""

    code: str | None
    written: str
    within: frozenset[str] = frozenset()


def _parts(name: str) -> set[str]:
    return set(filter(None, map(spelled, _PARTS.split(name[:LONGEST]))))


class FieldNames:
    """Finds the field that a header or a JSON name means. ValueError if two fields of the item share a name."""

    def __init__(self, item: Item, rules: Sequence[Rule] = ()) -> None:
        self._rules = rules
        self._fields = item.fields
        self.banned = frozenset(
            spec.code for spec in item.fields if any(rule.forbidden(name) for name in spec.names for rule in rules)
        )
        """The fields that may not be collected any more: a rule has grown since the item was published."""
        self._required = tuple(spec for spec in item.fields if spec.required and spec.code not in self.banned)
        self._said_of = {
            spec.code: _OF_UNITS.union({spec.unit or ""}, *map(_parts, spec.names)) for spec in item.fields
        }
        self._spelled = {spec.code: tuple(map(spelled, spec.names)) for spec in item.fields}
        self._codes: dict[str, str] = {}
        # The rows of a file have the same names of no field.
        self._meant = lru_cache(_KEPT)(self._read)
        for spec in item.fields:
            for name in spec.names:
                for form in {name, spelled(name)}:
                    if self._codes.setdefault(form, spec.code) != spec.code:
                        raise ValueError(f"two fields of the item {item.code} are called {name!r}")

    def code(self, name: str) -> str | None:
        """The field's code; None if the item has no such field. A name may stand there with another of the field."""
        return self._codes.get(name) or self._meant(name[:LONGEST]).code

    def _read(self, name: str) -> _Meant:
        written = spelled(name)
        known = self._codes.get(written)
        if known is not None:
            return _Meant(known, written)
        parts = _parts(name)
        within, rest = frozenset(self._codes[part] for part in parts & self._codes.keys()), parts - self._codes.keys()
        named = len(within) == 1 and rest <= self._said_of[min(within)]
        return _Meant(min(within) if named else None, written, within)

    def unknown(self, name: str, place: int) -> FieldError:
        """What to say of a name the item does not have.

        Only what looks like a field code is echoed: where a file has no header, a person's data stands there.
        """
        forbidden = any(rule.forbidden(name) for rule in self._rules)
        return reason("forbidden_attribute" if forbidden else "unknown_field", _pointer(name), place=place)

    def known(self, cells: Sequence[str]) -> int:
        """How many of these cells name a field of the item."""
        return sum(bool(cell) and self.code(cell) is not None for cell in cells[:MOST_NAMES])

    def are(self, cells: Sequence[str]) -> bool:
        """Whether a row of a table is a header: more than half of what it says names fields."""
        if _NUMBER.search("\n".join(cells)):  # a row of data, nearly always: to compare names costs more
            return False
        first = next((cell for cell in cells if cell), "")
        if first not in self._codes and spelled(first) not in self._codes:
            return False
        return self.known(cells) * 2 > sum(map(bool, cells))

    def columns(self, header: Sequence[str]) -> Columns:
        """The fields of a file's columns, as `fields` says; empty columns at the end are left away."""
        names = list(header)
        while names and not names[-1]:
            names.pop()
        if len(names) > MOST_NAMES:
            return Columns((), (reason("too_many_columns", limit=MOST_NAMES),))
        while names and not spelled(names[-1]):
            names.pop()
        return self.fields(names)

    def fields(self, names: Sequence[str]) -> Columns:
        """The fields that these names mean.

        A name that is none of the item's is left out and said, whatever stands under it; but not where names are wrong
        anyway or a required one is lacking, nor where it is that of a field that is lacking but for a slip or has that
        in it (what was meant for the field would be lost), nor where it may not be collected.
        """
        codes = tuple(map(self.code, names))
        extra = {place: name for place, name in enumerate(names, 1) if codes[place - 1] is None}
        faults = {place: fault for place, name in extra.items() if (fault := self._fault(name, place, codes))}
        banned = [code for code in dict.fromkeys(codes) if code in self.banned]
        errors = [
            reason("duplicate_field", f"/{code}") for code in dict.fromkeys(codes) if code and codes.count(code) > 1
        ]
        errors += [reason("forbidden_attribute", f"/{code}", place=codes.index(code) + 1) for code in banned]
        errors += [
            reason("field_required", f"/{spec.code}", name=spec.name, name_zh=spec.name_zh)
            for spec in self._required
            if spec.code not in codes and f"/{spec.code}" not in {fault.pointer for fault in faults.values()}
        ]
        if errors or faults:
            unknown = (faults.get(place) or self.unknown(name, place) for place, name in extra.items())
            return Columns(codes, tuple(islice(chain(unknown, errors), MOST_FINDINGS)))
        left_out = {place: reason("extra_field", _pointer(name), place=place) for place, name in extra.items()}
        return Columns(codes, (), left_out)

    def _fault(self, name: str, place: int, codes: Sequence[str | None]) -> FieldError | None:
        """Why what stands under a name that is none of the item's may not simply be left out; None if it may."""
        if unreadable(name):
            return reason("bad_header_name", place=place)
        if any(rule.forbidden(name) for rule in self._rules):
            return self.unknown(name, place)
        _, written, within = self._meant(name[:LONGEST])
        lacking = (spec for spec in self._fields if spec.code not in codes)
        meant = next((s for s in lacking if s.code in within or _nearly(written, self._spelled[s.code])), None)
        if meant is None:
            return None
        return reason("misspelt_field", f"/{meant.code}", place=place, name=meant.name, name_zh=meant.name_zh)


def _nearly(name: str, names: Sequence[str]) -> bool:
    return any(_a_slip_apart(name, known) for known in names)


def _a_slip_apart(one: str, other: str) -> bool:
    """Whether one character is another, too many or too few, or two have changed places."""
    if abs(len(one) - len(other)) > 1 or min(len(one), len(other)) < _LONG_ENOUGH:
        return False
    same = next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    one, other = one[same:], other[same:]
    return other[1:] in {one[1:], one} or other in {one[1:], one[1::-1] + one[2:]}


def _pointer(name: str) -> str:
    return f"/{name}" if _is_code(name) else ""


def _is_code(name: str) -> bool:
    # No digits to speak of: an identity number must not pass for a code.
    plain = name.isascii() and name.replace("_", "").isalnum() and name[:1].isalpha()
    return plain and len(name) <= _ECHO_LENGTH and sum(c.isdigit() for c in name) < 6  # noqa: PLR2004
