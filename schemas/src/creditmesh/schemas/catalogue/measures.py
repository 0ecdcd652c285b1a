"""Lists, the measures that follow from them, and the matters and purposes for which somebody asks."""

from typing import Literal

from creditmesh.schemas.catalogue.base import Basis, CatalogueModel
from creditmesh.schemas.identifiers import Code, SubjectKind


class CreditList(CatalogueModel):
    """名单: a red or black list on which records of designating items put their subjects."""

    code: Code
    name: str
    name_zh: str
    colour: Literal["black", "red"]
    severe: bool = False
    basis: tuple[Basis, ...]
    exit: str = ""
    verified: bool = True


class Measure(CatalogueModel):
    """奖惩措施: content, target, basis, body class, period: a reward or a restriction, and nothing outside the list."""

    code: Code
    name: str
    name_zh: str
    nature: Literal["reward", "restriction"]
    lists: tuple[Code, ...]
    """The lists whose members it targets."""
    kinds: tuple[SubjectKind, ...]
    matters: tuple[Code, ...]
    """The matters it applies to; none other."""
    duties: tuple[Code, ...]
    """The body class: the duty of the parties that must apply it."""
    reaches_responsible: bool = False
    """Whether it also restricts the responsible persons of a listed organisation."""
    clean_years: int | None = None
    """Of a reward: it is also for who has no adverse visible record decided within so many years."""
    months: int | None = None
    basis: tuple[Basis, ...]
    verified: bool = True


class Matter(CatalogueModel):
    """事项: what a department does for a subject: which items it may read, which measures it must check."""

    code: Code
    name: str
    name_zh: str
    duties: tuple[Code, ...]
    """A party may claim the matter if it has one of these duties."""
    items: tuple[Code, ...]
    measures: tuple[Code, ...] = ()
    basis: tuple[Basis, ...]
    verified: bool = True


class Purpose(CatalogueModel):
    """用途: why somebody asks, and on which ground; a closed list."""

    code: Code
    name: str
    name_zh: str
    ground: Literal["statutory", "authorisation"]
    callers: tuple[Literal["department", "bureau"], ...]
