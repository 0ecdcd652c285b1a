"""The gate of one item for one party on one legal date: what a valid row must also be before it is a record.

Refused outright is what the law does not let us hold; held for an officer is what is probably a slip of the pen but may
be genuine. The fields' own types, lengths and code sets were judged before (`schemas.rules.compile`).
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache

from creditmesh.ingestion.lawful import KEPT, SHORT, Judgement, Lawful, at
from creditmesh.schemas.catalogue import Item, Party
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.rules.amounts import fine_agrees
from creditmesh.schemas.rules.calendar import add_months
from creditmesh.schemas.rules.coded import hides_a_kind
from creditmesh.schemas.rules.compile import CompiledItem, Row
from creditmesh.schemas.rules.decision_numbers import fault_of
from creditmesh.schemas.rules.fillers import is_doubtful_name
from creditmesh.schemas.rules.forms import has_its_form
from creditmesh.schemas.rules.personal_numbers import holds_personal_number

_A_YEAR = 4
"""Characters of a decision's number in an item that has one decision a year: its field holds the year and no more."""
_GATES = 64


@lru_cache(_GATES)
def gate_of(compiled: CompiledItem, *, party: Party, today: date) -> "Gate":
    """The gate of these, with what it remembers of earlier rows: a row that comes alone finds it made."""
    return Gate(compiled, party=party, today=today)


class Gate(Lawful):
    """Judges rows one by one; holds what is the same for all of them."""

    def __init__(self, compiled: CompiledItem, *, party: Party, today: date) -> None:
        super().__init__(compiled, today=today)
        self._fillers = compiled.decision_fillers
        number = compiled.item.field(compiled.item.roles.decision_number)
        self._yearly = number.max_length is not None and number.max_length <= _A_YEAR
        self._uscc = party.uscc
        self._issuers = {party.uscc, *party.issues_for}
        self._limits = [(f.code, f.maximum, Decimal(f.maximum)) for f in compiled.item.fields if f.maximum is not None]
        self._named = tuple(spec.code for spec in compiled.item.fields if spec.type == "name")
        self._words, self._stems = compiled.fillers, compiled.stems
        self._fine_agrees = lru_cache(KEPT)(fine_agrees)
        self._over = lru_cache(KEPT)(self._kept_for_its_term)
        self._clear = {kind: tuple(_read_by_all(compiled.item, kind)) for kind in compiled.item.kinds}

    def judge(self, row: Row) -> Judgement:
        """Everything that is wrong with the row, and the facts it states."""
        roles, get = self._roles, row.get
        verdict = Judgement()
        self._naming.read(row, verdict)
        self._identifies(row, verdict)
        self._bodies(row, verdict)
        until = get(roles.valid_until or "")
        own_end = get(roles.display_until or "")
        dates, verdict.decided_on = self._dated(get(roles.decided_on), get(roles.valid_from or ""), until, own_end)
        verdict.refusals += dates
        if not verdict.refusals:
            self._person(row, verdict)
            self._names(row, verdict)
            self._kinds(row, verdict)
            self._clear_texts(row, verdict)
            self._money(row, verdict)
            verdict.severity = self._severity(row)
            verdict.period = self._period(verdict.decided_on, verdict.severity, until, own_end)
            if self._over(verdict.period.until):
                verdict.refusals.append(at("retention_over", None))
        return verdict

    def _tells_apart(self, code: str, text: str) -> str | None:
        decision = code == self._roles.decision_number
        return fault_of(text, self._fillers, decision=decision, yearly=self._yearly)

    def _bodies(self, row: Row, verdict: Judgement) -> None:
        roles = self._roles
        if row.get(roles.issuer) not in self._issuers:
            verdict.refusals.append(at("issuer_not_yours", roles.issuer))
        if roles.source is not None and row.get(roles.source, self._uscc) not in self._issuers:
            verdict.refusals.append(at("source_not_yours", roles.source))

    def _names(self, row: Row, verdict: Judgement) -> None:
        for code in self._named:
            if code in row and is_doubtful_name(row[code], self._words):
                verdict.holds.append(at("name_doubtful", code, **self._spoken[code]))

    def _kinds(self, row: Row, verdict: Judgement) -> None:
        code = self._roles.penalty_kinds
        if code is not None and hides_a_kind(row.get(code, ""), self._stems):
            verdict.holds.append(at("kind_doubtful", code, **self._spoken[code]))

    def _clear_texts(self, row: Row, verdict: Judgement) -> None:
        for code in () if verdict.subject is None else self._clear[verdict.subject.kind]:
            if code in row and holds_personal_number(row[code]) and not has_its_form(self._item.field(code), row[code]):
                verdict.holds.append(at("personal_number", code, **self._spoken[code]))

    def _money(self, row: Row, verdict: Judgement) -> None:
        for code, maximum, limit in self._limits:
            if code in row and Decimal(row[code]) > limit:
                verdict.holds.append(at("fine_implausible", code, maximum=maximum, **self._spoken[code]))
        fine, content = self._roles.fine, self._roles.content
        if fine is None or content is None or fine not in row:
            return
        text = row.get(content, "")
        agrees = self._fine_agrees if len(text) <= SHORT else fine_agrees
        if not agrees(Decimal(row[fine]), text):
            verdict.holds.append(at("fine_unit", fine))

    def _kept_for_its_term(self, ended: date | None) -> bool:
        return ended is not None and add_months(ended, self._item.retention_months) <= self._today


def _read_by_all(item: Item, kind: SubjectKind) -> Iterator[str]:
    """The fields that stand in clear and hold text; the codes of bodies and subjects are judged by themselves."""
    judged = {item.roles.uscc, item.roles.issuer, item.roles.source}
    for spec in item.fields:
        if spec.code not in judged and spec.type not in {"date", "decimal"} and not spec.sealed_for(kind):
            yield spec.code
