"""An item: a kind of record that may be collected, and the rules it carries."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from functools import cached_property
from itertools import product
from typing import Annotated, Literal, Self, get_args

from pydantic import Field as Constraint
from pydantic import model_validator
from pydantic_core import PydanticCustomError

from creditmesh.schemas.catalogue.base import Basis, CatalogueModel, Months
from creditmesh.schemas.catalogue.field import FIELDS, FieldSpec, Mask, Roles
from creditmesh.schemas.catalogue.narrowing import (
    AS_ONE,
    EACH_OF_ONE,
    FREE,
    FROZEN,
    MAX,
    MIN,
    SUBSET,
    SUPERSET,
    TOGETHER,
    Narrower,
    where,
    whole,
    wider,
)
from creditmesh.schemas.identifiers import RANK, Code, SubjectKind, Tier
from creditmesh.schemas.words import Severity

Disclosure = Literal["public", "sharing", "authorised"]
"""披露方式: 公开公示, 政务共享, 授权查询."""


SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the mildest to the most serious."""


class SeverityRule(CatalogueModel):
    """The first rule that matches one kind of penalty gives its severity; none: `general`."""

    severity: Annotated[Severity, TOGETHER]
    penalty_kinds: Annotated[tuple[str, ...], TOGETHER] = ()
    fine_from: Annotated[str | None, TOGETHER] = None
    """万元, inclusive."""
    simple_procedure: Annotated[bool, TOGETHER] = False
    """Only for what was decided by simple procedure (简易程序)."""
    note: Annotated[str, FREE] = ""
    verified: Annotated[bool, FREE] = True

    def rates(self, kind: str, fine: Decimal | None, *, simple: bool) -> bool:
        """Whether it is the rule for this kind of penalty with this fine in 万元, by simple procedure or not."""
        if (self.penalty_kinds and kind not in self.penalty_kinds) or (self.simple_procedure and not simple):
            return False
        return self.fine_from is None or (fine is not None and fine >= Decimal(self.fine_from))


class DisplayRule(CatalogueModel):
    """How long a record is shown.

    `by_severity`: months from the decision date per severity. `until_valid`: until the row's end of validity
    (2099-12-31 = open), and an adverse record no longer than by its severity. `months`: one period for all.
    """

    by: Annotated[Literal["by_severity", "until_valid", "months"], FROZEN]
    months: Annotated[Months | None, MAX] = None
    minor_months: Annotated[Months, MAX] = 3
    general_months: Annotated[Months, MAX] = 12
    serious_months: Annotated[Months, MAX] = 36
    publishes_minor: Annotated[bool, MAX] = False
    """Whether minor records are open to all where the item is: in principle they are not (order 36 of 2025)."""
    note: Annotated[str, FREE] = ""
    verified: Annotated[bool, FREE] = True


class FalseMaterial(CatalogueModel):
    """What follows where a repair was obtained by false material."""

    display_months: Annotated[Months, MAX]
    """The record is shown so many months from its decision, if it would end before."""
    barred_months: Annotated[Months, MAX] = 0
    """For so many months from the revocation no repair is taken of whoever gave it."""
    note: Annotated[str, FREE] = ""
    verified: Annotated[bool, FREE] = True


def _follows_no_more(new: FalseMaterial | None, old: FalseMaterial | None) -> bool:
    return new is None or (old is not None and next(wider(new, old), None) is None)


class Repair(CatalogueModel):
    """Whether and from when a record can be repaired: months from the decision per severity."""

    possible: Annotated[bool, MIN]
    minor_months: Annotated[Months, MAX] = 0
    general_months: Annotated[Months, MAX] = 3
    serious_months: Annotated[Months, MAX] = 12
    evidence: Annotated[tuple[str, ...], SUBSET] = ()
    false_material: Annotated[FalseMaterial | None, where(_follows_no_more)] = None
    """None: the record that is opened again ends when it would have."""
    note: Annotated[str, FREE] = ""
    verified: Annotated[bool, FREE] = True


def _discloses_no_more(new: "Item", old: "Item") -> bool:
    # Every department sees what is shared, and nobody by authorisation: neither of the two is inside the other.
    return all(old.disclosed(kind) in {"public", new.disclosed(kind)} for kind in new.kinds)


def _rates_no_higher(new: "Item", old: "Item") -> bool:
    rules = (*new.severity, *old.severity)
    kinds = {"", *(kind for rule in rules for kind in rule.penalty_kinds)}
    fines = {None, Decimal(0), *(Decimal(rule.fine_from) for rule in rules if rule.fine_from is not None)}
    cases = product(kinds, fines, (False, True))
    return all(_is_no_higher(new.rated(k, fine, simple=s), old.rated(k, fine, simple=s)) for k, fine, s in cases)


def _is_no_higher(new: Severity | None, old: Severity | None) -> bool:
    # None is not the mildest: what has no severity is shown to all, and for as long as it is valid.
    return new == old or (new is not None and old is not None and SEVERITIES.index(new) < SEVERITIES.index(old))


