"""The two clocks: real instants, which nobody moves, and the legal date, which a sandbox may.

The legal date is an Asia/Shanghai day; SQL gets it as a parameter and never asks the server for it.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from creditmesh.schemas.rules.calendar import shanghai_day


def _real() -> datetime:
    return datetime.now(UTC)


class Clock:
    """Tells the real instant and the legal date.

    `offset_days` is asked at each reading, so that a move of the sandbox's date (an event of the catalogue's stream)
    holds from the moment the process has followed it. `real` is the edge of the world that tests replace.
    """

    def __init__(self, offset_days: Callable[[], int] = lambda: 0, *, real: Callable[[], datetime] = _real) -> None:
        self._offset_days = offset_days
        self._real = real

    def instant(self) -> datetime:
        """Now, in UTC: for tokens, keys, leases, ids, logs."""
        return self._real()

    def legal_date(self) -> date:
        """Today for the law: display periods, deadlines, authorisations."""
        return shanghai_day(self._real()) + timedelta(days=self._offset_days())
