"""A department finds its own records and submissions without their ids, and nobody else's."""

from datetime import timedelta
from typing import Any

import httpx
import orjson
import pytest

from tests.ingestion.conftest import MARKET_CALLER, PENALTY, House, department
from tests.ingestion.entries import Feed, new_record
from tests.ingestion.rows import MARKET, TODAY, TRANSPORT, changed, penalty, person_penalty, resident, uscc
from tests.ingestion.test_records import made, withdraw
from tests.ingestion.test_round_trips import counted


async def find(house: House, caller=MARKET_CALLER, **search: Any) -> httpx.Response:
    async with house.client(caller) as client:
        return await client.post("/v1/records/searches", json=search)


async def found(house: House, caller=MARKET_CALLER, **search: Any) -> list[str]:
    answer = await find(house, caller, **search)
    assert answer.status_code == 200, answer.text
    return [entry["record"] for entry in answer.json()["items"]]


def organisation(number: int) -> dict[str, Any]:
    return {"kind": "organisation", "document": {"type": "uscc", "number": uscc(number)}}


async def test_a_record_is_found_by_its_document_number_however_a_clerk_writes_it(house: House):
    row = penalty(house.number())
    record = await made(house, row)
    written = row["CF_WSH"].replace("〔", " [").replace("〕", "] ")
    for number in (row["CF_WSH"], written, f" {row['CF_WSH']} "):
        assert await found(house, number=number) == [record]
    assert await found(house, number=row["CF_WSH"], issuer=MARKET.uscc, item=PENALTY) == [record]
    assert await found(house, number=row["CF_WSH"], issuer=TRANSPORT.uscc) == []
    assert await found(house, number="示市监罚〔1999〕404号") == []


async def test_it_stays_found_when_it_changed_and_says_how_it_stands_without_what_it_says(house: House):
    row = penalty(house.number())
    record = await made(house, row)
    await house.submit(changed(row, {"CF_SY": "未按规定公示年度报告。"}))
    (entry,) = (await find(house, number=row["CF_WSH"])).json()["items"]
    assert (entry["record"], entry["rev"], entry["state"], entry["item"]) == (record, 2, "published", PENALTY)
    assert (entry["accepted_on"], entry["decided_on"]) == (TODAY.isoformat(), row["CF_JDRQ"])
    assert not any(str(value) in orjson.dumps(entry).decode() for value in (row["CF_XDR_MC"], row["CF_WSH"]))
    assert (await withdraw(house, record, rev=entry["rev"])).status_code == 200


async def test_records_are_found_by_subject_and_the_subject_sees_who_looked(house: House):
    number = house.number()
    records = {await made(house, penalty(number, CF_WSH=f"示市监罚〔2026〕{number}{last}号")) for last in "12"}
    await made(house, penalty(house.number()))
    before = len(await house.accesses())
    answer = await find(house, subject=organisation(number))
    assert {entry["record"] for entry in answer.json()["items"]} == records
    [access] = (await house.accesses())[before:]
    assert (access["purpose"], access["outcome"], set(access["records"])) == ("own_record", "released", records)
    [other] = await found(house, subject=organisation(number), number=f"示市监罚〔2026〕{number}1号")
    assert other in records


async def test_whoever_has_none_of_yours_sees_the_look_too_and_who_is_not_known_is_not_made(house: House):
    number, other = house.number(), department("transport", credential="other")
    await made(house, penalty(number))
    subjects, before = (await house.fetch("select count(*) from vault.subject")), len(await house.accesses())
    assert await found(house, other, subject=organisation(number)) == []
    [access] = (await house.accesses())[before:]
    assert (access["party"], access["outcome"], access["records"]) == ("transport", "nothing", [])
    assert await found(house, other, subject=organisation(house.number())) == []
    assert (await house.fetch("select count(*) from vault.subject")) == subjects


async def test_who_is_not_known_is_asked_about_as_who_is(house: House, monkeypatch: pytest.MonkeyPatch):
    number, other = house.number(), department("transport", credential="other")
    await made(house, penalty(number))
    statements = []
    for asked in (number, house.number()):
        await found(house, other, subject=organisation(asked))
        with counted(monkeypatch) as seen:
            assert await found(house, other, subject=organisation(asked)) == []
        statements.append([doing for doing in seen if "ingestion." in doing])
    assert statements[0] == statements[1] != []


async def test_a_number_singles_somebody_out_and_a_day_names_nobody(house: House):
    number = house.number()
    row = person_penalty(number)
    record = await made(house, row)
    before = len(await house.accesses())
    assert await found(house, number=row["CF_WSH"]) == [record]
    [access] = (await house.accesses())[before:]
    (event,) = await house.events(record)
    assert (access["subject"], access["records"]) == (str(event.subject), [record])
    await found(house, since=TODAY.isoformat())
    assert len(await house.accesses()) == before + 1


