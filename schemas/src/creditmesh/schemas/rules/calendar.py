"""Asia/Shanghai days, working days and months, as the rules count them."""

import calendar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import chinese_calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
OPEN_END = date(2099, 12, 31)
"""What the standards write for 长期: no end."""


class UnknownYear(LookupError):
    """The holiday calendar does not know this year yet: a deadline in it is not guessed."""

    def __init__(self, year: int) -> None:
        super().__init__(f"the holiday calendar does not know the year {year}; install a newer chinesecalendar")
        self.year = year


def shanghai_day(instant: datetime) -> date:
    """The Asia/Shanghai day of an instant that knows its time zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs its time zone")
    return instant.astimezone(UTC).astimezone(SHANGHAI).date()


def is_working_day(day: date) -> bool:
    """Whether offices work that day: make-up Saturdays and Sundays do, public holidays do not. UnknownYear beyond."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        raise UnknownYear(day.year) from None


def add_working_days(day: date, count: int) -> date:
    """The `count`-th working day after `day`; the day itself is not counted (民法典 art. 201). UnknownYear beyond."""
    if count < 0:
        raise ValueError("working days are counted forwards")
    while count:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


def working_days(after: date, until: date) -> int:
    """How many working days there are after the one day, up to and with the other. UnknownYear beyond."""
    return sum(is_working_day(after + timedelta(days=n)) for n in range(1, (until - after).days + 1))


def add_months(day: date, count: int) -> date:
    """The same day `count` months on, or the last day of that month where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
