"""Whom a row is about: by the kind it states and the number that identifies that kind.

Never by what a number looks like: one resident number in 31 passes the organisations' check too.
"""

from dataclasses import dataclass, field
from typing import cast

from creditmesh.schemas.identifiers import DocumentType, SubjectKind
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.compile import CompiledItem, Row
from creditmesh.schemas.rules.identity import Identity, NumberFinding, identify, is_filler


@dataclass(slots=True)
class NamedSubjects:
    """Who a row names. `subject` is None only where there are refusals."""

    refusals: list[FieldError] = field(default_factory=list)
    holds: list[FieldError] = field(default_factory=list)
    subject: Identity | None = None
    representative: Identity | None = None


class Naming:
    """Reads the names of one item's rows. A word in place of a number that nobody asks for says nothing."""

    def __init__(self, compiled: CompiledItem) -> None:
        self._kinds = compiled.item.kinds
        self._meaning = compiled.meaning
        self._fillers = compiled.fillers
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
            if other in row and not is_filler(row[other], self._fillers):
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
        document = cast("DocumentType", meaning)
        who = identify("natural_person", document, row[number_field], fillers=self._fillers)
        return self._taken(who, number_field, found)

    def _body(self, kind: SubjectKind, row: Row, found: NamedSubjects) -> None:
        code = self._roles.uscc
        if code is None or code not in row:
            self._registered(kind, row, found)
            return
        who = identify(kind, "uscc", row[code], fillers=self._fillers)
        if who is NumberFinding.PLACEHOLDER or (who is NumberFinding.FILLER and kind == "sole_trader"):
            self._registered(kind, row, found)
        else:
            found.subject = self._taken(who, code, found)

    def _registered(self, kind: SubjectKind, row: Row, found: NamedSubjects) -> None:
        code = self._roles.registration
        if kind == "sole_trader" and code is not None and code in row:
            who = identify(kind, "registration", row[code], fillers=self._fillers)
            found.subject = self._taken(who, code, found)
        elif self._roles.uscc is None or self._roles.uscc in row:
            found.refusals.append(_at(NumberFinding.PLACEHOLDER.value, code or self._roles.uscc))
        else:
            found.refusals.append(self._needed(self._roles.uscc))

    def _taken(self, who: Identity | NumberFinding, code: str, found: NamedSubjects) -> Identity | None:
        if isinstance(who, NumberFinding):
            found.refusals.append(_at(who.value, code))
            return None
        found.holds += [_at(doubt.value, code) for doubt in who.doubts]
        return who

    def _needed(self, code: str) -> FieldError:
        # Made when it is said: for every field beforehand it cost a single record half a millisecond.
        spec = next(spec for spec in self._fields if spec.code == code)
        return reason("field_required", f"/{code}", name=spec.name, name_zh=spec.name_zh)


def _at(code: str, field_code: str | None) -> FieldError:
    return reason(code, f"/{field_code}" if field_code else "")
