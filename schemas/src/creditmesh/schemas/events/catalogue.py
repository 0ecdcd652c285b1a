"""What the catalogue's stream tells every process."""

from datetime import date
from typing import Any, ClassVar, Literal

from creditmesh.schemas.events.base import Event
from creditmesh.schemas.identifiers import Code, Tier
from creditmesh.schemas.words import ObjectKind

__all__ = ["CatalogueChanged", "ClockChanged", "ObjectKind"]


class CatalogueChanged(Event):
    """One object of the catalogue has a new version, or was withdrawn from `effective` on."""

    type: ClassVar[str] = "catalogue.changed"

    kind: ObjectKind
    code: Code
    number: int
    """The version of this object, 1 for its first."""
    state: Literal["published", "withdrawn"]
    effective: date
    """The legal date from which this version (or the withdrawal) holds."""
    body: dict[str, Any]
    """The object as `schemas.catalogue` models it; on a withdrawal the last body."""
    issued_by: Tier | None = None
    """The tier that issued this version; None in events older than this field."""
    basis: str | None = None
    """Why, where a withdrawal or a change needs a reason."""

    @property
    def key(self) -> str:
        return "catalogue"


class ClockChanged(Event):
    """The sandbox's legal date was moved: it is the real date plus `offset_days` from now on."""

    type: ClassVar[str] = "clock.changed"

    offset_days: int

    @property
    def key(self) -> str:
        return "catalogue"
