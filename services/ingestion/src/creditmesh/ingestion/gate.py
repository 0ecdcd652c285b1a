"""The gate of one item for one party on one legal date: what a valid row must also be before it is a record.

Refused outright is what the law does not let us hold; held for an officer is what is probably a slip of the pen but may
be genuine. The fields' own types, lengths and code sets were judged before (`schemas.rules.compile`).
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import cast

from creditmesh.ingestion import amounts
from creditmesh.ingestion.display import Period, period_of
from creditmesh.ingestion.severity import severity_of
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.events.record import Severity
from creditmesh.schemas.identifiers import DocumentType, SubjectKind
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.compile import CompiledItem, Row
from creditmesh.schemas.rules.identity import Finding, agrees, birth_date, is_minor, judge, normalise

_UNKNOWN = Period(date.min, None)
_HELD = {Finding.CHECK_DIGIT: "check_digit", Finding.BIRTH_DATE: "birth_date", Finding.SHAPE: "number_shape"}


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a row is about, by what identifies them; the number is normalised."""

    kind: SubjectKind
    document: DocumentType
    number: str = field(repr=False)


@dataclass(slots=True)
class Judgement:
    """What the gate says of one row. A row with refusals has no facts that may be relied on."""

    refusals: list[FieldError] = field(default_factory=list)
    holds: list[FieldError] = field(default_factory=list)
    subject: Named | None = None
    representative: Named | None = None
    decided_on: date = date.min
    severity: Severity | None = None
    period: Period = _UNKNOWN


