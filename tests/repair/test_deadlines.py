"""Deadlines over the holidays and make-up days of 2026, as the State Council published them.

国务院办公厅关于2026年部分节假日安排的通知（国办发明电〔2025〕7号, 4 November 2025): Spring Festival 15 to 23
February, with work on Saturday 14 and Saturday 28 February; Mid-Autumn 25 to 27 September; National Day 1 to 7 October,
with work on Sunday 20 September and Saturday 10 October. Every date below was counted by hand from that notice.
"""

from datetime import date

import pytest

from creditmesh.repair.clocks import deadline
from creditmesh.schemas.rules.calendar import is_working_day
from tests.repair.conftest import House, department, office, person
from tests.repair.refusing import refused

HOLIDAYS = [*(date(2026, 2, day) for day in range(15, 24)), *(date(2026, 9, day) for day in (25, 26, 27)),
            *(date(2026, 10, day) for day in range(1, 8))]  # fmt: skip
MADE_UP = [date(2026, 2, 14), date(2026, 2, 28), date(2026, 9, 20), date(2026, 10, 10)]


def test_the_calendar_we_count_by_is_the_published_one():
    assert [day for day in HOLIDAYS if is_working_day(day)] == []
    assert [day for day in MADE_UP if not is_working_day(day)] == []
    assert {day.weekday() for day in MADE_UP} <= {5, 6}


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        # Friday; then Saturday the 14th is worked, the 15th to the 23rd are not.
        (date(2026, 2, 13), 1, date(2026, 2, 14)),
        (date(2026, 2, 13), 3, date(2026, 2, 25)),
        # Saturday the 28th is the third day.
        (date(2026, 2, 25), 3, date(2026, 2, 28)),
        (date(2026, 2, 25), 10, date(2026, 3, 10)),
        # Sunday the 20th is worked.
        (date(2026, 9, 18), 1, date(2026, 9, 20)),
        (date(2026, 9, 18), 3, date(2026, 9, 22)),
        # Mid-Autumn, then three days of work before National Day.
        (date(2026, 9, 24), 3, date(2026, 9, 30)),
        (date(2026, 9, 30), 1, date(2026, 10, 8)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),
        (date(2026, 9, 30), 10, date(2026, 10, 20)),
        # Filed on a holiday.
        (date(2026, 10, 3), 2, date(2026, 10, 9)),
    ],
)
def test_working_days_skip_holidays_and_count_make_up_days(start: date, days: int, end: date):
    assert deadline(start, days).on == end
    assert deadline(start, days).calendar == "known"


def test_a_year_that_the_calendar_does_not_know_is_said_and_not_guessed():
    assert deadline(date(2026, 12, 30), 1).on == date(2026, 12, 31)
    unknown = deadline(date(2026, 12, 30), 2)
    assert (unknown.on, unknown.calendar) == (None, "unknown")
    assert not unknown.passed(date(2040, 1, 1))


async def test_a_repair_over_national_day(house: House):
    house.on(date(2026, 9, 30))
    record = await house.record()
    case = await house.filed(record)
    await house.with_documents(case, record.subject)
    shown = (await house.get(f"/v1/cases/{case}", department())).json()
    assert (shown["filed_on"], shown["due"], shown["overdue"]) == ("2026-09-30", "2026-10-10", False)
    house.on(date(2026, 10, 10))
    assert (await house.get(f"/v1/cases/{case}", department())).json()["overdue"] is False
    house.on(date(2026, 10, 11))
    assert (await house.get(f"/v1/cases/{case}", department())).json()["overdue"] is True
    house.on(date(2026, 10, 8))
    assert (await house.acted(case, office(), "accept"))["due"] == "2026-10-20", "ten days for the whole, not from here"
    house.on(date(2026, 10, 9))
    refusal = await house.acted(case, department(), "refuse", reason="尚未履行完毕")
    assert (refusal["due"], refusal["appeal_until"], refusal["appeal_open"]) == (None, "2026-10-22", True)
    house.on(date(2026, 10, 22))
    assert (await house.acted(case, person(record.subject), "appeal"))["due"] == "2026-11-05"


