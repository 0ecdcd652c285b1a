"""When a record may be shown: one predicate, in Python and in SQL; a test holds the two equal.

Expiry is not a state and no job ends a record: every reader, at every tier, asks this predicate with the legal date and
the items withdrawn on it.
"""

from collections.abc import Collection
from datetime import date
from typing import Protocol


class Showable(Protocol):
    """What has a display period: a revision, an event, a row of a read model."""

    @property
    def state(self) -> str:
        """`published`, or how it ended."""

    @property
    def item(self) -> str:
        """The code of its catalogue item."""

    @property
    def display_from(self) -> date:
        """The first day on which it may be shown."""

    @property
    def display_until(self) -> date | None:
        """The first day on which it is shown no more; None: open."""


_VISIBLE = (
    "({0}state = 'published' and {0}display_from <= cast(:as_of as date)"
    " and ({0}display_until is null or {0}display_until > cast(:as_of as date))"
    " and {0}item <> all(cast(:withdrawn as text[])))"
)


def visible(row: Showable, *, as_of: date, withdrawn: Collection[str]) -> bool:
    """Whether the record may be shown on the legal date `as_of`, given the item codes withdrawn on it."""
    shown = row.display_from <= as_of and (row.display_until is None or row.display_until > as_of)
    return shown and row.state == "published" and row.item not in withdrawn


def visible_sql(alias: str) -> str:
    """The same as the text of an SQL condition over the columns state, display_from, display_until and item.

    It takes the bind parameters `:as_of` (date) and `:withdrawn` (a list of item codes, `text[]`). `alias` is the
    table's name in the statement and comes from code, never from input.
    """
    return _VISIBLE.format(f"{alias}.")


def open_sql(alias: str) -> str:
    """The SQL condition that a row is of an item and kind that are open, which `opened` gives as `:opened` (`text[]`).

    It is a filter and no join, so that rows are read in the order of an index and no more of them than fill a page.
    """
    return f"{alias}.item || '/' || {alias}.kind = any(cast(:opened as text[]))"


def opened(pairs: Collection[tuple[str, str]]) -> list[str]:
    """These items and kinds as `open_sql` takes them."""
    return [f"{item}/{kind}" for item, kind in pairs]