class Gate:
    """Judges rows one by one; holds what is the same for all of them."""

    def __init__(self, compiled: CompiledItem, *, party: Party, today: date) -> None:
        item = compiled.item
        self._item = item
        self._meaning = compiled.meaning
        self._roles = item.roles
        self._today = today
        self._party = party
        self._issuers = {party.uscc, *party.issues_for}
        self._names = {spec.code: {"name": spec.name, "name_zh": spec.name_zh} for spec in item.fields}
        self._limits = [(f.code, f.maximum, Decimal(f.maximum)) for f in item.fields if f.maximum is not None]

    def judge(self, row: Row) -> Judgement:
        """Everything that is wrong with the row, and the facts it states."""
        verdict = Judgement()
        kind = self._kind(row, verdict)
        if kind is not None:
            self._identify(kind, row, verdict)
            self._represent(row, verdict)
        self._bodies(row, verdict)
        self._dates(row, verdict)
        if kind is not None and not verdict.refusals:
            self._person(kind, row, verdict)
        if not verdict.refusals:
            self._money(row, verdict)
            self._rate(row, verdict)
        return verdict

    def _kind(self, row: Row, verdict: Judgement) -> SubjectKind | None:
        code = self._roles.kind
        if code is None:
            return self._item.kinds[0]
        kind = self._meaning(code, row)
        if kind not in self._item.kinds:
            verdict.refusals.append(_at("kind_not_covered", code))
            return None
        return kind

    def _identify(self, kind: SubjectKind, row: Row, verdict: Judgement) -> None:
        roles = self._roles
        others: tuple[str | None, ...]
        if kind == "natural_person":
            named = self._document(roles.document_type, roles.document_number, row, verdict)
            others = (roles.uscc, roles.registration)
        else:
            named = self._organisation(kind, row, verdict)
            others = (roles.document_number,)
        own = roles.document_number if kind == "natural_person" else roles.uscc
        verdict.holds += [
            _at("kind_number_mismatch", code) for code in others if code and code != own and row.get(code)
        ]
        if named is None:
            return
        verdict.subject = Named(kind, *named)
        if not agrees(kind, *named) and judge(*named) in {Finding.GOOD, Finding.CHECK_DIGIT, Finding.UNCHECKED}:
            verdict.holds.append(_at("kind_number_mismatch", own))

    def _organisation(self, kind: SubjectKind, row: Row, verdict: Judgement) -> tuple[DocumentType, str] | None:
        roles = self._roles
        code = row.get(roles.uscc or "", "")
        registration = row.get(roles.registration or "", "")
        number = normalise("uscc", code).number
        finding = judge("uscc", number) if number else Finding.PLACEHOLDER
        if finding is not Finding.PLACEHOLDER:
            if finding in _HELD:
                verdict.holds.append(_at(_HELD[finding], roles.uscc))
            return "uscc", number
        if kind == "sole_trader" and registration:
            return "registration", normalise("registration", registration).number
        if number:
            verdict.refusals.append(_at("placeholder_needs_registration", roles.registration or roles.uscc))
        else:
            verdict.refusals.append(self._needed(roles.uscc))
        return None

    def _document(
        self, type_field: str | None, number_field: str | None, row: Row, verdict: Judgement
    ) -> tuple[DocumentType, str] | None:
        written = row.get(number_field or "", "")
        meaning = "resident_id" if type_field is None else self._meaning(type_field, row)
        if not written or meaning is None:
            verdict.refusals.append(self._needed(type_field if written else number_field))
            return None
        document = cast("DocumentType", meaning)
        number = normalise(document, written).number
        finding = judge(document, number)
        if finding in _HELD:
            verdict.holds.append(_at(_HELD[finding], number_field))
        return document, number

    def _represent(self, row: Row, verdict: Judgement) -> None:
        roles = self._roles
        if roles.representative_document_number is None or not row.get(roles.representative_document_number):
            return
        named = self._document(roles.representative_document_type, roles.representative_document_number, row, verdict)
        if named is not None:
            verdict.representative = Named("natural_person", *named)

    def _bodies(self, row: Row, verdict: Judgement) -> None:
        roles = self._roles
        if row.get(roles.issuer) not in self._issuers:
            verdict.refusals.append(_at("issuer_not_yours", roles.issuer))
        if roles.source is not None and row.get(roles.source, self._party.uscc) != self._party.uscc:
            verdict.refusals.append(_at("source_not_yours", roles.source))

    def _dates(self, row: Row, verdict: Judgement) -> None:
        roles = self._roles
        decided = _day(row, roles.decided_on)
        if decided is None:
            verdict.refusals.append(self._needed(roles.decided_on))
            return
        verdict.decided_on = decided
        if decided > self._today:
            verdict.refusals.append(_at("future_date", roles.decided_on, **self._names[roles.decided_on]))
        elif not any(
            b.in_force_from <= decided and (b.in_force_until is None or decided <= b.in_force_until)
            for b in self._item.basis
        ):
            verdict.refusals.append(_at("basis_not_in_force", roles.decided_on))
        begins = _day(row, roles.valid_from) or decided
        for code, earliest in ((roles.valid_until, begins), (roles.display_until, decided)):
            last = _day(row, code)
            if code is not None and last is not None and last < earliest:
                verdict.refusals.append(_at("dates_reversed", code, **self._names[code]))

    def _person(self, kind: SubjectKind, row: Row, verdict: Judgement) -> None:
        if kind != "natural_person" or verdict.subject is None:
            return
        born = birth_date(verdict.subject.document, verdict.subject.number)
        if born is not None and is_minor(born, verdict.decided_on):
            verdict.refusals.append(_at("minor", self._roles.document_number))
        simple = self._item.simple_procedure_value
        if simple is not None and row.get(self._roles.procedure or "") == simple:
            verdict.refusals.append(_at("simple_procedure_person", self._roles.procedure))

    def _money(self, row: Row, verdict: Judgement) -> None:
        for code, maximum, limit in self._limits:
            if code in row and Decimal(row[code]) > limit:
                verdict.holds.append(_at("fine_implausible", code, maximum=maximum, **self._names[code]))
        fine, content = self._roles.fine, self._roles.content
        if fine is None or content is None or fine not in row:
            return
        if not amounts.agrees(Decimal(row[fine]), row.get(content, "")):
            verdict.holds.append(_at("fine_unit", fine))

    def _rate(self, row: Row, verdict: Judgement) -> None:
        roles = self._roles
        kinds = row.get(roles.penalty_kinds or "", "").split(";")
        fine = row.get(roles.fine or "")
        verdict.severity = severity_of(self._item, penalty_kinds=kinds, fine=None if fine is None else Decimal(fine))
        verdict.period = period_of(
            self._item.display,
            decided_on=verdict.decided_on,
            severity=verdict.severity,
            valid_until=_day(row, roles.valid_until),
            own_end=_day(row, roles.display_until),
        )

    def _needed(self, code: str | None) -> FieldError:
        if code is None:
            return reason("kind_not_covered")
        return _at("field_required", code, **self._names[code])


def _at(code: str, field_code: str | None, **facts: str) -> FieldError:
    return reason(code, f"/{field_code}" if field_code else "", **facts)


def _day(row: Row, code: str | None) -> date | None:
    text = row.get(code) if code is not None else None
    return None if text is None else date.fromisoformat(text)
