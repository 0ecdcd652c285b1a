"""An item: a kind of record that may be collected, and the rules it carries."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self, get_args

from pydantic import Field as Constraint
from pydantic import model_validator

from creditmesh.schemas.catalogue.base import Basis, CatalogueModel
from creditmesh.schemas.catalogue.field import FieldSpec, Roles
from creditmesh.schemas.events.record import Severity
from creditmesh.schemas.identifiers import Code, SubjectKind, Tier

Disclosure = Literal["public", "sharing", "authorised"]
"""披露方式: 公开公示, 政务共享, 授权查询."""


class SeverityRule(CatalogueModel):
    """The first rule that matches gives the severity; none: `general`."""

    severity: Severity
    penalty_kinds: tuple[str, ...] = ()
    fine_from: str | None = None
    """万元, inclusive."""
    note: str = ""
    verified: bool = True


class DisplayRule(CatalogueModel):
    """How long a record is shown.

    `by_severity`: months from the decision date per severity. `until_valid`: until the row's end of validity
    (2099-12-31 = open). `months`: one period for all.
    """

    by: Literal["by_severity", "until_valid", "months"]
    months: int | None = None
    minor_months: int = 3
    general_months: int = 12
    serious_months: int = 36
    publishes_minor: bool = False
    """Whether minor records are open to all where the item is: in principle they are not (order 36 of 2025)."""
    note: str = ""
    verified: bool = True


class Repair(CatalogueModel):
    """Whether and from when a record can be repaired: months from the decision per severity."""

    possible: bool
    minor_months: int = 0
    general_months: int = 3
    serious_months: int = 12
    evidence: tuple[str, ...] = ()
    note: str = ""
    verified: bool = True


class Item(CatalogueModel):
    """目录条目: a kind of record that may be collected, by whom, on what basis, with which fields, shown how long."""

    code: Code
    name: str
    name_zh: str
    record_class: str
    """The class of the national catalogue."""
    tier: Tier
    """The tier that issued the item."""
    number: Annotated[int, Constraint(ge=1)] = 1
    kinds: tuple[SubjectKind, ...]
    duties: tuple[Code, ...]
    """A party may submit the item if it has one of these duties."""
    basis: tuple[Basis, ...]
    fields: tuple[FieldSpec, ...]
    roles: Roles
    natural_key: tuple[str, ...] = ()
    """The fields that tell the records of one subject and issuing body apart; empty: the decision's number alone.

    Where one decision makes several records (a licence with thirty certificates), what tells these apart is named too.
    """
    nature: Literal["neutral", "adverse", "favourable"]
    disclosure: Disclosure
    disclosure_by_kind: dict[SubjectKind, Disclosure] = Constraint(default={})
    """Where a kind differs: natural persons are in principle not public."""
    severity: tuple[SeverityRule, ...] = ()
    fixed_severity: Severity | None = None
    display: DisplayRule
    repair: Repair = Repair(possible=False)
    designates: Code | None = None
    """The list a record of this item puts its subject on."""
    deadline_working_days: int | None = None
    channel: str = ""
    retention_months: int = 60
    update_frequency: str = ""
    simple_procedure_value: str | None = None
    """The value of `roles.procedure` that means 简易程序; such penalties on natural persons are refused."""
    shared_upwards: bool = True
    verified: bool = True

    def disclosed(self, kind: SubjectKind) -> Disclosure:
        """How records of this item about this kind of subject may be disclosed."""
        return self.disclosure_by_kind.get(kind, self.disclosure)

    @cached_property
    def sealed(self) -> Mapping[SubjectKind, frozenset[str]]:
        """The codes of the fields that are sensitive in a record about each kind of subject."""
        kinds: tuple[SubjectKind, ...] = get_args(SubjectKind)
        return {kind: frozenset(spec.code for spec in self.fields if spec.sealed_for(kind)) for kind in kinds}

    @cached_property
    def identifying(self) -> tuple[str, ...]:
        """`natural_key` or what stands for it, in an order that does not depend on how it was written."""
        number = self.roles.decision_number
        return tuple(sorted(self.natural_key or (number,), key=lambda code: (code != number, code)))

    @model_validator(mode="after")
    def _has_what_identifies(self) -> Self:
        subjects = {spec.code for spec in self.fields if spec.about == "subject"}
        if len(set(self.natural_key)) != len(self.natural_key) or not subjects.issuperset(self.natural_key):
            raise ValueError("natural_key names fields of the item about its subject, each once")
        return self

    def field(self, code: str) -> FieldSpec:
        """The field of that code; KeyError if the item has none."""
        for spec in self.fields:
            if spec.code == code:
                return spec
        raise KeyError(code)
