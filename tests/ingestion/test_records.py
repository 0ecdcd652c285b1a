"""A record's own party reads it, corrects it, withdraws it, and every reading is an access."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from creditmesh.chassis.packing import FRAME, unpack
from tests.ingestion.conftest import MARKET_CALLER, OFFICER, House, department
from tests.ingestion.entries import Feed, new_record
from tests.ingestion.rows import MARKET, changed, penalty, person_penalty, resident, uscc
from tests.support.bodies import of_dictionary
from tests.support.eventually import eventually


async def made(house: House, row: dict[str, str]) -> str:
    return (await house.submit(row)).json()["record"]


async def correct(
    house: House, record: str, fields: dict, *, rev: int = 1, caller=MARKET_CALLER, **more
) -> httpx.Response:
    headers = {"If-Match": f'"{rev}"'} | more.pop("headers", {})
    async with house.client(caller) as client:
        body = {"fields": fields, "reason": "error"} | more
        return await client.post(f"/v1/records/{record}/corrections", json=body, headers=headers)


async def withdraw(house: House, record: str, *, rev: int = 1, caller=MARKET_CALLER, **more) -> httpx.Response:
    headers = {"If-Match": f'"{rev}"'} | more.pop("headers", {})
    body = {"reason": "revoked", "basis": "示市监撤销〔2026〕1号"} | more
    async with house.client(caller) as client:
        return await client.post(f"/v1/records/{record}/withdrawal", json=body, headers=headers)


async def read(house: House, record: str, path: str = "", *, caller=MARKET_CALLER) -> httpx.Response:
    async with house.client(caller) as client:
        return await client.get(f"/v1/records/{record}{path}")


async def test_a_department_reads_its_own_record_and_that_is_an_access(house: House):
    number = house.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    record = await made(house, row)
    before = len(await house.accesses())
    answer = await read(house, record)
    assert (answer.status_code, answer.headers["etag"], answer.headers["cache-control"]) == (200, '"1"', "no-store")
    assert answer.json()["fields"] == row
    (event,) = await house.events(record)
    accesses = (await house.accesses())[before:]
    assert {access["subject"] for access in accesses} == {str(event.subject), str(event.related[0].subject)}
    for access in accesses:
        assert (access["party"], access["purpose"], access["outcome"]) == (
            "market_regulation",
            "own_record",
            "released",
        )
        assert (access["items"], access["records"]) == (["administrative_penalty"], [record])


async def test_another_partys_record_is_not_there_and_the_person_sees_who_tried(house: House):
    number = house.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    record = await made(house, row)
    (event,) = await house.events(record)
    other, stored = department("transport"), (await house.count())[0]
    accesses = len(await house.accesses())
    for answer in (
        await read(house, record, caller=other),
        await read(house, record, "/revisions", caller=other),
        await correct(house, record, row, caller=other, headers={"Idempotency-Key": f"foreign-{record}"}),
        await withdraw(house, record, caller=other),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.json() == (await read(house, str(uuid4()), caller=other)).json(), "no oracle"
    tried = (await house.accesses())[accesses:]
    assert (await house.count())[0] == stored
    for subject in (event.subject, event.related[0].subject):
        lines = [each for each in tried if each["subject"] == str(subject)]
        assert [(each["party"], each["outcome"], each["reason"]) for each in lines] == [
            ("transport", "refused", "not_found")
        ] * 4
        assert {tuple(each["records"]) for each in lines} == {(record,)}


async def test_a_record_that_nobody_has_is_nobodys_access(house: House):
    before, accesses = await house.count(), len(await house.accesses())
    for answer in (await read(house, str(uuid4())), await withdraw(house, str(uuid4()))):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await house.count(), len(await house.accesses())) == (before, accesses)


async def test_a_credential_limited_to_other_items_neither_reads_nor_changes_a_record(house: House):
    row = penalty(house.number())
    record = await made(house, row)
    limited = department(items=frozenset({"administrative_licence"}), credential="limited")
    accesses = len(await house.accesses())
    for answer in (
        await read(house, record, caller=limited),
        await read(house, record, "/revisions", caller=limited),
        await correct(house, record, row | {"BZ": "1"}, caller=limited),
        await withdraw(house, record, caller=limited),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_authorised")
    assert [each["outcome"] for each in (await house.accesses())[accesses:]] == ["refused"] * 4
    assert len(await house.events(record)) == 1


async def test_what_a_record_says_is_shown_to_its_own_party_too_only_while_it_may_be_shown(house: House):
    row = penalty(house.number(), CF_JDRQ="2026-05-11")
    record = await made(house, row)
    ends = (await house.events(record))[0].display_until
    assert ends is not None
    for day, shown in ((ends - timedelta(days=1), True), (ends, False), (ends + timedelta(days=900), False)):
        house.on(day)
        for path in ("", "/revisions"):
            accesses = len(await house.accesses())
            answer = (await read(house, record, path)).json()
            (told,) = answer if path else (answer,)
            assert (told["fields"], told["state"]) == (row if shown else {}, "published")
            (access,) = (await house.accesses())[accesses:]
            assert access["outcome"] == ("released" if shown else "nothing")
            assert shown or row["CF_SY"] not in str(answer)


async def test_a_withdrawn_records_own_party_reads_what_became_of_it_and_no_longer_what_it_said(house: House):
    row = penalty(house.number())
    record = await made(house, row)
    await withdraw(house, record)
    assert ((await read(house, record)).json()["state"], (await read(house, record)).json()["fields"]) == (
        "withdrawn",
        {},
    )
    history = (await read(house, record, "/revisions")).json()
    assert [(each["change"], each["fields"]) for each in history] == [("accepted", {}), ("withdrawn", {})]
    await correct(house, record, row, rev=2, caller=OFFICER, reason="reopened", basis="示市监恢〔2026〕1号")
    assert (await read(house, record)).json()["fields"] == row


@pytest.mark.parametrize("caller", [MARKET_CALLER, department("transport")], ids=["the same code", "another"])
async def test_a_copy_of_another_nodes_record_is_not_changed_here(province: House, caller):
    feed, record, number = Feed(province), new_record(), province.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    await province.deliver(feed.key(), feed.entry(row, record=record))
    (event,) = await province.events(record)
    accesses = len(await province.accesses())
    attempts = [
        await correct(province, str(record), row | {"CF_SY": "更正"}, caller=caller),
        await withdraw(province, str(record), caller=caller),
        await read(province, str(record), caller=caller),
    ]
    await province.deliver(feed.entry(row, record=record, rev=2, change="withdrawn"))
    attempts.append(await correct(province, str(record), row, rev=2, reason="reopened", caller=caller))
    for answer in attempts:
        assert (answer.status_code, answer.json()["code"]) == (409, "not_the_origin")
        assert "city" in answer.json()["detail"]
        assert "city" in answer.json()["detail_zh"]
    assert len(await province.events(record)) == 2
    tried = (await province.accesses())[accesses:]
    assert [(each["subject"], each["reason"]) for each in tried if each["subject"] == str(event.subject)] == [
        (str(event.subject), "not_the_origin")
    ] * 4
    assert {each["subject"] for each in tried} == {str(event.subject), str(event.related[0].subject)}


async def test_a_row_of_a_copy_that_ended_is_a_new_record_of_the_department_that_sends_it(province: House):
    feed, record, row = Feed(province), new_record(), penalty(province.number())
    entries = [feed.entry(row, record=record), feed.entry(row, record=record, rev=2, change="repaired")]
    await province.deliver(feed.key(), *entries)
    answer = await province.submit(row)
    assert (answer.status_code, answer.json()["verdict"]) == (201, "accepted")
    assert [event.state for event in await province.events(record)] == ["published", "repaired"]
    assert answer.json()["record"] != str(record)


async def test_a_correction_is_one_more_revision_with_its_reason(house: House):
    row = person_penalty(house.number())
    record = await made(house, row)
    answer = await correct(house, record, row | {"BZ": "补充"}, reason="supplemented", basis="示市监更正〔2026〕3号")
    assert (answer.status_code, answer.headers["etag"]) == (201, '"2"')
    verdict = answer.json()
    assert (verdict["verdict"], verdict["record"], verdict["rev"]) == ("corrected", record, 2)
    _, event = await house.events(record)
    assert (event.change, event.reason, event.basis) == ("corrected", "supplemented", "示市监更正〔2026〕3号")
    history = (await read(house, record, "/revisions")).json()
    assert [each["rev"] for each in history] == [1, 2]
    assert [each["fields"].get("BZ") for each in history] == [None, "补充"]
    assert (await house.submit(row)).json()["reasons"][0]["code"] == "superseded"


async def test_a_correction_to_what_stands_changes_nothing(house: House):
    row = penalty(house.number())
    record = await made(house, row)
    answer = await correct(house, record, row)
    assert (answer.status_code, answer.json()["verdict"]) == (200, "unchanged")
    assert len(await house.events(record)) == 1


async def test_a_change_names_the_revision_it_was_made_from(house: House):
    row = penalty(house.number())
    record = await made(house, row)
    await correct(house, record, row | {"BZ": "1"})
    for answer in (await correct(house, record, row | {"BZ": "2"}), await withdraw(house, record)):
        assert (answer.status_code, answer.json()["code"], answer.headers["etag"]) == (412, "stale", '"2"')
    answer = await correct(house, record, row, headers={"If-Match": ""})
    assert (answer.status_code, answer.json()["code"]) == (428, "if_match_needed")
    for tag in ("2", "*", '"x"', '"1", "2"'):
        answer = await correct(house, record, row, headers={"If-Match": tag})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_if_match")
    for tag in ('W/"2"', '"02"'):
        answer = await correct(house, record, row, headers={"If-Match": tag})
        assert (answer.status_code, answer.headers["etag"]) == (412, '"2"')
    assert len(await house.events(record)) == 2


@pytest.mark.parametrize(
    "changes",
    [{"CF_WSH": "示市监处罚〔2025〕1号"}, {"CF_XDR_SHXYM": uscc(999_999)}, {"CF_CFJGDM": MARKET.issues_for[0]}],
)
async def test_what_makes_another_record_is_no_correction(house: House, changes: dict[str, str]):
    row = penalty(house.number())
    record = await made(house, row)
    answer = await correct(house, record, row | changes)
    assert (answer.status_code, answer.json()["code"]) == (422, "natural_key_changed")


async def test_a_correction_passes_the_same_gate(house: House):
    row = penalty(house.number())
    record = await made(house, row)
    refused = await correct(house, record, changed(row, {"CF_JDRQ": "2027-01-01", "CF_SY": None}))
    assert refused.status_code == 422
    assert [error["code"] for error in refused.json()["errors"]] == ["field_required"]
    held = await correct(house, record, row | {"CF_NR_FK": "2000"})
    assert (held.status_code, held.json()["verdict"]) == (202, "held")
    assert held.headers["location"].startswith("/v1/reviews/")
    assert len(await house.events(record)) == 1


async def test_a_withdrawn_record_ends_and_is_closed_to_files(house: House):
    row = penalty(house.number())
    record = await made(house, row)
    answer = await withdraw(house, record)
    assert (answer.status_code, answer.json()) == (200, {"record": record, "rev": 2, "state": "withdrawn"})
    first, event = await house.events(record)
    assert (event.state, event.change, event.reason, event.basis) == (
        "withdrawn",
        "withdrawn",
        "revoked",
        "示市监撤销〔2026〕1号",
    )
    assert (event.fields, event.sealed, event.subject) == (first.fields, first.sealed, first.subject)
    still_there = await house.submit(row)
    assert (still_there.status_code, still_there.json()["verdict"]) == (200, "unchanged")
    assert (still_there.json()["record"], still_there.json()["rev"]) == (record, 2)
    assert [each["code"] for each in still_there.json()["reasons"]] == ["record_ended"], "a notice, whatever the night"
    refused = await house.submit(row | {"BZ": "新"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "record_closed")
    again = await withdraw(house, record, rev=2)
    assert (again.status_code, again.json()["code"]) == (409, "record_closed")
    assert len(await house.events(record)) == 2


async def test_a_correction_opens_a_withdrawn_record_again(house: House):
    row = penalty(house.number())
    record = await made(house, row)
    await withdraw(house, record)
    founded = {"rev": 2, "caller": OFFICER, "reason": "reopened", "basis": "示市监恢〔2026〕1号"}
    doubtful = await correct(house, record, row | {"CF_NR_FK": "2000"}, **founded)
    assert (doubtful.status_code, doubtful.json()["errors"][0]["code"]) == (422, "fine_unit")
    answer = await correct(house, record, row, **founded)
    assert (answer.status_code, answer.json()["rev"]) == (201, 3)
    assert [event.change for event in await house.events(record)] == ["accepted", "withdrawn", "reopened"]
    assert (await house.submit(row)).json()["reasons"][0]["code"] == "same"


async def test_a_mark_stays_through_corrections(house: House):
    row = penalty(house.number())
    record = await made(house, row)
    async with house.database.session() as session:
        await session.execute("update ingestion.revision set mark = 'disputed' where id = $1", UUID(record))
    await house.submit(row | {"BZ": "1"})
    await correct(house, record, row | {"BZ": "2"}, rev=2)
    assert [event.mark for event in (await house.events(record))[1:]] == ["disputed", "disputed"]


async def test_changes_under_a_key_are_made_once(house: House):
    row = penalty(house.number())
    record = await made(house, row)
    for _ in range(2):
        answer = await correct(house, record, row | {"BZ": "1"}, headers={"Idempotency-Key": f"c-{record}"})
        assert (answer.status_code, answer.json()["rev"]) == (201, 2)
    assert answer.headers["idempotency-replayed"] == "true"
    other = await correct(house, record, row | {"BZ": "2"}, headers={"Idempotency-Key": f"c-{record}"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    for _ in range(2):
        answer = await withdraw(house, record, rev=2, headers={"Idempotency-Key": f"w-{record}"})
        assert (answer.status_code, answer.json()["rev"]) == (200, 3)
    assert answer.headers["idempotency-replayed"] == "true"
    assert len(await house.events(record)) == 3


async def test_a_record_of_an_item_that_is_collected_no_more_can_be_withdrawn(house: House):
    row = penalty(house.number())
    record = await made(house, row)
    directory = house.equipment.followed
    item = directory.item("administrative_penalty", on=house.equipment.clock.legal_date())
    directory.tell("item", item, state="withdrawn", number=2)
    try:
        assert (await correct(house, record, row | {"BZ": "1"})).status_code == 404
        assert (await read(house, record)).json()["fields"] == {}
        assert (await withdraw(house, record)).status_code == 200
    finally:
        directory.tell("item", item, number=3)


async def test_a_failed_commit_releases_nothing(house: House):
    row = person_penalty(house.number())
    record = await made(house, row)
    async with house.database.session() as session:
        await session.execute("revoke insert on bus.event from city_ingestion")
        try:
            answer = await read(house, record)
        finally:
            await session.execute("grant insert on bus.event to city_ingestion")
    assert answer.status_code in {500, 503}
    assert row["CF_XDR_MC"] not in answer.text


async def test_the_services_role_can_neither_change_nor_remove_a_revision(house: House):
    await made(house, penalty(house.number()))
    async with house.database.session("ingestion") as session:
        for statement in (
            "update ingestion.revision set state = 'withdrawn'",
            "delete from ingestion.revision",
            "truncate ingestion.revision",
            "delete from ingestion.submission_chunk",
            "select * from vault.subject",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.execute(statement)


@pytest.mark.parametrize("change", [correct, withdraw])
async def test_a_change_of_a_record_that_is_deleted_meanwhile_finds_none(house: House, change):
    """It was read before the lock; a purge had the lock first."""
    row = penalty(house.number())
    record = await made(house, row)
    (event,) = await house.events(record)
    said = {"fields": row | {"BZ": "更正"}} if change is correct else {}
    async with house.context(None) as purge:
        await purge.lock([event.subject])
        changing = asyncio.create_task(change(house, record, **said))
        await eventually(lambda: waits(house))
        await house.fetch("delete from ingestion.revision where record = $1", UUID(record))
    answer = await changing
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), answer.text


async def waits(house: House) -> bool:
    """Whether somebody waits for a subject's lock."""
    return bool(await house.fetch("select 1 from pg_locks where locktype = 'advisory' and not granted"))


