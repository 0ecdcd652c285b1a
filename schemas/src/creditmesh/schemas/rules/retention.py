"""For how long what has ended is kept: by the version it was accepted under or the one in force, whichever ends first.

A term that today's version made shorter counts from the day on which it became so at the earliest: a mistaken version
deletes nothing at once.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from creditmesh.schemas.catalogue import Item


class RetentionTerm(NamedTuple):
    """For how many months records of an item are kept after they ended."""

    number: int
    """The version in force."""
    since: date
    """Its effective day: what it ended earlier than was stored ended no earlier than that, however it counts."""
    most: int
    """Its months."""
    shortened: date
    """Since when no version has given more: `most` counts from there at the earliest."""
    months: Mapping[int, int]
    """Those of each version, for what was accepted under it."""


def term_of(versions: Sequence[tuple[int, date, Item]]) -> RetentionTerm:
    """The term under these versions of an item (number, effective day), oldest first; the last one is in force."""
    number, since, today = versions[-1]
    shortened = since
    for _, effective, item in reversed(versions):
        if item.retention_months > today.retention_months:
            break
        shortened = min(shortened, effective)
    months = {each: item.retention_months for each, _, item in versions}
    return RetentionTerm(number, since, today.retention_months, shortened, months)
