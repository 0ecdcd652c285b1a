"""What a field says of others: which of them a row must have, and which hold a resident's number."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet

from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.rules.columns import Column
from creditmesh.schemas.rules.identity import CITIZENS
from creditmesh.schemas.rules.values import remembered

Demands = tuple[str, Callable[[str], frozenset[str]]]
"""A field, and what a value of it demands."""


def conditions(columns: Mapping[str, Column], banned: AbstractSet[str] = frozenset()) -> tuple[Demands, ...]:
    """What the fields of an item demand of others, by the field that is looked at; what is banned nothing demands."""
    # By the field that is looked at: what any value of it demands, and what each particular value does.
    demands: dict[str, tuple[set[str], dict[str, set[str]]]] = {}
    for code, col in columns.items():
        for condition in col.spec.required_if if code not in banned else ():
            looked_at = columns[condition.field]
            always, needs = demands.setdefault(condition.field, (set(), {}))
            if not condition.in_values:
                always.add(code)
            for value in condition.in_values:
                needs.setdefault(looked_at.canonical(value), set()).add(code)
    return tuple(
        (field, _wanted(columns[field], frozenset(always), needs)) for field, (always, needs) in demands.items()
    )


def _wanted(col: Column, always: frozenset[str], needs: Mapping[str, set[str]]) -> Callable[[str], frozenset[str]]:
    table = {value: frozenset(codes | always) for value, codes in needs.items()}
    if col.spec.type != "codes":
        return lambda value: table.get(value, always)

    def several(values: str) -> frozenset[str]:
        return always.union(*(table.get(value, always) for value in values.split(";")))

    return remembered(several, most=1024)


def resident_pairs(
    item: Item, meanings: Mapping[str, Mapping[str, str]]
) -> tuple[tuple[str, str | None, frozenset[str]], ...]:
    """The fields that may hold a resident's number: with the field that tells, and its values that say so.

    Without a type of document they hold nothing else, unless a body's code may stand there: then the kind tells.
    """
    roles = item.roles
    shared = roles.document_number is not None and roles.document_number == roles.uscc
    pairs = (
        (roles.document_number, roles.kind if shared and roles.document_type is None else roles.document_type),
        (roles.representative_document_number, roles.representative_document_type),
    )
    wanted = CITIZENS | {"natural_person"}
    return tuple(
        (number, told_by, frozenset(v for v, meaning in meanings.get(told_by or "", {}).items() if meaning in wanted))
        for number, told_by in pairs
        if number is not None
    )