def _role_widens(new: "Item", old: "Item") -> Iterator[str]:
    """By its fields; and no role is taken from a field that stays, since what it holds would be nobody's."""
    kept = {spec.code for spec in new.fields}
    freed = {f"/{role}" for role, code in old.roles if code in kept and getattr(new.roles, role) is None}
    yield from sorted({*wider(new.roles, old.roles), *freed})


class Item(CatalogueModel):
    """目录条目: a kind of record that may be collected, by whom, on what basis, with which fields, shown how long."""

    code: Annotated[Code, FROZEN]
    name: Annotated[str, FREE]
    name_zh: Annotated[str, FREE]
    record_class: Annotated[str, FROZEN]
    """The class of the national catalogue."""
    tier: Annotated[Tier, FROZEN]
    """The tier that issued the item."""
    number: Annotated[int, Constraint(ge=1), FREE] = 1
    kinds: Annotated[tuple[SubjectKind, ...], SUBSET]
    duties: Annotated[tuple[Code, ...], SUBSET]
    """A party may submit the item if it has one of these duties."""
    basis: Annotated[tuple[Basis, ...], EACH_OF_ONE]
    fields: Annotated[tuple[FieldSpec, ...], FIELDS]
    roles: Annotated[Roles, Narrower(_role_widens, whole=True)]
    natural_key: Annotated[tuple[str, ...], FROZEN] = ()
    """The fields that tell the records of one subject and issuing body apart; empty: the decision's number alone.

    Where one decision makes several records (a licence with thirty certificates), what tells these apart is named too.
    """
    nature: Annotated[Literal["neutral", "adverse", "favourable"], FROZEN]
    disclosure: Annotated[Disclosure, whole(_discloses_no_more)]
    disclosure_by_kind: Annotated[dict[SubjectKind, Disclosure], TOGETHER] = Constraint(default={})
    """Where a kind differs: natural persons are in principle not public."""
    severity: Annotated[tuple[SeverityRule, ...], whole(_rates_no_higher)] = ()
    fixed_severity: Annotated[Severity | None, TOGETHER] = None
    display: Annotated[DisplayRule, AS_ONE]
    repair: Annotated[Repair, AS_ONE] = Repair(possible=False)
    designates: Annotated[Code | None, SUBSET] = None
    """The list a record of this item puts its subject on."""
    channel: Annotated[str, FREE] = ""
    retention_months: Annotated[Months, MAX] = 60
    update_frequency: Annotated[str, FREE] = ""
    simple_procedure_value: Annotated[str | None, SUPERSET] = None
    """The value of `roles.procedure` that means 简易程序; such penalties on natural persons are refused."""
    shared_upwards: Annotated[bool, MAX] = True
    verified: Annotated[bool, FREE] = True

    def shared_by(self, tier: str) -> bool:
        """Whether a node of this tier shares its records upwards: not beyond the tier that issued the item."""
        return self.shared_upwards and RANK[tier] < RANK[self.tier]

    def disclosed(self, kind: SubjectKind) -> Disclosure:
        """How records of this item about this kind of subject may be disclosed."""
        return self.disclosure_by_kind.get(kind, self.disclosure)

    def rated(self, kind: str, fine: Decimal | None, *, simple: bool) -> Severity | None:
        """How serious one kind of penalty is with this fine in 万元; None where the item is not adverse."""
        if self.fixed_severity is not None or self.nature != "adverse":
            return self.fixed_severity
        return next((rule.severity for rule in self.severity if rule.rates(kind, fine, simple=simple)), "general")

    @cached_property
    def sealed(self) -> Mapping[SubjectKind, frozenset[str]]:
        """The codes of the fields that are sensitive in a record about each kind of subject."""
        kinds: tuple[SubjectKind, ...] = get_args(SubjectKind)
        return {kind: frozenset(spec.code for spec in self.fields if spec.sealed_for(kind)) for kind in kinds}

    @cached_property
    def shown_to_all(self) -> Mapping[SubjectKind, tuple[tuple[str, Mask | None], ...]]:
        """The fields that a record about each kind of subject shows to all, sensitive ones with their mask."""
        return {kind: tuple(self._shown(sealed)) for kind, sealed in self.sealed.items()}

    def _shown(self, sealed: AbstractSet[str]) -> Iterator[tuple[str, Mask | None]]:
        for spec in self.fields:
            if spec.code not in sealed:
                yield spec.code, None
            elif spec.mask is not None:
                yield spec.code, spec.mask

    @cached_property
    def identifying(self) -> tuple[str, ...]:
        """`natural_key` or what stands for it, in an order that does not depend on how it was written."""
        number = self.roles.decision_number
        return tuple(sorted(self.natural_key or (number,), key=lambda code: (code != number, code)))

    @model_validator(mode="after")
    def _has_what_identifies(self) -> Self:
        subjects = {spec.code for spec in self.fields if spec.about == "subject"}
        if len(set(self.natural_key)) != len(self.natural_key) or not subjects.issuperset(self.natural_key):
            raise PydanticCustomError(
                "natural_key", "natural_key names fields of the item about its subject, each once"
            )
        return self

    def field(self, code: str) -> FieldSpec:
        """The field of that code; KeyError if the item has none."""
        for spec in self.fields:
            if spec.code == code:
                return spec
        raise KeyError(code)
