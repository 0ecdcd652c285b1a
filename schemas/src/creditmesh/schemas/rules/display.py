"""How long a record is shown: from the decision on, until the catalogue's period or the row's own end, the earlier.

The period counts from the day the document found the fact (order 36 of 2025); ends that rows give are last days.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from creditmesh.schemas.catalogue import DisplayRule, Repair
from creditmesh.schemas.rules.calendar import OPEN_END, add_months
from creditmesh.schemas.words import Severity


@dataclass(frozen=True, slots=True)
class Period:
    """`until` is the first day on which the record is shown no more; None: open."""

    begins: date
    until: date | None


def period_of(
    rule: DisplayRule,
    *,
    decided_on: date,
    severity: Severity | None,
    valid_until: date | None = None,
    own_end: date | None = None,
) -> Period:
    """The display period of a record under this rule."""
    ends = [end for end in (_end_of_rule(rule, decided_on, severity, valid_until), _after(own_end)) if end is not None]
    return Period(decided_on, min(ends, default=None))


def lengthened(until: date | None, rule: Repair, *, decided_on: date) -> date | None:
    """The end of a record whose repair was obtained by false material: no earlier than the rule says."""
    if until is None or rule.false_material is None:
        return until
    return max(until, add_months(decided_on, rule.false_material.display_months))


def _end_of_rule(
    rule: DisplayRule, decided_on: date, severity: Severity | None, valid_until: date | None
) -> date | None:
    match rule.by:
        case "until_valid":
            longest = None if severity is None else _by_severity(rule, decided_on, severity)
            return min((end for end in (_after(valid_until), longest) if end is not None), default=None)
        case "months":
            return None if rule.months is None else add_months(decided_on, rule.months)
        case "by_severity":
            return _by_severity(rule, decided_on, severity or "general")


def _by_severity(rule: DisplayRule, decided_on: date, severity: Severity) -> date:
    months = {"minor": rule.minor_months, "general": rule.general_months, "serious": rule.serious_months}
    return add_months(decided_on, months[severity])


def _after(last: date | None) -> date | None:
    return None if last is None or last >= OPEN_END else last + timedelta(days=1)
