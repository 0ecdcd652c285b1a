"""How serious an adverse record is: as serious as the most serious of its kinds of penalty.

The table is data of the catalogue (信用修复管理办法, order 36 of 2025, and what regulators publish under it).
"""

import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal

from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.catalogue.item import SEVERITIES, SeverityRule
from creditmesh.schemas.words import Severity

AMOUNT = re.compile(r"[0-9]+(\.[0-9]+)?")
"""How an amount is written in a canonical row."""
_DEFAULT = SeverityRule(severity="general")


def severity_of(
    item: Item, *, penalty_kinds: Collection[str], fine: Decimal | None, simple: bool = False
) -> Severity | None:
    """The severity under these kinds of penalty and this fine in 万元; None where the item is not adverse.

    `simple` is whether it was decided by simple procedure.
    A milder class needs all kinds in it: a warning beside a measure that no rule names is general, not minor.
    """
    rated = (item.rated(kind, fine, simple=simple) for kind in penalty_kinds or ("",))
    return max((each for each in rated if each is not None), key=SEVERITIES.index, default=None)


def rated_anew(item: Item, fields: Mapping[str, object], *, stored: Severity | None) -> Severity | None:
    """The severity of a stored record by this item, from its clear fields; what was stored if they do not tell."""
    roles = item.roles
    untold = roles.penalty_kinds is not None and roles.penalty_kinds not in fields
    if untold and item.fixed_severity is None and item.nature == "adverse":
        return stored
    fine = fields.get(roles.fine or "")
    return severity_of(
        item,
        penalty_kinds=str(fields.get(roles.penalty_kinds or "", "")).split(";"),
        fine=Decimal(fine) if isinstance(fine, str) and AMOUNT.fullmatch(fine) else None,
        simple=item.simple_procedure_value is not None
        and fields.get(roles.procedure or "") == item.simple_procedure_value,
    )


def milder(stored: Severity | None, today: Severity | None) -> Severity | None:
    """The milder of the two; what was stored where one says none."""
    return stored if stored is None or today is None else min(stored, today, key=SEVERITIES.index)


def confirmed(item: Item) -> Item:
    """The item as it holds where what is not verified restricts nobody: it makes nothing more serious, or shown longer.

    Of the whole table and of its verified rules the milder holds. That is one table again: whatever the first rule of
    each that matches is, their pair is the first pair that matches.
    """
    follows = item.repair.false_material
    if follows is not None and not follows.verified:
        item = item.model_copy(update={"repair": item.repair.model_copy(update={"false_material": None})})
    if all(rule.verified for rule in item.severity):
        return item
    verified = (*(rule for rule in item.severity if rule.verified), _DEFAULT)
    pairs = ((one, other) for one in (*item.severity, _DEFAULT) for other in verified)
    return item.model_copy(update={"severity": tuple(rule for pair in pairs for rule in _both(*pair))})


def _both(one: SeverityRule, other: SeverityRule) -> Iterator[SeverityRule]:
    kinds = {*one.penalty_kinds} & {*other.penalty_kinds}
    if one.penalty_kinds and other.penalty_kinds and not kinds:
        return
    fines = [rule.fine_from for rule in (one, other) if rule.fine_from is not None]
    yield SeverityRule(
        severity=min(one.severity, other.severity, key=SEVERITIES.index),
        penalty_kinds=tuple(sorted(kinds)) or one.penalty_kinds or other.penalty_kinds,
        fine_from=max(fines, key=Decimal, default=None),
        simple_procedure=one.simple_procedure or other.simple_procedure,
    )
