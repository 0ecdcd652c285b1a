"""How a revision of another node is counted and named, there and here."""

from typing import Literal, NamedTuple
from uuid import UUID

from creditmesh.ingestion.verdicts import Known


class PeerRevision(NamedTuple):
    """A revision as its origin counts and names it."""

    record: UUID
    rev: int
    revision: UUID | None = None
    mark: Literal["disputed"] | None = None
    anew: bool = False
    """Whether it is newer than whatever was told of the record before."""


def own_rev(newest: Known | None, told: PeerRevision) -> int:
    """A copy is counted as at its origin, unless what stands for content that was refused has its number.

    What is told anew is counted above it: read models know that number.
    """
    return told.rev if newest is None else max(told.rev + told.anew, newest.rev + 1)


def told_rev_of(told: PeerRevision | None, rev: int) -> int | None:
    """Its number at its origin, where it is counted otherwise here."""
    return None if told is None or told.rev == rev else told.rev


def not_always(told: PeerRevision | None, rev: int, about: UUID | None) -> dict[str, object]:
    """What few events say."""
    said = {"origin_rev": told_rev_of(told, rev), "about": about and str(about)}
    return {name: value for name, value in said.items() if value is not None}
