"""Days of the law: Shanghai days, working days with make-up Saturdays, months clamped to their end."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.schemas.rules.calendar import (
    UnknownYear,
    add_months,
    add_working_days,
    is_working_day,
    shanghai_day,
)

known_days = st.dates(date(2015, 1, 1), date(2025, 10, 1))


def test_a_make_up_saturday_is_a_working_day_and_the_holiday_it_makes_up_for_is_not():
    assert is_working_day(date(2024, 2, 4))
    assert date(2024, 2, 4).weekday() == 6
    assert not is_working_day(date(2024, 2, 12))
    assert not is_working_day(date(2024, 10, 1))
    assert is_working_day(date(2024, 10, 12))


def test_seven_working_days_over_the_golden_week_of_2024_end_after_the_make_up_saturday():
    # 29 September (Sunday) and 12 October (Saturday) 2024 were worked for the holiday of 1 to 7 October.
    assert add_working_days(date(2024, 9, 27), 2) == date(2024, 9, 30)
    assert add_working_days(date(2024, 9, 27), 7) == date(2024, 10, 12)
    assert add_working_days(date(2024, 9, 30), 1) == date(2024, 10, 8)


def test_no_days_on_is_the_day_itself_and_backwards_is_an_error():
    assert add_working_days(date(2024, 10, 1), 0) == date(2024, 10, 1)
    with pytest.raises(ValueError, match="forwards"):
        add_working_days(date(2024, 10, 1), -1)


@given(known_days, st.integers(1, 40))
def test_a_deadline_is_a_working_day_with_exactly_that_many_up_to_it(day: date, count: int):
    deadline = add_working_days(day, count)
    assert is_working_day(deadline)
    days = (day + timedelta(days=n) for n in range(1, (deadline - day).days + 1))
    assert sum(map(is_working_day, days)) == count


@pytest.mark.parametrize("year", [1990, 2090])
def test_a_year_the_calendar_does_not_know_is_said_rather_than_guessed(year: int):
    with pytest.raises(UnknownYear, match=str(year)) as caught:
        is_working_day(date(year, 6, 1))
    assert caught.value.year == year
    with pytest.raises(UnknownYear):
        add_working_days(date(year, 6, 1), 7)


@given(st.dates(date(1950, 1, 1), date(2090, 12, 31)), st.integers(0, 240))
def test_months_land_in_their_month_on_the_same_day_or_its_last(day: date, count: int):
    found = add_months(day, count)
    assert (found.year * 12 + found.month) - (day.year * 12 + day.month) == count
    assert found.day == day.day or (found.day < day.day and (found + timedelta(days=1)).day == 1)


def test_months_are_clamped_to_the_end_of_february():
    assert add_months(date(2024, 11, 30), 3) == date(2025, 2, 28)
    assert add_months(date(2023, 11, 30), 3) == date(2024, 2, 29)
    assert add_months(date(2024, 2, 29), 12) == date(2025, 2, 28)
    assert add_months(date(2026, 3, 2), 36) == date(2029, 3, 2)


def test_the_day_changes_at_midnight_in_shanghai():
    assert shanghai_day(datetime(2026, 3, 1, 15, 59, 59, tzinfo=UTC)) == date(2026, 3, 1)
    assert shanghai_day(datetime(2026, 3, 1, 16, 0, tzinfo=UTC)) == date(2026, 3, 2)
    with pytest.raises(ValueError, match="time zone"):
        shanghai_day(datetime(2026, 3, 1))  # noqa: DTZ001 - the mistake itself
