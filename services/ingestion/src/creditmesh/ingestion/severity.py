"""How serious an adverse record is: the first rule of the item's table that matches, else general.

The table is data of the catalogue (信用修复管理办法, order 36 of 2025, and what regulators publish under it).
"""

from collections.abc import Collection
from decimal import Decimal

from creditmesh.schemas.catalogue import Item, SeverityRule
from creditmesh.schemas.events.record import Severity


def severity_of(item: Item, *, penalty_kinds: Collection[str], fine: Decimal | None) -> Severity | None:
    """The severity under these kinds of penalty and this fine in 万元; None where the item is not adverse."""
    if item.fixed_severity is not None:
        return item.fixed_severity
    if item.nature != "adverse":
        return None
    return next((rule.severity for rule in item.severity if _matches(rule, penalty_kinds, fine)), "general")


def _matches(rule: SeverityRule, penalty_kinds: Collection[str], fine: Decimal | None) -> bool:
    if rule.penalty_kinds and not any(kind in rule.penalty_kinds for kind in penalty_kinds):
        return False
    return rule.fine_from is None or (fine is not None and fine >= Decimal(rule.fine_from))
