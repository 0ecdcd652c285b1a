"""What is taken can be stored: instants, days and numbers that no driver and no rule turns into a fault."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from creditmesh.schemas.bounds import Count, Day, Instant, ReasonCode, Revision
from creditmesh.schemas.reasons import REASONS
from creditmesh.schemas.rules.calendar import SHANGHAI, add_months

INSTANT, DAY = TypeAdapter(Instant), TypeAdapter(Day)


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "1899-12-31T23:59:59Z",
        "1900-01-01T00:00:00+14:00", "2026-03-02T01:15:31", "2026-03-02", "x", 10**30, 2**63, -(2**63), True,
    ],
)  # fmt: skip
def test_an_instant_without_offset_or_beyond_the_years_is_refused(text: object):
    with pytest.raises(ValidationError):
        INSTANT.validate_json(f'"{text}"' if isinstance(text, str) else str(text).lower())


@given(st.datetimes(min_value=datetime(1900, 1, 2), max_value=datetime(9899, 12, 30)), st.integers(-23, 23))  # noqa: DTZ001
def test_an_instant_that_is_taken_is_an_instant_in_every_zone(local: datetime, hours: int):
    taken = INSTANT.validate_python(local.replace(tzinfo=timezone(timedelta(hours=hours))))
    assert taken.astimezone(SHANGHAI) == taken.astimezone(UTC) == taken


@given(st.dates())
def test_any_period_of_the_rules_can_be_added_to_a_day_that_is_taken(day: date):
    try:
        taken = DAY.validate_python(day)
    except ValidationError:
        assert not 1900 <= day.year < 9900
        return
    assert add_months(taken, 99 * 12) > taken
    assert taken + timedelta(days=36_500) > taken


@pytest.mark.parametrize(("kind", "least", "most"), [(Count, 0, 2**53), (Revision, 1, 2**31 - 1)])
def test_a_number_fits_its_column(kind: object, least: int, most: int):
    adapter: TypeAdapter[int] = TypeAdapter(kind)
    assert (adapter.validate_python(least), adapter.validate_python(most)) == (least, most)
    for number in (least - 1, most + 1, 2**63, 10**400):
        with pytest.raises(ValidationError):
            adapter.validate_python(number)


def test_every_code_of_a_reason_is_one_and_no_other_text_is():
    adapter: TypeAdapter[str] = TypeAdapter(ReasonCode)
    for code in REASONS:
        assert adapter.validate_python(code) == code
    for text in ("", "x" * 65, "A", "whatever you like <script>", "a\n", "a\0", "样"):
        with pytest.raises(ValidationError):
            adapter.validate_python(text)
