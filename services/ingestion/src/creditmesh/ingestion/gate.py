"""The gate of one item for one party on one legal date: what a valid row must also be before it is a record.

Refused outright is what the law does not let us hold; held for an officer is what is probably a slip of the pen but may
be genuine. The fields' own types, lengths and code sets were judged before (`schemas.rules.compile`).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from creditmesh.ingestion import amounts
from creditmesh.ingestion.display import Period, period_of
from creditmesh.ingestion.naming import Names, Naming
from creditmesh.ingestion.severity import severity_of
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.events.record import Severity
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.compile import CompiledItem, Row
from creditmesh.schemas.rules.identity import birth_date, is_minor

_UNKNOWN = Period(date.min, None)
_KEPT = 4096


@dataclass(slots=True)
class Judgement(Names):
    """What the gate says of one row. A row with refusals has no facts that may be relied on."""

    decided_on: date = date.min
    severity: Severity | None = None
    period: Period = _UNKNOWN


class Gate:
    """Judges rows one by one; holds what is the same for all of them.

    The rows of a file have few different dates, kinds of penalty and fines: what follows from those alone is kept.
    """

    def __init__(self, compiled: CompiledItem, *, party: Party, today: date) -> None:
        self._item = compiled.item
        self._roles = compiled.item.roles
        self._today = today
        self._uscc = party.uscc
        self._issuers = {party.uscc, *party.issues_for}
        self._naming = Naming(compiled)
        self._spoken = {spec.code: {"name": spec.name, "name_zh": spec.name_zh} for spec in compiled.item.fields}
        self._limits = [(f.code, f.maximum, Decimal(f.maximum)) for f in compiled.item.fields if f.maximum is not None]
        self._dated = lru_cache(_KEPT)(self._judge_dates)
        self._severity = lru_cache(_KEPT)(self._rate)
        self._period = lru_cache(_KEPT)(self._show)

    def judge(self, row: Row) -> Judgement:
        """Everything that is wrong with the row, and the facts it states."""
        roles, get = self._roles, row.get
        verdict = Judgement()
        self._naming.read(row, verdict)
        self._bodies(row, verdict)
        until = get(roles.valid_until or "")
        own_end = get(roles.display_until or "")
        dates, verdict.decided_on = self._dated(get(roles.decided_on), get(roles.valid_from or ""), until, own_end)
        verdict.refusals += dates
        if not verdict.refusals:
            self._person(row, verdict)
            self._money(row, verdict)
            verdict.severity = self._severity(get(roles.penalty_kinds or "", ""), get(roles.fine or ""))
            verdict.period = self._period(verdict.decided_on, verdict.severity, until, own_end)
        return verdict

    def _bodies(self, row: Row, verdict: Judgement) -> None:
        roles = self._roles
        if row.get(roles.issuer) not in self._issuers:
            verdict.refusals.append(_at("issuer_not_yours", roles.issuer))
        if roles.source is not None and row.get(roles.source, self._uscc) != self._uscc:
            verdict.refusals.append(_at("source_not_yours", roles.source))

    def _judge_dates(
        self, decided_on: str | None, valid_from: str | None, valid_until: str | None, own_end: str | None
    ) -> tuple[tuple[FieldError, ...], date]:
        roles = self._roles
        decided = _day(decided_on)
        if decided is None:
            return (_at("field_required", roles.decided_on, **self._spoken[roles.decided_on]),), date.min
        errors = []
        if decided > self._today:
            errors.append(_at("future_date", roles.decided_on, **self._spoken[roles.decided_on]))
        elif not any(
            basis.in_force_from <= decided and (basis.in_force_until is None or decided <= basis.in_force_until)
            for basis in self._item.basis
        ):
            errors.append(_at("basis_not_in_force", roles.decided_on))
        ends = ((roles.valid_until, valid_until, _day(valid_from) or decided), (roles.display_until, own_end, decided))
        for code, text, earliest in ends:
            last = _day(text)
            if code is not None and last is not None and last < earliest:
                errors.append(_at("dates_reversed", code, **self._spoken[code]))
        return tuple(errors), decided

    def _person(self, row: Row, verdict: Judgement) -> None:
        who = verdict.subject
        if who is None or who.kind != "natural_person":
            return
        born = birth_date(who.document, who.number.reveal())
        if born is not None and is_minor(born, verdict.decided_on):
            verdict.refusals.append(_at("minor", self._roles.document_number))
        simple = self._item.simple_procedure_value
        if simple is not None and row.get(self._roles.procedure or "") == simple:
            verdict.refusals.append(_at("simple_procedure_person", self._roles.procedure))

    def _money(self, row: Row, verdict: Judgement) -> None:
        for code, maximum, limit in self._limits:
            if code in row and Decimal(row[code]) > limit:
                verdict.holds.append(_at("fine_implausible", code, maximum=maximum, **self._spoken[code]))
        fine, content = self._roles.fine, self._roles.content
        if fine is None or content is None or fine not in row:
            return
        if not amounts.agrees(Decimal(row[fine]), row.get(content, "")):
            verdict.holds.append(_at("fine_unit", fine))

    def _rate(self, penalty_kinds: str, fine: str | None) -> Severity | None:
        amount = None if fine is None else Decimal(fine)
        return severity_of(self._item, penalty_kinds=penalty_kinds.split(";"), fine=amount)

    def _show(
        self, decided_on: date, severity: Severity | None, valid_until: str | None, own_end: str | None
    ) -> Period:
        return period_of(
            self._item.display,
            decided_on=decided_on,
            severity=severity,
            valid_until=_day(valid_until),
            own_end=_day(own_end),
        )


def _at(code: str, field_code: str | None, **facts: str) -> FieldError:
    return reason(code, f"/{field_code}" if field_code else "", **facts)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
