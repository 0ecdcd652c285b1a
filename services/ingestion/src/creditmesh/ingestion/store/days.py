"""Places in lists by day, newest first."""

from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID


class DayPlace(NamedTuple):
    """A legal date, and what was made last on it that was looked at: the next page begins before it."""

    day: date
    id: UUID

    def __str__(self) -> str:
        return f"{self.day.isoformat()}.{self.id}"

    @classmethod
    def read(cls, text: str) -> "DayPlace":
        """The place again; ValueError if it is none."""
        day, _, id_ = text.partition(".")
        return cls(date.fromisoformat(day), UUID(id_))

    @classmethod
    def behind(cls, day: date) -> "DayPlace":
        """Where a list begins that ends with this day."""
        return cls(day + timedelta(days=1), UUID(int=0))
