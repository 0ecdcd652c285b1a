"""The two clocks: the instant nobody moves, and the legal date, which is a day in Shanghai."""

from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from creditmesh.chassis.clock import Clock
from creditmesh.schemas.rules.calendar import SHANGHAI

LAST_BEFORE = datetime(2026, 5, 3, 15, 59, 59, 999_999, tzinfo=UTC)


def at(instant: datetime, offset: int = 0) -> Clock:
    return Clock(lambda: offset, real=lambda: instant)


def test_the_legal_date_changes_at_midnight_in_shanghai():
    assert at(LAST_BEFORE).legal_date() == date(2026, 5, 3)
    assert at(LAST_BEFORE + timedelta(microseconds=1)).legal_date() == date(2026, 5, 4)


def test_the_year_begins_eight_hours_before_that_of_utc():
    assert at(datetime(2026, 12, 31, 16, tzinfo=UTC)).legal_date() == date(2027, 1, 1)
    assert at(datetime(2026, 12, 31, 15, 59, tzinfo=UTC)).legal_date() == date(2026, 12, 31)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), st.integers(-36_500, 36_500))  # noqa: DTZ001
def test_the_legal_date_is_the_real_ones_day_in_shanghai_and_so_many_days(naive: datetime, offset: int):
    instant = naive.replace(tzinfo=UTC)
    expected = (instant + timedelta(hours=8)).date() + timedelta(days=offset)
    assert at(instant, offset).legal_date() == expected


@given(st.integers(-36_500, 36_500))
def test_moving_the_legal_date_moves_no_instant(offset: int):
    assert at(LAST_BEFORE, offset).instant() == LAST_BEFORE


def test_the_zone_of_the_reading_does_not_matter():
    for hours in (-12, 0, 5, 8, 14):
        assert at(LAST_BEFORE.astimezone(timezone(timedelta(hours=hours)))).legal_date() == date(2026, 5, 3)


def test_a_move_holds_from_the_next_reading_on():
    offset = 0
    clock = Clock(lambda: offset, real=lambda: LAST_BEFORE)
    assert clock.legal_date() == date(2026, 5, 3)
    offset = 365
    assert clock.legal_date() == date(2027, 5, 3)


def test_by_itself_it_tells_the_real_time():
    before = datetime.now(UTC)
    clock = Clock()
    assert before <= clock.instant() <= datetime.now(UTC)
    assert clock.instant().tzinfo is UTC
    assert clock.legal_date() in {before.astimezone(SHANGHAI).date(), datetime.now(SHANGHAI).date()}
