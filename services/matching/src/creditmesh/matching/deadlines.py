"""When a task is due, by the holiday calendar. Pure.

Ten working days are this node's own measure of what ages visibly: no source names a period for applying one.
"""

from datetime import date, timedelta

from creditmesh.schemas.rules.calendar import UnknownYear, add_working_days

WORKING_DAYS = 10


def due(since: date) -> date | None:
    """The tenth working day after `since`; None where the holiday calendar does not know the year."""
    try:
        return add_working_days(since, WORKING_DAYS)
    except UnknownYear:
        return None


def due_before(day: date) -> date:
    """The first `since` of a task that is not due before that day: all with an earlier one are.

    UnknownYear if the holiday calendar does not know the days before it.
    """
    since = day
    while not _is_due_before(since - timedelta(days=1), day):
        since -= timedelta(days=1)
    return since


def _is_due_before(since: date, day: date) -> bool:
    try:
        return add_working_days(since, WORKING_DAYS) < day
    except UnknownYear as unknown:
        if unknown.year > day.year:
            return False  # wherever in that year it is, it is later
        raise
