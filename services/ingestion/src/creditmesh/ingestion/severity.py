"""How serious an adverse record is: as serious as the most serious of its kinds of penalty.

The table is data of the catalogue (信用修复管理办法, order 36 of 2025, and what regulators publish under it).
"""

from collections.abc import Collection
from decimal import Decimal

from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.catalogue.item import SEVERITIES
from creditmesh.schemas.events.record import Severity


def severity_of(
    item: Item, *, penalty_kinds: Collection[str], fine: Decimal | None, simple: bool = False
) -> Severity | None:
    """The severity under these kinds of penalty and this fine in 万元; None where the item is not adverse.

    `simple` is whether it was decided by simple procedure.
    A milder class needs all kinds in it: a warning beside a measure that no rule names is general, not minor.
    """
    if item.fixed_severity is not None:
        return item.fixed_severity
    if item.nature != "adverse":
        return None
    return max((item.rated(kind, fine, simple=simple) for kind in penalty_kinds or ("",)), key=SEVERITIES.index)
