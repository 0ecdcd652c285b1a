"""How long who has: working days of the holiday calendar after a legal date. A year it does not know is said so."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from creditmesh.schemas.rules.calendar import UnknownYear, add_working_days

Calendar = Literal["known", "unknown", "stopped"]


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day, or None: there is none, the calendar does not know its year, or the clock stands (`stopped`)."""

    on: date | None
    calendar: Calendar = "known"

    def passed(self, today: date) -> bool:
        """Whether the last day is over; one that is not known never is."""
        return self.on is not None and self.on < today


NONE = Deadline(None)
"""Nobody has a deadline."""


def deadline(start: date, working_days: int) -> Deadline:
    """The last of so many working days after the day `start`."""
    try:
        return Deadline(add_working_days(start, working_days))
    except UnknownYear:
        return Deadline(None, "unknown")
