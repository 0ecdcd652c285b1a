"""What every gate asks of a row, whoever brings it: whom it names, its dates, and whether the law lets us hold it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from creditmesh.ingestion.naming import NamedSubjects, Naming
from creditmesh.schemas.catalogue.base import based
from creditmesh.schemas.events.record import Severity
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.compile import CompiledItem, Row
from creditmesh.schemas.rules.decision_numbers import is_odd, may_be_a_day
from creditmesh.schemas.rules.display import Period, period_of
from creditmesh.schemas.rules.identity import birth_date, is_minor
from creditmesh.schemas.rules.severity import severity_of

_UNKNOWN = Period(date.min, None)
KEPT = 1024
"""Answers that a gate remembers of each of its questions."""
SHORT = 256
"""Characters of the longest text of which it is kept what follows from it."""


@dataclass(slots=True)
class Judgement(NamedSubjects):
    """What a gate says of one row. A row with refusals has no facts that may be relied on."""

    decided_on: date = date.min
    severity: Severity | None = None
    period: Period = _UNKNOWN
    false_material: bool = False
    """Whether the record is one whose repair was obtained by false material."""


class Lawful:
    """One item on one legal date.

    The rows of a file have few different dates, kinds of penalty and fines: what follows from those alone is kept.
    """

    def __init__(self, compiled: CompiledItem, *, today: date) -> None:
        self._item = compiled.item
        self._roles = compiled.item.roles
        self._today = today
        self._naming = Naming(compiled)
        self._spoken = {spec.code: {"name": spec.name, "name_zh": spec.name_zh} for spec in compiled.item.fields}
        self._dated = lru_cache(KEPT)(self._judge_dates)
        self._period = lru_cache(KEPT)(self._show)
        self._kept = lru_cache(KEPT)(self._rate)

    def _identifies(self, row: Row, verdict: Judgement) -> None:
        # What tells a record from others must be there and be no filler: rows without would overwrite each other.
        given = [code for code in self._item.identifying if code in row]
        if not given:
            code = self._item.identifying[0]
            verdict.refusals.append(at("field_required", code, **self._spoken[code]))
        for code in filter(lambda code: is_odd(row[code]), given):
            fault = self._tells_apart(code, row[code])
            if fault is not None:
                verdict.refusals.append(at(fault, code, **self._spoken[code]))
            elif code == self._roles.decision_number and may_be_a_day(row[code]):
                verdict.holds.append(at("decision_day", code, **self._spoken[code]))

    def _tells_apart(self, code: str, text: str) -> str | None:
        """Why what stands in a field that identifies tells no record from others; None if it does."""
        raise NotImplementedError

    def _judge_dates(
        self, decided_on: str | None, valid_from: str | None, valid_until: str | None, own_end: str | None
    ) -> tuple[tuple[FieldError, ...], date]:
        roles = self._roles
        decided = _day(decided_on)
        if decided is None:
            return (at("field_required", roles.decided_on, **self._spoken[roles.decided_on]),), date.min
        errors = []
        if decided > self._today:
            errors.append(at("future_date", roles.decided_on, **self._spoken[roles.decided_on]))
        elif not self._is_based(decided):
            errors.append(at("basis_not_in_force", roles.decided_on))
        ends = ((roles.valid_until, valid_until, _day(valid_from) or decided), (roles.display_until, own_end, decided))
        for code, text, earliest in ends:
            last = _day(text)
            if code is not None and last is not None and last < earliest:
                errors.append(at("dates_reversed", code, **self._spoken[code]))
        return tuple(errors), decided

    def _is_based(self, decided: date) -> bool:
        """Whether the law lets us hold it: what is adverse, from the day that made it so; else also what stands today.

        A register is older than the rule that it is shared by.
        """
        days = (decided,) if self._item.nature == "adverse" else (decided, self._today)
        return any(based(self._item.basis, day) for day in days)

    def _person(self, row: Row, verdict: Judgement) -> None:
        who = verdict.subject
        if who is None or who.kind != "natural_person":
            return
        born = birth_date(who.document, who.number.reveal())
        if born is not None and is_minor(born, verdict.decided_on):
            verdict.refusals.append(at("minor", self._roles.document_number))
        if self._simple(row):
            verdict.refusals.append(at("simple_procedure_person", self._roles.procedure))

    def _simple(self, row: Row) -> bool:
        """Whether it was decided by simple procedure, where the item says how that is written."""
        simple = self._item.simple_procedure_value
        return simple is not None and row.get(self._roles.procedure or "") == simple

    def _severity(self, row: Row) -> Severity | None:
        kinds, fine = row.get(self._roles.penalty_kinds or "", ""), row.get(self._roles.fine or "")
        # An open set of kinds takes any text as one: only what is short is kept.
        rate = self._kept if len(kinds) <= SHORT else self._rate
        return rate(kinds, fine, simple=self._simple(row))

    def _rate(self, penalty_kinds: str, fine: str | None, *, simple: bool) -> Severity | None:
        amount = None if fine is None else Decimal(fine)
        return severity_of(self._item, penalty_kinds=penalty_kinds.split(";"), fine=amount, simple=simple)

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


def at(code: str, field_code: str | None, **facts: str) -> FieldError:
    """The reason of that code at a field of the row; None: the whole row."""
    return reason(code, f"/{field_code}" if field_code else "", **facts)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
