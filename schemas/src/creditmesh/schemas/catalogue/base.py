"""What objects of the catalogue share: their form, their tiers, their legal basis."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from creditmesh.schemas.identifiers import Tier


class CatalogueModel(BaseModel):
    """What all objects of the catalogue have in common: frozen; what a newer version added stays with them, unread.

    So an older node passes a newer tier's object on whole. Where a person wrote one (a folder, a peer's row) a field
    that is not known is a mistake: who takes it forbids it.
    """

    model_config = ConfigDict(frozen=True, extra="allow")


class Basis(CatalogueModel):
    """The legal basis of an item or a measure: what law, which article, in force from when to when."""

    law: str
    law_zh: str
    article: str = ""
    in_force_from: date
    in_force_until: date | None = None
    level: Tier | Literal["law"] = "law"
    """Which level enacted it: a lower tier may add items only on a basis of its own level."""
    verified: bool = True
    source: str = ""
