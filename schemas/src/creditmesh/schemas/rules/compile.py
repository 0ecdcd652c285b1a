"""An item of the catalogue as a validator: rows in any accepted spelling become canonical rows, or reasons.

A canonical row is a dict of field code to text in catalogue order, without empty fields: whoever computes over it, on
either side, has the same texts in the same order.

There are two ways through, and a property test holds them equal. The quick one is pydantic's compiled parser for names,
types and lengths, then one reader per special field. Only a row it does not take is examined field by field in Python,
which also takes the rarer spellings (numbers, spaced headers) and finds everything that is wrong at once.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, NamedTuple, cast

from pydantic import TypeAdapter, ValidationError

from creditmesh.schemas.catalogue import CodeSet, Item, Rule
from creditmesh.schemas.catalogue.code_set import DECISION_FILLERS, NUMBER_FILLERS, STEMS
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.problems import MOST_FINDINGS, FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.characters import is_ordinary, shown
from creditmesh.schemas.rules.coded import stems_of
from creditmesh.schemas.rules.columns import Column, Filler, column, identifying
from creditmesh.schemas.rules.conditions import conditions, resident_pairs
from creditmesh.schemas.rules.headers import MOST_NAMES, FieldNames
from creditmesh.schemas.rules.identity import filler_words
from creditmesh.schemas.rules.item_schema import json_schema, template_csv
from creditmesh.schemas.rules.kept import KeptRows
from creditmesh.schemas.rules.numbers import citizen, significant
from creditmesh.schemas.rules.row_parsing import MOST_MARKS, Pairs, has_each_name_once, is_crowded, row_type
from creditmesh.schemas.rules.values import LOST_TWICE, WHITE, one_line_end, unreadable

ROW_BYTES = 256 * 1024
"""A bigger row would be an event that the broker does not take."""

Row = dict[str, str]
"""A canonical row."""

Outcome = Row | tuple[FieldError, ...]
"""A row, or why it is none."""


class ReadRow(NamedTuple):
    """A row as it was read, and what was not read of it."""

    outcome: Outcome
    left_out: Mapping[str, FieldError] = {}
    """What is said of each name that is none of the item's."""


class Split(NamedTuple):
    """A canonical row by whose key seals it."""

    clear: Row
    subject: Row
    representative: Row


