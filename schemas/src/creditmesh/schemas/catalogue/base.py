"""What objects of the catalogue share: their form, their tiers, their legal basis."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from creditmesh.schemas.catalogue.narrowing import FREE, SINCE, UNTIL
from creditmesh.schemas.identifiers import Tier

KEPT = object()
"""The validation context of what a node keeps: it was accepted, some of it before there were bounds."""


def bounded(most: int) -> BeforeValidator:
    """Reads what is kept as the nearest that is within bounds; what is new has to be within them itself."""

    def clamped(value: object, info: ValidationInfo) -> object:
        return min(max(value, 0), most) if info.context is KEPT and isinstance(value, int) else value

    return BeforeValidator(clamped)


Months = Annotated[int, Field(ge=0, le=1200), bounded(1200)]
"""A period: to every day that a record may have (`bounds.Day`) it can be added."""
Years = Annotated[int, Field(ge=0, le=100), bounded(100)]


class CatalogueModel(BaseModel):
    """What all objects of the catalogue have in common: frozen; what a newer version added stays with them, unread.

    So an older node passes a newer tier's object on whole. Where a person wrote one (a folder, a peer's row) a field
    that is not known is a mistake: who takes it forbids it.
    """

    model_config = ConfigDict(frozen=True, extra="allow")


class Basis(CatalogueModel):
    """The legal basis of an item or a measure: what law, which article, in force from when to when."""

    law: Annotated[str, FREE]
    law_zh: Annotated[str, FREE]
    article: Annotated[str, FREE] = ""
    in_force_from: Annotated[date, SINCE]
    in_force_until: Annotated[date | None, UNTIL] = None
    level: Annotated[Tier | Literal["law"], FREE] = "law"
    """Which level enacted it: a lower tier may add items only on a basis of its own level."""
    verified: Annotated[bool, FREE] = True
    source: Annotated[str, FREE] = ""


def based(basis: Iterable[Basis], on: date) -> bool:
    """Whether one of these is in force on that day."""
    return any(each.in_force_from <= on <= (each.in_force_until or date.max) for each in basis)