async def test_nobody_finds_anothers_records_nor_those_of_items_a_credential_does_not_reach(house: House):
    row = penalty(house.number())
    await made(house, row)
    other = department("transport", credential="transport-2")
    narrow = department(items=frozenset({"administrative_licence"}), credential="narrow")
    for caller in (other, narrow):
        assert await found(house, caller, number=row["CF_WSH"]) == []
        assert row["CF_WSH"] not in (await find(house, caller)).text
    page = (await find(house, narrow, item=PENALTY)).json()
    assert page == {"items": [], "next": None, "partial": True, "unreadable": []}


async def test_records_are_listed_by_day_and_state_newest_first_page_by_page(house: House):
    day = TODAY + timedelta(days=3)
    house.on(day)
    try:
        records = [await made(house, penalty(house.number())) for _ in range(5)]
        await withdraw(house, records[1])
    finally:
        house.on(TODAY)
    asked = {"since": day.isoformat(), "until": day.isoformat(), "item": PENALTY, "limit": 2}
    pages, cursor = [], None
    while True:
        page = (await find(house, **asked, **({"cursor": cursor} if cursor else {}))).json()
        pages.append([entry["record"] for entry in page["items"]])
        if (cursor := page["next"]) is None:
            break
    assert pages == [records[:2:-1], records[2:0:-1], records[:1]]
    assert await found(house, **asked | {"state": "withdrawn"}) == [records[1]]
    assert (await find(house, since=day.isoformat(), until=TODAY.isoformat())).status_code == 400
    assert (await find(house, cursor="nonsense")).json()["code"] == "bad_cursor"


async def test_a_page_ends_after_what_it_looked_at_however_few_fit(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("creditmesh.ingestion.store.own_records._MOST", 3)
    day = TODAY + timedelta(days=4)
    house.on(day)
    try:
        records = [await made(house, penalty(house.number())) for _ in range(7)]
        await withdraw(house, records[0])
    finally:
        house.on(TODAY)
    asked, pages, cursor = {"since": day.isoformat(), "state": "withdrawn", "limit": 1}, [], None
    for _ in range(4):
        page = (await find(house, **asked, **({"cursor": cursor} if cursor else {}))).json()
        pages += [[entry["record"] for entry in page["items"]]]
        if (cursor := page["next"]) is None:
            break
    assert pages == [[], [], [records[0]]]


async def test_copies_of_other_nodes_records_are_nobodys_own(province: House):
    number, record = province.number(), new_record()
    row = penalty(number)
    feed = Feed(province)
    await province.deliver(feed.key(), feed.entry(row, record=record))
    assert len(await province.events(record)) == 1
    assert await found(province, number=row["CF_WSH"]) == []
    assert await found(province, subject=organisation(number)) == []
    assert str(record) not in (await find(province, limit=200)).text


async def test_a_document_of_nobody_is_refused_with_the_place_of_the_fault(house: House):
    wrong = resident(house.number())[:-1] + "?"
    answer = await find(house, subject={"kind": "natural_person", "document": {"type": "resident_id", "number": wrong}})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_document")
    assert answer.json()["errors"][0]["pointer"] == "/subject/document/number"
    assert wrong not in answer.text


async def submissions(house: House, caller=MARKET_CALLER, **asked: Any) -> dict[str, Any]:
    async with house.client(caller) as client:
        answer = await client.get("/v1/submissions", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_submissions_are_listed_newest_first_and_a_department_sees_its_own_only(house: House):
    day = TODAY + timedelta(days=5)
    house.on(day)
    try:
        sent = [
            orjson.loads((await house.submit([penalty(house.number())] * 2)).content.splitlines()[-1]) for _ in range(3)
        ]
    finally:
        house.on(TODAY)
    ids = [orjson.loads(each["receipt"]["signed"])["submission"] for each in sent]
    asked = {"since": day.isoformat(), "until": day.isoformat(), "item": PENALTY, "limit": 2}
    first = await submissions(house, **asked)
    second = await submissions(house, **asked, cursor=first["next"])
    assert [each["submission"] for each in (*first["items"], *second["items"])] == ids[::-1]
    assert second["next"] is None
    assert (first["items"][0]["counts"]["accepted"], first["items"][0]["legal_date"]) == (1, day.isoformat())
    assert [each["submission"] for each in (await submissions(house, **asked, state="done"))["items"]] == ids[:0:-1]
    assert (await submissions(house, **asked, state="under_way"))["items"] == []
    assert (await submissions(house, department("transport", credential="t3"), **asked))["items"] == []
    narrow = department(items=frozenset({"administrative_licence"}), credential="narrow")
    assert (await submissions(house, narrow, **asked))["items"] == []
