"""Whom a record only names: they object to it and have it repaired for themselves, and its subject has its own."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.rules.calendar import add_working_days, working_days
from tests.repair.conftest import TODAY, House, department, person
from tests.repair.refusing import refused


async def naming(house: House, **more: Any) -> tuple[RecordChanged, UUID]:
    """A record about somebody, and the person whom it names beside them."""
    boss = await house.subject()
    related = [{"role": "legal_representative", "subject": boss, "part": 0}]
    return await house.record(kind="organisation", related=related, **more), boss


async def file(house: House, record: RecordChanged, subject: UUID, kind: str) -> Any:
    body = {"kind": kind, "record": str(record.record), "statement": "本人已于决定作出前离任。"}
    async with house.client(person(subject)) as client:
        return await client.post("/v1/cases", json=body)


async def filed(house: House, record: RecordChanged, subject: UUID, kind: str) -> str:
    answer = await file(house, record, subject, kind)
    assert answer.status_code == 201, answer.text
    return answer.json()["case"]


async def test_a_named_person_has_a_record_repaired_for_themselves_and_its_subject_may_too(house: House):
    record, boss = await naming(house)
    case, firms = await filed(house, record, boss, "repair"), await house.filed(record)
    refused(await file(house, record, boss, "repair"), 409, "case_open")
    await house.with_documents(case, boss)
    await house.acted(case, department(), "accept")
    decided = await house.acted(case, department(), "approve", basis="示信修〔2026〕3号")
    assert decided["effect"] == "under_way"
    told = (await house.told_of(case))[-1]
    assert (told["subject"], told["record"], told["effect"]) == (str(boss), str(record.record), "discharge")
    after = await house.next_revision(record, "discharged", about=boss, case=UUID(case))
    assert (await house.get(f"/v1/cases/{case}", person(boss))).json()["effect"] == "done"
    certificate = (await house.get(f"/v1/cases/{case}/certificate", person(boss))).json()["signed"]
    assert '"change":"discharged"' in certificate
    refused(await file(house, record, boss, "objection"), 404, "not_found")
    corrected = await house.next_revision(after, "corrected", about=None)
    refused(await file(house, corrected, boss, "repair"), 404, "not_found")
    assert (await house.get(f"/v1/cases/{firms}", person(record.subject))).json()["state"] == "filed"


async def test_both_list_and_see_their_own_cases_alone_wherever_the_record_stands(house: House):
    record, boss = await naming(house)
    case, firms = await filed(house, record, boss, "repair"), await house.filed(record)
    for who, own, others in ((boss, case, firms), (record.subject, firms, case)):
        page = (await house.get("/v1/me/cases", person(who))).json()
        assert [each["case"] for each in page["items"]] == [own]
        refused(await house.get(f"/v1/cases/{others}", person(who)), 404, "not_found")


async def test_a_named_persons_objection_marks_the_record_and_upheld_it_ends_for_them_alone(house: House):
    record, boss = await naming(house)
    case = await filed(house, record, boss, "objection")
    refused(await house.file(record, "objection"), 409, "case_open")
    await house.acted(case, department(), "accept")
    assert (await house.told_of(case))[-1]["effect"] == "mark"
    marked = await house.next_revision(record, "marked", mark="disputed", case=UUID(case))
    await house.acted(case, department(), "approve", remedy="withdraw")
    assert (await house.told_of(case))[-1]["effect"] == "discharge"
    await house.next_revision(marked, "discharged", mark=None, about=boss, case=UUID(case))
    shown = (await house.get(f"/v1/cases/{case}", person(boss))).json()
    assert (shown["marking"], shown["effect"]) == ("none", "done")
    assert (await house.file(record, "objection")).status_code == 201


async def test_an_objection_that_was_returned_bars_nobody_elses_and_waits_while_theirs_is_decided(house: House):
    record, boss = await naming(house)
    case = await filed(house, record, boss, "objection")
    await house.acted(case, department(), "return", missing=["statement"])
    refused(await file(house, record, boss, "objection"), 409, "case_open")
    firms = await house.filed(record, "objection")
    refused(await house.add(case, boss, "statement"), 409, "case_open")
    assert (await house.get(f"/v1/cases/{case}", person(boss))).json()["missing"] == ["statement"]
    await house.acted(firms, department(), "accept")
    await house.acted(firms, department(), "refuse", reason="属实")
    assert (await house.add(case, boss, "statement")).status_code == 201
    assert (await house.get(f"/v1/cases/{case}", person(boss))).json()["state"] == "filed"
    refused(await house.act(firms, person(record.subject), "appeal"), 409, "case_open")


async def test_a_refused_objection_of_a_named_person_takes_its_mark_away(house: House):
    record, boss = await naming(house)
    case = await filed(house, record, boss, "objection")
    await house.acted(case, department(), "accept")
    await house.acted(case, department(), "refuse", reason="属实")
    assert [data["effect"] for data in await house.told_of(case)] == [None, "mark", "unmark"]


async def test_the_period_before_a_repair_holds_for_a_named_person_too(house: House):
    record, boss = await naming(house, decided_on=house.equipment.clock.legal_date() - timedelta(days=10))
    refused(await file(house, record, boss, "repair"), 422, "too_early")


async def test_who_is_named_no_more_files_nothing_and_the_subject_sees_that_they_tried(house: House):
    record, boss = await naming(house)
    await house.next_revision(record, "corrected", related=[])
    before = len(await house.accesses_of(record.subject))
    refused(await file(house, record, boss, "repair"), 404, "not_found")
    refused(await file(house, record, uuid4(), "repair"), 404, "not_found")
    kept = (await house.accesses_of(record.subject))[before:]
    assert [each["outcome"] for each in kept] == ["refused", "refused"]


async def test_the_time_for_an_appeal_stops_while_somebody_elses_objection_is_decided(house: House):
    house.on(TODAY)
    record, boss = await naming(house)
    firms = await house.filed(record, "objection")
    await house.acted(firms, department(), "accept")
    await house.acted(firms, department(), "refuse", reason="属实")
    shown = (await house.get(f"/v1/cases/{firms}", person(record.subject))).json()
    due = date.fromisoformat(shown["appeal_until"])
    try:
        house.on(TODAY + timedelta(days=1))
        left = working_days(TODAY + timedelta(days=1), due)
        case = await filed(house, record, boss, "objection")
        later = due + timedelta(days=20)
        house.on(later)
        shown = (await house.get(f"/v1/cases/{firms}", person(record.subject))).json()
        assert (shown["state"], shown["appeal_until"], shown["calendar"]) == ("refused", None, "stopped")
        refused(await house.act(firms, person(record.subject), "appeal"), 409, "case_open")
        await house.acted(case, department(), "return", missing=["statement"])
        shown = (await house.get(f"/v1/cases/{firms}", person(record.subject))).json()
        assert (shown["appeal_until"], shown["calendar"]) == (add_working_days(later, left).isoformat(), "known")
        house.on(add_working_days(later, left))
        assert (await house.act(firms, person(record.subject), "appeal")).status_code == 200
    finally:
        house.on(TODAY)


async def test_what_is_left_of_the_time_for_an_appeal_is_no_more_than_there_was(house: House):
    house.on(TODAY)
    record, boss = await naming(house)
    firms = await house.filed(record, "objection")
    await house.acted(firms, department(), "accept")
    await house.acted(firms, department(), "refuse", reason="属实")
    due = (await house.get(f"/v1/cases/{firms}", person(record.subject))).json()["appeal_until"]
    case = await filed(house, record, boss, "objection")
    await house.acted(case, department(), "accept")
    await house.acted(case, department(), "refuse", reason="属实")
    assert (await house.get(f"/v1/cases/{firms}", person(record.subject))).json()["appeal_until"] == due
    try:
        house.on(date.fromisoformat(due) + timedelta(days=1))
        refused(await house.act(firms, person(record.subject), "appeal"), 409, "appeal_over")
    finally:
        house.on(TODAY)
