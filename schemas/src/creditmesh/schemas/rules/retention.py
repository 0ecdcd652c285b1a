"""For how long what has ended is kept: by the version it was accepted under or the one in force, whichever is less."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from creditmesh.schemas.catalogue import Item


class RetentionTerm(NamedTuple):
    """For how many months records of an item are kept after they ended."""

    number: int
    """The version in force, whose rule this is."""
    since: date
    """Its effective day: what it ended earlier than was stored ended no earlier than that, however it counts."""
    months: Mapping[int, int]
    """By the version they were accepted under."""


def term_of(versions: Mapping[int, Item], *, number: int, since: date) -> RetentionTerm:
    """The term under these versions of an item, of which that one is in force since that day."""
    most = versions[number].retention_months
    return RetentionTerm(number, since, {each: min(most, item.retention_months) for each, item in versions.items()})
