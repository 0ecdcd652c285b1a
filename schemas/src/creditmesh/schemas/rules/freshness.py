"""How long an answer may be used before whoever has it must ask again."""

from collections.abc import Iterable
from datetime import date, timedelta

FRESH = timedelta(days=30)
"""No answer is used longer than this without asking again: what was repaired since must be seen to be gone."""


def use_until(ends: Iterable[date | None], *, as_of: date) -> date:
    """The first day on which the answer may be used no more: the first of what carries it to end, else `FRESH` later.

    None among `ends`: that one is open.
    """
    return min([as_of + FRESH, *(end for end in ends if end is not None)])
