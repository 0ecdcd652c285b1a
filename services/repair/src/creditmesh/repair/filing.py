"""Whether a case may be filed about a record, and the day from which a record can be repaired. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from creditmesh.repair.errors import NotRepairable, RecordNotShown, RepairBarred, TooEarly
from creditmesh.schemas.catalogue import Repair
from creditmesh.schemas.events.case import CaseKind
from creditmesh.schemas.events.record import Severity
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.rules.calendar import add_months
from creditmesh.schemas.rules.visibility import Law, has_ended


# Not frozen: one is made for every event, and freezing doubles what that costs.
@dataclass(slots=True, kw_only=True)
class Record:
    """The newest revision of a record of this node, as far as cases go."""

    part: int
    record: UUID
    rev: int
    corrected: int
    """The newest revision by which its own body corrected it; 0: none."""
    subject: UUID
    kind: str
    item: str
    item_version: int
    severity: Severity | None
    state: str
    mark: str | None
    decided_on: date
    display_from: date
    display_until: date | None
    party: str
    change: str
    case_id: UUID | None
    """The case whose step made this revision."""
    named: Sequence[UUID] = ()
    """Whom it names beside its subject."""
    discharged: Sequence[UUID] = ()
    """Whom of those it has ever named it concerns no more."""
    fields: Mapping[str, object] = field(default_factory=dict)
    """Of what it says in clear, what its severity and its end are judged from."""
    false_material: bool = False
    """Whether a repair of it was obtained by false material and revoked."""

    def concerns(self, subject: UUID) -> bool:
        """Whether it is about this subject, or names them and was not ended for them."""
        return subject == self.subject or (subject in self.named and subject not in self.discharged)


def check_filing(kind: CaseKind, record: Record, *, rule: Repair | None, law: Law) -> None:
    """RecordNotShown; of a repair also NotRepairable and TooEarly."""
    if kind == "objection":
        if not law.stands(record):
            raise RecordNotShown("Nothing of it is shown or used; nothing is to be put right.", "无需再提出异议。")
        return
    if has_ended(record.state):
        raise RecordNotShown("It has ended already; nothing is left to repair.", "该记录已终止，无需修复。")
    check_period(record, rule, law=law)


def check_period(record: Record, rule: Repair | None, *, law: Law) -> None:
    """NotRepairable, or TooEarly before the minimum period from the decision is over (order 36 of 2025)."""
    if rule is None or not rule.possible:
        raise NotRepairable(
            "Ask the body that made the record how it ends; if it is wrong, file an objection.",
            "请向认定单位了解该记录如何终止；如有错误，请提出异议。",
        )
    earliest = earliest_repair(record, rule, law=law)
    if law.as_of < earliest:
        detail, detail_zh = f"File it again on {earliest} or later.", f"请于 {earliest} 或之后申请。"
        error = FieldError(pointer="/record", code="too_early", detail=detail, detail_zh=detail_zh)
        raise TooEarly(detail, detail_zh, errors=[error])


def check_not_barred(revoked_on: date | None, rule: Repair, *, today: date) -> None:
    """RepairBarred while the rule bars whoever had a repair by false material, revoked last on that day."""
    follows = rule.false_material
    if revoked_on is None or follows is None:
        return
    until = add_months(revoked_on, follows.barred_months)
    if today < until:
        raise RepairBarred(f"File it again on {until} or later.", f"请于 {until} 或之后申请。")


def earliest_repair(record: Record, rule: Repair, *, law: Law) -> date:
    """The first day on which the record can be repaired: months from its decision, by severity.

    That is the stored one, or the one that the law of today gives it, where that makes the day an earlier one.
    """
    months = {"minor": rule.minor_months, "general": rule.general_months, "serious": rule.serious_months}
    severities = (record.severity, law.severity(record))
    return add_months(record.decided_on, min(months[each or "general"] for each in severities))
