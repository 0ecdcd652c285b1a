"""What a new version would allow that the one before did not: collect more, show more or longer, restrict more."""

from collections.abc import Collection, Iterator
from decimal import Decimal
from itertools import product

from creditmesh.schemas.catalogue import DisplayRule, FieldSpec, Item, Measure, Repair, Rule
from creditmesh.schemas.directory import Published

_OPENNESS = {"sharing": 0, "authorised": 1, "public": 2}
_SEVERITY = {"minor": 0, "general": 1, "serious": 2}
_HIDDEN = -1


def of(new: Published, old: Published) -> Iterator[str]:
    """The places (JSON Pointers) at which the new version is wider."""
    match new, old:
        case Item(), Item():
            yield from _item(new, old)
        case Measure(), Measure():
            yield from _measure(new, old)
        case Rule(), Rule():
            if not {a.code for a in old.forbids} <= {a.code for a in new.forbids}:
                yield "/forbids"
        case _:
            return


def narrows(new: Published, old: Published) -> bool:
    """Whether the one can be laid over the other as a narrowing: of a kind that has an order, and wider nowhere."""
    ordered = any(isinstance(new, kind) and isinstance(old, kind) for kind in (Item, Measure, Rule))
    return ordered and not any(of(new, old))


def _item(new: Item, old: Item) -> Iterator[str]:
    if new.tier != old.tier:
        yield "/tier"
    yield from _more("/kinds", new.kinds, old.kinds)
    yield from _more("/duties", new.duties, old.duties)
    yield from _more("/fields", [f.code for f in new.fields], [f.code for f in old.fields])
    if any(_OPENNESS[new.disclosed(kind)] > _OPENNESS[old.disclosed(kind)] for kind in new.kinds):
        yield "/disclosure"
    if _longer(new.display, old.display):
        yield "/display"
    if new.retention_months > old.retention_months:
        yield "/retention_months"
    yield from _penalises(new, old)
    known = {spec.code: spec for spec in old.fields}
    for spec in new.fields:
        if spec.code in known and _shows_more(spec, known[spec.code], new):
            yield f"/fields/{spec.code}"


def _penalises(new: Item, old: Item) -> Iterator[str]:
    if _severer(new, old):
        yield "/severity"
    if _harder(new.repair, old.repair):
        yield "/repair"
    if new.designates not in {None, old.designates}:
        yield "/designates"
    if old.simple_procedure_value not in {None, new.simple_procedure_value}:
        yield "/simple_procedure_value"


def _measure(new: Measure, old: Measure) -> Iterator[str]:
    yield from _more("/lists", new.lists, old.lists)
    yield from _more("/kinds", new.kinds, old.kinds)
    yield from _more("/matters", new.matters, old.matters)
    if new.nature != old.nature:
        yield "/nature"
    if new.reaches_responsible and not old.reaches_responsible:
        yield "/reaches_responsible"
    if old.months is not None and (new.months is None or new.months > old.months):
        yield "/months"
    if new.clean_years is not None and (old.clean_years is None or new.clean_years < old.clean_years):
        yield "/clean_years"


def _more(pointer: str, new: Collection[str], old: Collection[str]) -> Iterator[str]:
    if not set(new) <= set(old):
        yield pointer


def _longer(new: DisplayRule, old: DisplayRule) -> bool:
    if new.by != old.by or (new.publishes_minor and not old.publishes_minor):
        return True
    if new.by == "months":
        return old.months is not None and (new.months is None or new.months > old.months)
    return new.by == "by_severity" and (
        new.minor_months > old.minor_months
        or new.general_months > old.general_months
        or new.serious_months > old.serious_months
    )


def _severer(new: Item, old: Item) -> bool:
    rules = (*new.severity, *old.severity)
    kinds = {"", *(kind for rule in rules for kind in rule.penalty_kinds)}
    fines = {Decimal(0), *(Decimal(rule.fine_from) for rule in rules if rule.fine_from is not None)}
    return any(_severity(new, kind, fine) > _severity(old, kind, fine) for kind, fine in product(kinds, fines))


def _severity(item: Item, kind: str, fine: Decimal) -> int:
    """The rank of a penalty of this kind alone with this fine: the first rule that matches, else general."""
    if item.fixed_severity is not None:
        return _SEVERITY[item.fixed_severity]
    for rule in item.severity:
        if rule.penalty_kinds and kind not in rule.penalty_kinds:
            continue
        if rule.fine_from is None or fine >= Decimal(rule.fine_from):
            return _SEVERITY[rule.severity]
    return _SEVERITY["general"]


def _harder(new: Repair, old: Repair) -> bool:
    return old.possible and (
        not new.possible
        or new.minor_months > old.minor_months
        or new.general_months > old.general_months
        or new.serious_months > old.serious_months
    )


def _shows_more(new: FieldSpec, old: FieldSpec, item: Item) -> bool:
    if any(old.sealed_for(kind) and not new.sealed_for(kind) for kind in item.kinds):
        return True
    return any(new.sealed_for(kind) for kind in item.kinds) and _shown(new) > _shown(old)


def _shown(spec: FieldSpec) -> int:
    return _HIDDEN if spec.mask is None else spec.mask.keep_left + spec.mask.keep_right