class CompiledItem:
    """One version of an item, ready to read rows.

    Measured on the 30 fields of the penalty item, 21 of them filled in, on a shared core: 14 us of CPU a valid row, of
    which pydantic has 6.3 and the readers of dates, codes and numbers 3.6. A loop over what `orjson.loads` gives took
    the same; examining a refused row takes 55.
    """

    def __init__(self, item: Item, code_sets: Mapping[str, CodeSet], rules: Sequence[Rule] = ()) -> None:
        self.item = item
        self.codes = tuple(spec.code for spec in item.fields)
        self.fillers = filler_words(code_sets[NUMBER_FILLERS].spellings if NUMBER_FILLERS in code_sets else ())
        words = (
            word
            for name in (NUMBER_FILLERS, DECISION_FILLERS)
            if name in code_sets
            for word in code_sets[name].spellings
        )
        self.decision_fillers = frozenset(map(significant, words))
        """What stands where the number of a decision should, as `decision_numbers.is_number` takes it."""
        self.stems = stems_of(code_sets[STEMS].spellings if STEMS in code_sets else ())
        """Words that mean a listed kind of penalty, as `coded.hides_a_kind` takes them."""
        self.sets = {spec.code: code_sets[spec.code_set] for spec in item.fields if spec.code_set is not None}
        """The code set of each field that has one."""
        self.names = FieldNames(item, rules)
        roles = item.roles
        self._columns: dict[str, Column] = {
            spec.code: column(
                spec,
                self.sets.get(spec.code),
                identifies=identifying(item, spec.code),
                end=spec.code in {roles.valid_until, roles.display_until},
            )
            for spec in item.fields
        }
        self._readers = {code: col.read for code, col in self._columns.items()}
        self._kept = KeptRows(self.names, self._columns)
        self._required = frozenset(spec.code for spec in item.fields if spec.required) - self.names.banned
        self._told = self._required.union(item.identifying)
        self._meanings = {
            code: {value.value: value.meaning for value in found.values if value.meaning is not None}
            for code, found in self.sets.items()
        }
        self._resident = resident_pairs(item, self._meanings)
        self._conditions = conditions(self._columns, self.names.banned)
        self._sealed = {kind: tuple(s.code for s in item.fields if s.sealed_for(kind)) for kind in item.kinds}
        self._about = {spec.code: spec.about for spec in item.fields}

    @cached_property
    def _parser(self) -> TypeAdapter[Any]:
        # Made by the first row: who publishes an item asks only whether it can be compiled.
        return TypeAdapter(row_type(self._columns.values()))

    @cached_property
    def _parse_json(self) -> Callable[[bytes], Any]:
        return self._parser.validator.validate_json

    @cached_property
    def _parse(self) -> Callable[[object], Any]:
        return self._parser.validator.validate_python

    def validate_json(self, line: bytes) -> Outcome:
        """Read one JSON object; its size, encoding and structure are judged too."""
        return self.read_json(line).outcome

    def validate(self, fields: Mapping[str, object]) -> Outcome:
        """Read one row given as a mapping of any accepted names to values."""
        return self.read(fields).outcome

    def read_json(self, line: bytes) -> ReadRow:
        """As `validate_json`, and what was left out."""
        if len(line) > ROW_BYTES:
            return ReadRow((reason("row_too_large", limit=ROW_BYTES),))
        if is_crowded(line):
            return ReadRow((reason("too_many_fields", limit=MOST_MARKS),))
        if b"\\u0000" not in line and not self.names.banned:
            try:
                read = cast("Row", self._parse_json(line))
                row = self._finished(read) if has_each_name_once(line, len(read)) else None
            except ValidationError:
                row = None
            if row is not None:
                return ReadRow(row)
        return self._examine_line(line)

    def read(self, fields: Mapping[str, object]) -> ReadRow:
        """As `validate`, and what was left out."""
        if self.names.banned:
            return self._examine(list(fields.items()))
        try:
            row = self._finished(cast("Row", self._parse(dict(fields))))
        except ValidationError:
            row = None
        if row is not None and "\0" not in "".join(row.values()):
            return ReadRow(row)
        return self._examine(list(fields.items()))

    def validate_kept(self, fields: Mapping[str, object]) -> Outcome:
        """Read a canonical row that another tier has accepted, as `kept.KeptRows` does."""
        row = self._kept.read(fields)
        if isinstance(row, dict):
            self._widen(row)
        return row

    def split(self, row: Row, kind: SubjectKind) -> Split:
        """The row of a record about this kind of subject: what stands clear, what is sealed, and for whom."""
        clear = dict(row)
        subject: Row = {}
        representative: Row = {}
        for code in self._sealed.get(kind, self.codes):
            value = clear.pop(code, None)
            if value is not None:
                (subject if self._about[code] == "subject" else representative)[code] = value
        return Split(clear, subject, representative)

    def as_given(self, row: Row, fields: Mapping[str, object]) -> Row:
        """A row that was read from these fields, with its codes as they were written.

        What is a spelling of a value today may be a value of its own in the next version of a code set.
        """
        given, coded = dict(row), self.sets.keys() & row.keys()
        for name in coded if coded <= fields.keys() else fields:  # most rows call all of them by their codes
            code = self.names.code(name)
            if code in coded:
                given[code] = str(fields[name]).strip(WHITE)
        return given

    def meaning(self, code: str | None, row: Row) -> str | None:
        """What our rules call the value of a coded field (`natural_person`, `resident_id`); None if nothing."""
        return self._meanings.get(code, {}).get(row.get(code, "")) if code is not None else None

    @property
    def collected(self) -> Item:
        """The item without the fields that may not be collected any more."""
        fields = tuple(spec for spec in self.item.fields if spec.code not in self.names.banned)
        return self.item.model_copy(update={"fields": fields})

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of a canonical row."""
        return json_schema(self.collected, self.sets, self._columns)

    def template_csv(self, names: Literal["codes", "zh"] = "codes") -> str:
        """The header line of a file to fill in."""
        return template_csv(self.collected, names)

    def _finished(self, row: Row) -> Row | None:
        for code, value in row.items():
            if value:
                canonical = self._readers[code](value)
                if canonical is None:
                    return None
                row[code] = canonical
        if not all(row.values()):
            row = {code: value for code, value in row.items() if value}
        text = "".join(row.values())
        if LOST_TWICE in text:
            return None
        if not is_ordinary(text):
            if any(map(unreadable, row.values())) or shown(text) is not text:
                return None
            if one_line_end(text) is not text:
                row = {code: one_line_end(value) for code, value in row.items()}
        self._widen(row)
        return None if self._lacking(row) else row

    def _widen(self, row: Row) -> None:
        for number, told_by, values in self._resident:
            if len(row.get(number, "")) == 15 and (told_by is None or row.get(told_by) in values):  # noqa: PLR2004 - first generation
                row[number] = citizen(row[number]) or row[number]

    def _lacking(self, row: Row) -> list[str]:
        return [
            code
            for field, wanted in self._conditions
            if (value := row.get(field)) is not None
            for code in wanted(value)
            if code not in row
        ]

    def _examine_line(self, line: bytes) -> ReadRow:
        try:
            text = line.decode("utf-8-sig")
        except UnicodeDecodeError:
            return ReadRow((reason("bad_encoding"),))
        try:
            pairs = json.loads(text, parse_float=Decimal, object_pairs_hook=Pairs)
        except (ValueError, RecursionError):
            return ReadRow((reason("malformed_row"),))
        return self._examine(pairs) if isinstance(pairs, Pairs) else ReadRow((reason("malformed_row"),))

    def _examine(self, pairs: Sequence[tuple[str, object]]) -> ReadRow:
        if len(pairs) > MOST_NAMES:
            return ReadRow((reason("too_many_fields", limit=MOST_NAMES),))
        columns = self.names.fields([name for name, _ in pairs])
        found: dict[str, str | FieldError | Filler] = {}
        for code, (_, value) in zip(columns.codes, pairs, strict=True):
            if code is not None and code not in found:
                found[code] = self._columns[code].take(value)
        left_out = {pairs[place - 1][0]: said for place, said in columns.left_out.items()}
        return ReadRow(self._judged(found, list(columns.errors)), left_out)

    def _judged(self, found: Mapping[str, str | FieldError | Filler], errors: list[FieldError]) -> Outcome:
        given = {code: value for code, value in found.items() if not isinstance(value, Filler)}
        fillers = {code: value.asked for code, value in found.items() if isinstance(value, Filler)}
        if fillers:
            asked = self._told.union(self._lacking({c: v for c, v in given.items() if isinstance(v, str) and v}))
            if self.item.roles.uscc in fillers:
                asked |= {self.item.roles.registration or ""}
            given |= {code: value for code, value in fillers.items() if code in asked}
        ordered = [(code, given[code]) for code in self.codes if code in given]
        row = {code: value for code, value in ordered if isinstance(value, str) and value}
        errors.extend(value for _, value in ordered if isinstance(value, FieldError))
        self._widen(row)
        asked, said = self._required.union(self._lacking(row)), {error.pointer for error in errors}
        errors.extend(
            col.missing()
            for code, col in self._columns.items()
            if code in asked and code not in row and f"/{code}" not in said
        )
        return tuple(errors[:MOST_FINDINGS]) if errors else row


def compile_item(item: Item, code_sets: Mapping[str, CodeSet], rules: Sequence[Rule] = ()) -> CompiledItem:
    """Compile one version of an item with the code sets it names, once: the directory keeps it.

    KeyError names a missing code set or field, ValueError an ambiguous name.
    """
    return CompiledItem(item, code_sets, rules)
