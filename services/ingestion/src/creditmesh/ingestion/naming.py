"""Whom a row is about: by the kind it states and the number that identifies that kind.

Never by what a number looks like: one resident number in 31 passes the organisations' check too.
"""

from dataclasses import dataclass, field
from typing import cast

from creditmesh.chassis.vault.index import Identity
from creditmesh.schemas.identifiers import DocumentType, SubjectKind
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.compile import CompiledItem, Row
from creditmesh.schemas.rules.identity import NumberFinding, agrees, judge, normalise

_HELD = {
    NumberFinding.CHECK_DIGIT: "check_digit",
    NumberFinding.BIRTH_DATE: "birth_date",
    NumberFinding.SHAPE: "number_shape",
}


@dataclass(slots=True)
class NamedSubjects:
    """Who a row names. `subject` is None only where there are refusals."""

    refusals: list[FieldError] = field(default_factory=list)
    holds: list[FieldError] = field(default_factory=list)
    subject: Identity | None = None
    representative: Identity | None = None


class Naming:
    """Reads the names of one item's rows. Numbers are canonical already, but for those of plain text fields."""

    def __init__(self, compiled: CompiledItem) -> None:
        self._kinds = compiled.item.kinds
        self._meaning = compiled.meaning
        self._roles = roles = compiled.item.roles
        self._fields = compiled.item.fields
        shared = roles.document_number == roles.uscc
        person = tuple(code for code in (roles.uscc, roles.registration) if code is not None)
        body = () if roles.document_number is None else (roles.document_number,)
        self._others: dict[bool, tuple[str, ...]] = {True: () if shared else person, False: () if shared else body}

    def read(self, row: Row, found: NamedSubjects) -> None:
        """Add who the row names, and what is wrong or doubtful about it."""
        kind = self._kinds[0] if self._roles.kind is None else self._meaning(self._roles.kind, row)
        if kind not in self._kinds:
            found.refusals.append(_at("kind_not_covered", self._roles.kind))
            return
        if kind == "natural_person":
            self._person(row, found)
        else:
            self._body(kind, row, found)
        for other in self._others[kind == "natural_person"]:
            if other in row:
                found.holds.append(_at("kind_number_mismatch", other))
        number = self._roles.representative_document_number
        if number is not None and number in row:
            found.representative = self._document(self._roles.representative_document_type, number, row, found)

    def _person(self, row: Row, found: NamedSubjects) -> None:
        number = self._roles.document_number
        if number is None or number not in row:
            found.refusals.append(_at("kind_not_covered", None) if number is None else self._needed(number))
            return
        found.subject = self._document(self._roles.document_type, number, row, found)

    def _document(self, type_field: str | None, number_field: str, row: Row, found: NamedSubjects) -> Identity | None:
        meaning = "resident_id" if type_field is None else self._meaning(type_field, row)
        if meaning is None:
            found.refusals.append(self._needed(type_field or number_field))
            return None
        document, number = cast("DocumentType", meaning), row[number_field]
        finding = judge(document, number)
        if finding in _HELD:
            found.holds.append(_at(_HELD[finding], number_field))
        return Identity("natural_person", document, Pii(number))

    def _body(self, kind: SubjectKind, row: Row, found: NamedSubjects) -> None:
        code = self._roles.uscc
        number = row.get(code, "") if code is not None else ""
        finding = judge("uscc", number) if number else NumberFinding.PLACEHOLDER
        if finding is NumberFinding.PLACEHOLDER:
            self._registered(kind, number, row, found)
            return
        if finding in _HELD:
            found.holds.append(_at(_HELD[finding], code))
        if finding is not NumberFinding.SHAPE and not agrees(kind, "uscc", number):
            found.holds.append(_at("kind_number_mismatch", code))
        found.subject = Identity(kind, "uscc", Pii(number))

    def _registered(self, kind: SubjectKind, number: str, row: Row, found: NamedSubjects) -> None:
        code = self._roles.registration
        registration = row.get(code, "") if code is not None else ""
        if kind == "sole_trader" and registration:
            found.subject = Identity(kind, "registration", Pii(normalise("registration", registration).number))
        elif number or self._roles.uscc is None:
            found.refusals.append(_at("placeholder_needs_registration", code or self._roles.uscc))
        else:
            found.refusals.append(self._needed(self._roles.uscc))

    def _needed(self, code: str) -> FieldError:
        # Made when it is said: for every field beforehand it cost a single record half a millisecond.
        spec = next(spec for spec in self._fields if spec.code == code)
        return reason("field_required", f"/{code}", name=spec.name, name_zh=spec.name_zh)


def _at(code: str, field_code: str | None) -> FieldError:
    return reason(code, f"/{field_code}" if field_code else "")
