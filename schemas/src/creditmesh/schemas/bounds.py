"""What a value of a body may be at most: whatever is taken can be stored, sorted and counted on by every reader."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints
from pydantic_core import PydanticCustomError

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(9899, 12, 31)
"""What a day may be."""


def _within(instant: datetime) -> datetime:
    try:
        known = FIRST_DAY <= instant.astimezone(UTC).date() <= LAST_DAY
    except OverflowError:
        known = False
    if not known:
        raise PydanticCustomError("instant_range", "an instant of the years 1900 to 9899 is needed")
    return instant


Instant = Annotated[AwareDatetime, AfterValidator(_within)]
"""An instant with its offset, in the years 1900 to 9899 of UTC: no driver and no time zone makes it another year."""

Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
"""A day to which the longest period that the rules know can be added."""

Count = Annotated[int, Field(ge=0, le=2**53)]
"""A size or a place in a log: exact in every reader's JSON, and a bigint."""

MOST_REVISIONS = 2**31 - 1
"""The highest number of a revision: what a database's integer holds."""

Revision = Annotated[int, Field(ge=1, le=MOST_REVISIONS)]
"""The number of a revision of a record."""

ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,64}$")]
"""The stable code of a reason."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""Hex SHA-256."""
