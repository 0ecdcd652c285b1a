"""When a record may be shown: one definition, read as Python and as SQL.

Expiry is not a state and no job ends a record: every reader, at every tier, asks this predicate with the legal date and
the items withdrawn on it.
"""

from collections.abc import Collection
from dataclasses import dataclass
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


class _Term(Protocol):
    def sql(self, alias: str) -> str: ...

    def holds(self, row: Showable, as_of: date, withdrawn: Collection[str]) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Is:
    column: str
    word: str

    def sql(self, alias: str) -> str:
        return f"{alias}{self.column} = '{self.word}'"

    def holds(self, row: Showable, _as_of: date, _withdrawn: Collection[str]) -> bool:
        return bool(getattr(row, self.column) == self.word)


@dataclass(frozen=True, slots=True)
class _Begun:
    column: str

    def sql(self, alias: str) -> str:
        return f"{alias}{self.column} <= cast(:as_of as date)"

    def holds(self, row: Showable, as_of: date, _withdrawn: Collection[str]) -> bool:
        return bool(getattr(row, self.column) <= as_of)


@dataclass(frozen=True, slots=True)
class _NotEnded:
    column: str

    def sql(self, alias: str) -> str:
        return f"({alias}{self.column} is null or {alias}{self.column} > cast(:as_of as date))"

    def holds(self, row: Showable, as_of: date, _withdrawn: Collection[str]) -> bool:
        end = getattr(row, self.column)
        return end is None or bool(end > as_of)


@dataclass(frozen=True, slots=True)
class _NotWithdrawn:
    column: str

    def sql(self, alias: str) -> str:
        return f"{alias}{self.column} <> all(cast(:withdrawn as text[]))"

    def holds(self, row: Showable, _as_of: date, withdrawn: Collection[str]) -> bool:
        return getattr(row, self.column) not in withdrawn


_VISIBLE: tuple[_Term, ...] = (
    _Is("state", "published"),
    _Begun("display_from"),
    _NotEnded("display_until"),
    _NotWithdrawn("item"),
)


def visible(row: Showable, *, as_of: date, withdrawn: Collection[str]) -> bool:
    """Whether the record may be shown on the legal date `as_of`, given the item codes withdrawn on it."""
    return all(term.holds(row, as_of, withdrawn) for term in _VISIBLE)


def visible_sql(alias: str = "") -> str:
    """The same as the text of an SQL condition over the columns state, display_from, display_until and item.

    It takes the bind parameters `:as_of` (date) and `:withdrawn` (a list of item codes, `text[]`). `alias` is the
    table's name in the statement and comes from code, never from input.
    """
    prefix = f"{alias}." if alias else ""
    return f"({' and '.join(term.sql(prefix) for term in _VISIBLE)})"
