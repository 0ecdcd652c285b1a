"""Lists, the measures that follow from them, and the matters and purposes for which somebody asks."""

from datetime import date
from typing import Annotated, Literal

from creditmesh.schemas.catalogue.base import Basis, CatalogueModel, Months, Years
from creditmesh.schemas.catalogue.narrowing import EACH_OF_ONE, FREE, FROZEN, MAX, MIN_IF_ANY, SUBSET
from creditmesh.schemas.identifiers import Code, SubjectKind
from creditmesh.schemas.rules.calendar import add_months

SevereGround = Literal["health_and_life", "market_and_social_order", "refusing_legal_duty", "refusing_defence_duty"]
"""The four kinds of conduct for which there are severe lists (国办发〔2016〕98号 六(二), 国办发〔2020〕49号 (六))."""


class CreditList(CatalogueModel):
    """名单: a red or black list on which records of designating items put their subjects."""

    code: Annotated[Code, FROZEN]
    name: Annotated[str, FREE]
    name_zh: Annotated[str, FREE]
    colour: Annotated[Literal["black", "red"], FROZEN]
    severe: Annotated[bool, FROZEN] = False
    ground: Annotated[SevereGround | None, FROZEN] = None
    """Which of the four kinds of conduct a severe list is for."""
    standard: Annotated[str, FROZEN] = ""
    """认定标准: what conduct, found by whom, puts somebody on it."""
    basis: Annotated[tuple[Basis, ...], EACH_OF_ONE]
    exit: Annotated[str, FROZEN] = ""
    verified: Annotated[bool, FREE] = True


class Measure(CatalogueModel):
    """奖惩措施: content, target, basis, body class, period: a reward or a restriction, and nothing outside the list."""

    code: Annotated[Code, FROZEN]
    name: Annotated[str, FREE]
    name_zh: Annotated[str, FREE]
    nature: Annotated[Literal["reward", "restriction"], FROZEN]
    lists: Annotated[tuple[Code, ...], SUBSET]
    """The lists whose members it targets."""
    kinds: Annotated[tuple[SubjectKind, ...], SUBSET]
    matters: Annotated[tuple[Code, ...], SUBSET]
    """The matters it applies to; none other."""
    duties: Annotated[tuple[Code, ...], SUBSET]
    """The body class: the duty of the parties that must apply it."""
    reaches_responsible: Annotated[bool, MAX] = False
    """Whether it also restricts the responsible persons of a listed organisation."""
    clean_years: Annotated[Years | None, MIN_IF_ANY] = None
    """Of a reward: it is also for who has no adverse visible record decided within so many years."""
    months: Annotated[Months | None, MAX] = None
    """Its own period, from the day on which its ground is shown; None: as long as the ground."""
    basis: Annotated[tuple[Basis, ...], EACH_OF_ONE]
    verified: Annotated[bool, FREE] = True

    def until(self, begins: date) -> date | None:
        """The first day on which it applies no more to whose ground is shown from `begins`; None: with the ground."""
        return None if self.months is None else add_months(begins, self.months)


class Matter(CatalogueModel):
    """事项: what a department does for a subject: which items it may read, which measures it must check."""

    code: Annotated[Code, FROZEN]
    name: Annotated[str, FREE]
    name_zh: Annotated[str, FREE]
    duties: Annotated[tuple[Code, ...], SUBSET]
    """A party may claim the matter if it has one of these duties."""
    items: Annotated[tuple[Code, ...], SUBSET]
    measures: Annotated[tuple[Code, ...], SUBSET] = ()
    basis: Annotated[tuple[Basis, ...], EACH_OF_ONE]
    verified: Annotated[bool, FREE] = True


class Purpose(CatalogueModel):
    """用途: why somebody asks, and on which ground; a closed list."""

    code: Annotated[Code, FROZEN]
    name: Annotated[str, FREE]
    name_zh: Annotated[str, FREE]
    ground: Annotated[Literal["statutory", "authorisation"], FROZEN]
    callers: Annotated[tuple[Literal["department", "bureau"], ...], SUBSET]
