"""A department's ground: a purpose of the catalogue, a matter it has the duty for, and a named officer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from creditmesh.schemas.catalogue import Matter, Party, Purpose

GroundKind = Literal["statutory", "authorisation"]

TEXTS: Mapping[str, tuple[str, str]] = {
    "purpose": (
        "The purpose is not one a department may state on a statutory ground; see /v1/catalogue/purposes.",
        "该用途不是部门依法定依据可用的用途；见 /v1/catalogue/purposes。",
    ),
    "matter": (
        "Name a matter of the catalogue that is in force and confirmed (verified); see /v1/catalogue/matters.",
        "请提供目录中有效且已核实（verified）的事项；见 /v1/catalogue/matters。",
    ),
    "duty": (
        "Your party does not have the duty this matter belongs to.",
        "贵单位不具有该事项所属的职责。",
    ),
    "officer": (
        "Name the officer who asks (officer), or use an officer's own token.",
        "请提供查询人员 (officer)，或使用查询人员本人的令牌。",
    ),
}
"""What is said of each thing that a ground may lack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A ground that was checked: the items it reaches, and the first day on which it holds no more."""

    kind: GroundKind
    items: tuple[str, ...]
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Wanting:
    """What was claimed and found wanting."""

    reason: str

    @property
    def texts(self) -> tuple[str, str]:
        """The rule and the remedy, in English and Chinese."""
        return TEXTS[self.reason]


def statutory(
    *, purpose: Purpose | None, matter: Matter | None, party: Party | None, officer: str | None
) -> Ground | Wanting:
    """The ground of a department's query, or the first thing it lacks."""
    if purpose is None or purpose.ground != "statutory" or "department" not in purpose.callers:
        return Wanting("purpose")
    if matter is None:
        return Wanting("matter")
    if party is None or not party.active or not set(party.duties) & set(matter.duties):
        return Wanting("duty")
    if not officer:
        return Wanting("officer")
    return Ground(kind="statutory", items=matter.items)


def may_be_authorised(purpose: Purpose | None, party: Party | None) -> bool:
    """Whether a subject may permit this party anything for this purpose."""
    if purpose is None or party is None or purpose.ground != "authorisation":
        return False
    return party.active and party.kind in purpose.callers
