"""Which places a revision gives: its subject's, and those of the responsible persons it names. Pure.

A responsible person has a place only by a list of what is adverse: red lists are for the listed alone. The catalogue
publishes no black list for an item that is favourable, so the item's nature tells.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.screenings import Role

RESPONSIBLE = "legal_representative"
"""The role, among a record's related subjects, of who answers for the organisation."""


@dataclass(frozen=True, slots=True)
class ListPlace:
    """Somebody's place by a record."""

    subject: UUID
    role: Role


def concerns(item: Item) -> bool:
    """Whether matching keeps records of this item: it designates a list, or is adverse."""
    return item.designates is not None or item.nature == "adverse"


def places(event: RecordChanged, item: Item) -> tuple[ListPlace, ...]:
    """Everybody who has a place by this revision, each once, the listed one first."""
    if not concerns(item):
        return ()
    return ListPlace(event.subject, "listed"), *(ListPlace(each, "responsible") for each in responsible(event, item))


def responsible(event: RecordChanged, item: Item) -> tuple[UUID, ...]:
    """Who answers for the listed organisation; nobody where the item puts it on no black list."""
    if item.designates is None or item.nature == "favourable":
        return ()
    return tuple(dict.fromkeys(_named(event)))


def _named(event: RecordChanged) -> Iterable[UUID]:
    return (each.subject for each in event.related if each.role == RESPONSIBLE and each.subject != event.subject)
