"""What may be shown of a record today: what the version it was accepted under shows and the item in force shows, too.

What either seals is sealed, what either hides is hidden, and of what both show in part only what both keep is shown. A
field that the item has no more is shown to nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pydantic import JsonValue

from creditmesh.schemas.catalogue import FieldSpec, Item
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.rules.mask import mask

Person = Literal["subject", "representative"]


@dataclass(frozen=True)
class Narrowest:
    """The version that a record was accepted under, and the item in force."""

    then: Item
    today: Item

    @cached_property
    def _both(self) -> Sequence[tuple[FieldSpec, FieldSpec]]:
        today = {spec.code: spec for spec in self.today.fields}
        return [(spec, today[spec.code]) for spec in self.then.fields if spec.code in today]

    def fields(self, known: Mapping[str, JsonValue], kind: SubjectKind, *, own: Person | None) -> dict[str, JsonValue]:
        """The fields of a record about this kind of subject, in catalogue order.

        `known` are all its values, sealed ones opened. Whose data `own` names are whole, all else as it may be shown.
        """
        values = {
            then.code: known[then.code]
            if then.about == own == today.about
            else _shown(then, today, known[then.code], kind)
            for then, today in self._both
            if then.code in known
        }
        return {code: value for code, value in values.items() if value is not None}

    def field(self, code: str | None, known: Mapping[str, JsonValue], kind: SubjectKind) -> JsonValue | None:
        """One field as it may be shown to who owns none of it; None: not at all."""
        if code is None or code not in known:
            return None
        return self.fields({code: known[code]}, kind, own=None).get(code)


def _shown(then: FieldSpec, today: FieldSpec, value: JsonValue, kind: SubjectKind) -> JsonValue | None:
    seen = shown(then, value, kind)
    return seen if today is then else shown(today, seen, kind)


def shown(spec: FieldSpec, value: JsonValue, kind: SubjectKind) -> JsonValue | None:
    """A value as it may be shown by this field in a record about this kind of subject; None: not at all."""
    if not spec.sealed_for(kind):
        return value
    return None if spec.mask is None or not isinstance(value, str) else mask(value, spec.mask)


def masked_again(fields: Mapping[str, JsonValue], item: Item, kind: SubjectKind) -> dict[str, JsonValue]:
    """A form that was masked by the version of its time, as far as the item in force shows it."""
    return Narrowest(item, item).fields(fields, kind, own=None)
