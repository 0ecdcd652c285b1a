"""What the catalogue service is asked and answers, beside the published objects themselves."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from creditmesh.schemas.bodies import In, Out
from creditmesh.schemas.bounds import Day
from creditmesh.schemas.catalogue import Disclosure, Item, Tier
from creditmesh.schemas.identifiers import Code, SubjectKind
from creditmesh.schemas.texts import PRINTED, Why
from creditmesh.schemas.words import ObjectKind

MOST_DAYS = 36_500
"""How far a sandbox's legal date may be moved, either way."""


class CatalogueOut(Out):
    """The catalogue at a glance."""

    number: int
    """The number of the last event of the catalogue's stream that this answer knows."""
    as_of: date
    counts: dict[ObjectKind, int]
    """How many objects of each kind are in force on that day."""
    unverified: dict[ObjectKind, tuple[Code, ...]]
    """Those of them that rest on something no source confirmed; the operator puts them right."""


class ItemEntry(Out):
    """One line of the directory of items."""

    code: Code
    name: str
    name_zh: str
    record_class: str
    tier: Tier
    number: int
    kinds: tuple[SubjectKind, ...]
    nature: Literal["neutral", "adverse", "favourable"]
    disclosure: Disclosure
    verified: bool

    @classmethod
    def of(cls, item: Item) -> Self:
        """The line of an item."""
        return cls.model_validate(item.model_dump(include=set(cls.model_fields)))


class ItemVersion(Out):
    """One entry of an item's history."""

    number: int
    state: Literal["published", "withdrawn"]
    effective: date
    basis: str | None
    item: Item
    """The item as this version published it; on a withdrawal the last one."""


class WithdrawIn(In):
    """Takes an item out of the catalogue: nothing of it is collected or served from `effective` on."""

    basis: Why
    effective: Day | None = None
    """None: at once. Not in the past."""


class PublicationOut(Out):
    """What now stands for one object."""

    kind: ObjectKind
    code: Code
    number: int
    state: Literal["published", "withdrawn"]
    effective: date
    issued_by: Tier


class LoadIn(In):
    """Publishes a folder of YAML on the node's own machine; None: the shipped catalogue."""

    folder: Annotated[str, StringConstraints(max_length=4096, pattern=PRINTED)] | None = None
    issued_by: Tier | None = None
    """Which tier's catalogue it is; None: the nation's for the shipped one, else the node's own."""
    basis: Why | None = None
    again: bool = False
    """Whether a body that was published before and has been replaced or withdrawn since is published again.

    Over the shipped catalogue what this node narrowed, confirmed or withdrew of another tier's stays all the same."""
    replace: tuple[Annotated[str, StringConstraints(max_length=200, pattern=PRINTED)], ...] = Field((), max_length=1000)
    """The objects (`item/student_conduct`) that are published whatever this node made of them, or under their code."""
    whole: bool = False
    """Of the shipped catalogue: all of it; on a sandbox alone."""
    dry_run: bool = False
    """Only say what would be published, what would stay and what would give way."""
    place: Code | None = None
    """In place of a folder: the place whose own rules, which are shipped too, this node publishes as its own."""

    @model_validator(mode="after")
    def _is_one_catalogue(self) -> Self:
        if self.folder is not None and self.place is not None:
            raise PydanticCustomError("folder_or_place", "give a folder or a place, not both")
        return self


class LoadOut(Out):
    """What became of a folder."""

    published: int
    unchanged: int
    objects: tuple[PublicationOut, ...]
    repeated: tuple[PublicationOut, ...] = ()
    """What this node had narrowed or confirmed, published again over the shipped catalogue's new versions."""
    gave_way: tuple[PublicationOut, ...] = ()
    """What this node had published and the shipped catalogue's new versions replaced: confirm and narrow it again."""
    forbidden: tuple[str, ...] = ()
    """The fields of standing items (`item/field`) that a ban which has grown does not let be collected any more."""
    dry_run: bool = False
    """Whether nothing of it was published."""


class ClockIn(In):
    """Moves the sandbox's legal date to so many days from the real one."""

    offset_days: Annotated[int, Field(ge=-MOST_DAYS, le=MOST_DAYS)]


class ClockOut(Out):
    """The sandbox's legal date."""

    offset_days: int
    legal_date: date