DATA = "select data from ingestion.revision where id = $1"
SET = "update ingestion.revision set data = $2 where id = $1"


async def test_a_revision_is_kept_packed_and_one_that_was_kept_plain_is_read_and_corrected_alike(house: House):
    row = penalty(house.number())
    record = UUID(await made(house, row))
    async with house.database.session() as session:
        data = await session.fetchval(DATA, record)
        before = (await read(house, str(record))).json()
        assert data.startswith(FRAME)
        assert len(data) * 2 < len(unpack(data))
        await session.execute(SET, record, unpack(data))
    assert (await read(house, str(record))).json() == before
    answer = await correct(house, str(record), row | {"BZ": "1"})
    assert (answer.status_code, answer.json()["rev"]) == (201, 2)
    assert [event.change for event in await house.events(record)] == ["accepted", "corrected"]


async def test_a_revision_that_cannot_be_unpacked_is_an_error_and_no_record_less(house: House):
    record = UUID(await made(house, penalty(house.number())))
    async with house.database.session() as session:
        data = await session.fetchval(DATA, record)
        await session.execute(SET, record, of_dictionary(40000, unpack(data)))
        answer = await read(house, str(record))
        await session.execute(SET, record, data)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "40000" in answer.json()["detail"]
    assert (await read(house, str(record))).status_code == 200
