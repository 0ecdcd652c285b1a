"""The quality board: what was submitted and how it was judged, and what holders above refused of it."""

from datetime import date, timedelta
from typing import Any

import pytest

from creditmesh.schemas.events import HolderChanged, RecordChanged
from tests.ingestion.conftest import MARKET_CALLER, OFFICE, REAL, House, department
from tests.ingestion.entries import Feed, new_record
from tests.ingestion.rows import TODAY, TRANSPORT, changed, penalty

PENALTY = "administrative_penalty"


async def board(house: House, caller=MARKET_CALLER, **asked: Any) -> dict[str, Any]:
    async with house.client(caller) as client:
        answer = await client.get("/v1/quality", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(event: RecordChanged, *, code: str | None = "unknown_item", **more: Any) -> HolderChanged:
    values: dict[str, Any] = {
        "subject": event.subject,
        "record": event.record,
        "rev": event.rev,
        "change": "accepted",
        "holder": "nation",
        "kind": "node",
        "outcome": "refused",
        "at": REAL,
        "item": PENALTY,
        "party": "market_regulation",
        "code": code,
    }
    return HolderChanged(**(values | more))


async def made(house: House) -> RecordChanged:
    record = (await house.submit(penalty(house.number()))).json()["record"]
    return (await house.events(record))[0]


@pytest.fixture
def day(house: House) -> date:
    """A day on which no other test has sent anything, before a row of today has been kept for its term."""
    found = TODAY + timedelta(days=400 + house.number() % 900)
    house.on(found)
    return found


async def test_a_department_sees_how_its_rows_were_judged(house: House, day: date):
    good, doubtful = penalty(house.number()), penalty(house.number(), CF_NR_FK="2000")
    bad = changed(good, {"CF_WSH": None})
    await house.submit([good, doubtful, bad, good])
    await house.submit([good | {"BZ": "1"}])
    found = await board(house, since=day.isoformat(), until=day.isoformat())
    assert found == {
        "since": day.isoformat(),
        "until": day.isoformat(),
        "items": [
            {
                "party": "market_regulation",
                "item": PENALTY,
                "rows": 5,
                "verdicts": {"accepted": 1, "unchanged": 1, "corrected": 1, "held": 1, "refused": 1},
                "refused_by": [],
            }
        ],
        "partial": False,
    }
    before = (day - timedelta(days=1)).isoformat()
    assert (await board(house, since=before, until=before))["items"] == []


async def test_what_higher_tiers_refused_stands_beside_it_each_revision_once(house: House, day: date):
    records = [await made(house) for _ in range(3)]
    told = [refused(records[0]), refused(records[1]), refused(records[2], code="period_too_long")]
    province = refused(records[0], holder="province", code=None)
    await house.deliver(*told, province)
    await house.deliver(*told, refused(records[0], rev=2))
    (line,) = (await board(house, since=day.isoformat(), until=day.isoformat()))["items"]
    assert line["rows"] == 3
    assert line["refused_by"] == [
        {"holder": "nation", "code": "period_too_long", "count": 1},
        {"holder": "nation", "code": "unknown_item", "count": 3},
        {"holder": "province", "code": "refused", "count": 1},
    ]


async def test_what_the_operators_of_nodes_must_mend_is_no_partys_quality(house: House, day: date):
    record = await made(house)
    await house.deliver(
        refused(record, code="sealed_for_others"), refused(record, holder="province", code="not_judged")
    )
    (line,) = (await board(house, since=day.isoformat(), until=day.isoformat()))["items"]
    assert line["refused_by"] == []


async def test_other_answers_of_holders_are_no_refusals(house: House, day: date):
    record = await made(house)
    for outcome in ("told", "acknowledged", "unreachable"):
        await house.deliver(refused(record, outcome=outcome, code=None))
    (line,) = (await board(house, since=day.isoformat()))["items"]
    assert line["refused_by"] == []


async def test_what_was_refused_of_a_copy_is_its_origins_to_know(province: House):
    feed, record = Feed(province), new_record()
    await province.deliver(feed.key(), feed.entry(penalty(province.number()), record=record))
    (copy,) = await province.events(record)
    await province.deliver(refused(copy), refused(copy.model_copy(update={"record": new_record()})))
    assert await province.fetch("select * from ingestion.refusal") == []


async def test_a_department_sees_its_own_lines_the_office_all_and_a_limited_credential_its_items(
    house: House, day: date
):
    transport = department("transport")
    row = penalty(house.number(), CF_CFJGDM=TRANSPORT.uscc, CF_SJLYDM=TRANSPORT.uscc)
    await house.submit([penalty(house.number())])
    await house.submit([row], caller=transport)
    asked = {"since": day.isoformat(), "until": day.isoformat()}

    async def parties(caller: Any, **more: Any) -> list[str]:
        return [line["party"] for line in (await board(house, caller, **asked, **more))["items"]]

    assert await parties(MARKET_CALLER) == ["market_regulation"]
    assert await parties(transport) == ["transport"]
    assert await parties(transport, party="transport") == ["transport"]
    assert await parties(OFFICE) == ["market_regulation", "transport"]
    assert await parties(OFFICE, party="transport") == ["transport"]
    assert await parties(OFFICE, item="administrative_licence") == []
    assert await parties(OFFICE, item=PENALTY) == ["market_regulation", "transport"]
    limited = department(items=frozenset({"administrative_licence"}), credential="limited")
    assert await parties(limited) == await parties(limited, item=PENALTY) == []
    assert [(await board(house, caller, **asked))["partial"] for caller in (OFFICE, limited)] == [False, True]


async def test_another_partys_lines_and_an_impossible_period_are_refused(house: House):
    async with house.client(MARKET_CALLER) as client:
        other = await client.get("/v1/quality", params={"party": "transport"})
        reversed_ = await client.get("/v1/quality", params={"since": "2026-11-02", "until": "2026-11-01"})
        strange = await client.get("/v1/quality", params={"from": "2026-11-02", "to": "2026-11-02"})
    assert (other.status_code, other.json()["code"]) == (403, "forbidden")
    assert (reversed_.status_code, reversed_.json()["code"]) == (400, "malformed")
    assert strange.status_code == 422


async def test_the_board_needs_no_period(house: House):
    await house.submit([penalty(house.number())])
    found = await board(house)
    assert (found["since"], found["until"]) == ((TODAY - timedelta(days=30)).isoformat(), TODAY.isoformat())
    assert found["items"][0]["rows"] > 0