async def test_the_whole_of_a_repair_counts_anew_from_the_day_the_filing_was_completed(house: House):
    house.on(date(2026, 9, 18))
    record = await house.record()
    case = await house.filed(record)
    await house.acted(case, department(), "return", missing=["proof", "commitment"])
    house.on(date(2026, 9, 30))
    await house.with_documents(case, record.subject)
    house.on(date(2026, 10, 8))
    assert (await house.acted(case, department(), "accept"))["due"] == "2026-10-20"


async def test_an_objection_over_the_spring_festival(house: House):
    house.on(date(2026, 2, 13))
    record = await house.record()
    case = await house.filed(record, "objection")
    assert (await house.get(f"/v1/cases/{case}", office())).json()["due"] == "2026-02-14"
    house.on(date(2026, 2, 14))
    assert (await house.acted(case, department(), "accept"))["due"] == "2026-02-25"


async def test_a_refusal_is_closed_on_the_day_after_its_appeal_window(house: House):
    house.on(date(2026, 9, 30))
    record = await house.record()
    case = await house.filed(record, "objection")
    await house.acted(case, department(), "accept")
    assert (await house.acted(case, department(), "refuse", reason="属实"))["appeal_until"] == "2026-10-20"
    for day, state in ((date(2026, 10, 20), "refused"), (date(2026, 10, 21), "closed")):
        house.on(day)
        shown = (await house.get(f"/v1/cases/{case}", person(record.subject))).json()
        assert (shown["state"], shown["appeal_open"]) == (state, state == "refused")
        for asked in ("refused", "closed"):
            listed = (await house.get("/v1/cases", office(), state=asked, limit=200)).json()["items"]
            assert (case in [entry["case"] for entry in listed]) is (asked == state)
    refused(await house.act(case, person(record.subject), "appeal"), 409, "appeal_over")


async def test_in_an_unknown_year_nothing_is_refused_because_of_it(house: House):
    house.on(date(2026, 12, 30))
    record = await house.record(display_until=None)
    case = await house.filed(record)
    await house.with_documents(case, record.subject)
    shown = (await house.get(f"/v1/cases/{case}", department())).json()
    assert (shown["due"], shown["calendar"], shown["overdue"]) == (None, "unknown", False)
    house.on(date(2027, 6, 1))
    assert (await house.acted(case, department(), "accept"))["calendar"] == "unknown"
    refusal = await house.acted(case, department(), "refuse", reason="尚未履行完毕")
    assert (refusal["appeal_until"], refusal["calendar"], refusal["appeal_open"]) == (None, "unknown", True)
    house.on(date(2027, 9, 1))
    shown = (await house.get(f"/v1/cases/{case}", person(record.subject))).json()
    assert (shown["state"], shown["appeal_open"]) == ("refused", True)
    appealed = await house.acted(case, person(record.subject), "appeal")
    assert (appealed["state"], appealed["due"], appealed["calendar"]) == ("appealed", None, "unknown")


async def test_who_asks_for_what_is_due_gets_what_somebody_owes_by_then(house: House):
    party = "deadlines"
    house.on(date(2026, 9, 30))
    owed = await house.filed(await house.record(party=party))
    later = await house.filed(await house.record(party=party), "objection")
    house.on(date(2026, 10, 9))
    await house.acted(later, department(party), "accept")
    done = await house.filed(await house.record(party=party), "objection")
    await house.acted(done, department(party), "accept")
    await house.acted(done, department(party), "refuse", reason="属实")

    async def due_before(day: str) -> list[str]:
        answer = await house.get("/v1/cases", department(party), due_before=day)
        return [entry["case"] for entry in answer.json()["items"]]

    assert await due_before("2026-10-10") == []
    assert await due_before("2026-10-11") == [owed]
    assert await due_before("2026-12-31") == [owed, later]
