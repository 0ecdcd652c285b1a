"""The display period: from the decision on, the earlier of the rule's end and the row's own."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.schemas.catalogue import DisplayRule
from creditmesh.schemas.rules.display import Period, period_of

DECIDED = date(2026, 5, 31)
BY_SEVERITY = DisplayRule(by="by_severity")
UNTIL_VALID = DisplayRule(by="until_valid")
DAYS = st.dates(date(2000, 1, 1), date(2098, 12, 31))


@pytest.mark.parametrize(
    ("severity", "until"),
    [("minor", date(2026, 8, 31)), ("general", date(2027, 5, 31)), ("serious", date(2029, 5, 31))],
)
def test_a_penalty_is_shown_as_long_as_it_is_serious(severity, until: date):
    assert period_of(BY_SEVERITY, decided_on=DECIDED, severity=severity) == Period(DECIDED, until)


def test_the_rows_own_earlier_end_holds_and_that_day_is_the_last():
    own = period_of(BY_SEVERITY, decided_on=DECIDED, severity="general", own_end=date(2026, 9, 30))
    assert own.until == date(2026, 10, 1)
    late = period_of(BY_SEVERITY, decided_on=DECIDED, severity="general", own_end=date(2030, 1, 1))
    assert late.until == date(2027, 5, 31)


def test_an_open_end_of_the_row_shortens_nothing():
    shown = period_of(BY_SEVERITY, decided_on=DECIDED, severity="general", own_end=date(2099, 12, 31))
    assert shown.until == date(2027, 5, 31)


def test_a_licence_is_shown_until_its_last_valid_day():
    shown = period_of(UNTIL_VALID, decided_on=DECIDED, severity=None, valid_until=date(2028, 5, 30))
    assert shown == Period(DECIDED, date(2028, 5, 31))


def test_a_licence_without_end_is_shown_openly():
    for end in (date(2099, 12, 31), None):
        assert period_of(UNTIL_VALID, decided_on=DECIDED, severity=None, valid_until=end).until is None


@pytest.mark.parametrize("end", [None, date(2099, 12, 31), date(2098, 12, 31)])
def test_what_is_adverse_ends_however_long_the_row_says_it_is_valid(end: date | None):
    for severity, until in (("general", date(2027, 5, 31)), ("serious", date(2029, 5, 31))):
        assert period_of(UNTIL_VALID, decided_on=DECIDED, severity=severity, valid_until=end).until == until
    early = period_of(UNTIL_VALID, decided_on=DECIDED, severity="serious", valid_until=date(2026, 12, 31))
    assert early.until == date(2027, 1, 1)


def test_a_month_that_is_too_short_ends_on_its_last_day():
    shown = period_of(DisplayRule(by="months", months=1), decided_on=date(2026, 1, 31), severity=None)
    assert shown.until == date(2026, 2, 28)


@given(DAYS, st.sampled_from(["minor", "general", "serious"]), st.none() | DAYS, st.none() | DAYS)
def test_no_record_is_shown_beyond_any_of_its_ends(decided, severity, valid_until, own_end):
    shown = period_of(BY_SEVERITY, decided_on=decided, severity=severity, valid_until=valid_until, own_end=own_end)
    assert shown.begins == decided
    assert shown.until is not None
    assert shown.until <= decided + timedelta(days=366 * 3)
    if own_end is not None:
        assert shown.until <= own_end + timedelta(days=1)
