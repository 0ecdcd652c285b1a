"""What a listener says of itself: made once, beside the requests; and what is read from the code of a route."""

import asyncio
import threading
from datetime import date

from creditmesh.chassis.errors import NotFound, Stale
from creditmesh.chassis.http.documents import DocumentPages
from creditmesh.chassis.http.reached import reached_from
from creditmesh.ingestion.api.records import correct_record, get_record
from creditmesh.ingestion.errors import NotTheOrigin, RecordClosed
from creditmesh.schemas.examples import day


async def test_a_document_is_made_once_for_all_who_wait_and_hinders_nobody_else():
    asked, go_on, made = threading.Event(), threading.Event(), []

    def make() -> dict[str, str]:
        asked.set()
        assert go_on.wait(60)
        made.append(1)
        return {"openapi": "3.1.0"}

    pages = DocumentPages(make, others={}, today=lambda: date(2026, 11, 30))
    waiting = [asyncio.create_task(pages.answer("/openapi.json", "")) for _ in range(3)]
    await asyncio.to_thread(asked.wait, 60)
    assert (await pages.answer("/docs", "")).status_code == 200
    assert not any(each.done() for each in waiting)
    go_on.set()
    answers = await asyncio.gather(*waiting)
    assert {bytes(each.body) for each in answers} == {b'{"openapi":"3.1.0"}'}
    assert made == [1]


async def test_a_day_of_an_example_is_counted_from_the_day_on_which_it_is_read():
    today = [date(2026, 11, 30)]
    pages = DocumentPages(lambda: {"example": f"{day(30)} {day(-60)}"}, others={}, today=lambda: today[0])
    assert (await pages.answer("/openapi.json", "")).body == b'{"example":"2026-12-30 2026-10-01"}'
    today[0] = date(2031, 3, 1)
    assert (await pages.answer("/openapi.json", "")).body == b'{"example":"2031-03-31 2030-12-31"}'


def test_what_a_route_refuses_is_read_from_its_code():
    assert {NotTheOrigin, RecordClosed, Stale} <= reached_from(correct_record).problems
    assert {each.status for each in reached_from(get_record).problems} <= {403, NotFound.status, 409, 503}
    assert RecordClosed not in reached_from(get_record).problems
