"""What a case does to its record: under way until repair has seen the revision, and closed where the record ended."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import orjson
import pytest

from creditmesh.chassis.context import Context
from creditmesh.repair.operations.filing import file_case
from creditmesh.schemas.cases import CaseIn
from creditmesh.schemas.events import RecordPurged
from tests.repair.conftest import TODAY, House, department, office, person
from tests.repair.refusing import refused
from tests.repair.test_named import filed, naming
from tests.support.eventually import eventually


async def standing(house: House, case: str) -> tuple[str, str, str | None]:
    shown = (await house.get(f"/v1/cases/{case}", office())).json()
    return shown["state"], shown["marking"], shown["effect"]


async def test_a_mark_is_under_way_until_its_revision_was_seen(house: House):
    record = await house.record()
    case = await house.filed(record, "objection")
    assert await standing(house, case) == ("filed", "none", None)
    await house.acted(case, department(), "accept")
    assert await standing(house, case) == ("accepted", "under_way", None)
    other = await house.next_revision(record, "corrected")
    assert await standing(house, case) == ("accepted", "under_way", None)
    marked = await house.next_revision(other, "marked", mark="disputed", case=case)
    assert await standing(house, case) == ("accepted", "done", None)
    await house.acted(case, department(), "refuse", reason="属实")
    assert await standing(house, case) == ("refused", "done", "under_way")
    unmarked = await house.next_revision(marked, "unmarked", case=case)
    assert await standing(house, case) == ("refused", "none", "done")
    await house.acted(case, person(record.subject), "appeal")
    assert await standing(house, case) == ("appealed", "under_way", None)
    again = await house.next_revision(unmarked, "marked", mark="disputed", case=case)
    assert await standing(house, case) == ("appealed", "done", None)
    await house.acted(case, office(), "approve", remedy="withdraw")
    assert await standing(house, case) == ("approved", "done", "under_way")
    await house.next_revision(again, "withdrawn", case=case)
    assert await standing(house, case) == ("approved", "none", "done")
    steps = (await house.get(f"/v1/cases/{case}", office())).json()["steps"]
    assert [(s["effect"], s["rev"]) for s in steps] == [
        (None, None), ("mark", 3), ("unmark", 4), ("mark", 5), ("withdraw", 6),
    ]  # fmt: skip


async def test_the_revision_of_an_earlier_step_is_not_taken_for_a_later_ones(house: House):
    record = await house.record()
    case = await house.filed(record, "objection")
    await house.acted(case, department(), "accept")
    await house.acted(case, department(), "refuse", reason="属实")
    await house.acted(case, person(record.subject), "appeal")
    marked = await house.next_revision(record, "marked", mark="disputed", case=case)
    assert await standing(house, case) == ("appealed", "under_way", None)
    unmarked = await house.next_revision(marked, "unmarked", case=case)
    assert await standing(house, case) == ("appealed", "under_way", None)
    await house.next_revision(unmarked, "marked", mark="disputed", case=case)
    assert await standing(house, case) == ("appealed", "done", None)


async def test_revisions_that_come_in_one_batch_do_the_same(house: House):
    record = await house.record()
    case = await house.filed(record, "objection")
    await house.acted(case, department(), "accept")
    await house.acted(case, department(), "refuse", reason="属实")
    marked = record.model_copy(update={"rev": 2, "change": "marked", "case": UUID(case), "mark": "disputed"})
    unmarked = record.model_copy(update={"rev": 3, "change": "unmarked", "case": UUID(case)})
    await house.hear(marked, unmarked)
    steps = (await house.get(f"/v1/cases/{case}", office())).json()["steps"]
    assert [s["rev"] for s in steps] == [None, 2, 3]


@pytest.mark.parametrize("state", ["filed", "returned", "accepted", "appealed"])
async def test_an_open_case_is_closed_when_its_record_ends_otherwise(house: House, state: str):
    record = await house.record()
    case = await house.filed(record, "objection")
    if state == "returned":
        await house.acted(case, department(), "return", missing=["statement"])
    if state in {"accepted", "appealed"}:
        await house.acted(case, department(), "accept")
    if state == "appealed":
        await house.acted(case, department(), "refuse", reason="属实")
        await house.acted(case, person(record.subject), "appeal")
    await house.next_revision(record, "withdrawn", officer="Officer Wei", basis="示市监撤销〔2026〕1号")
    shown = (await house.get(f"/v1/cases/{case}", person(record.subject))).json()
    last = shown["steps"][-1]
    assert (shown["state"], shown["due"], last["action"]) == ("closed", None, "record_ended")
    assert (last["party"], last["officer"], last["basis"]) == ("market", "Officer Wei", "示市监撤销〔2026〕1号")
    assert shown["effect"] != "under_way"
    assert shown["marking"] != "under_way"
    (*_, told) = await house.told_of(case)
    assert (told["state"], told["effect"]) == ("closed", None)


@pytest.mark.parametrize("state", ["filed", "returned", "accepted", "appealed"])
async def test_a_case_goes_on_where_it_stood_when_its_record_is_opened_again(house: House, state: str):
    record = await house.record()
    case, repair = await house.filed(record, "objection"), await house.filed(record)
    if state == "returned":
        await house.acted(case, department(), "return", missing=["statement"])
    if state in {"accepted", "appealed"}:
        await house.acted(case, department(), "accept")
    if state == "appealed":
        await house.acted(case, department(), "refuse", reason="属实")
        await house.acted(case, person(record.subject), "appeal")
    before = (await house.get(f"/v1/cases/{case}", person(record.subject))).json()
    ended = await house.next_revision(record, "withdrawn")
    over = await house.act(case, person(record.subject), "appeal")
    assert (over.status_code, over.json()["code"]) == (409, "wrong_state")
    assert "恢复" in over.json()["detail_zh"]
    house.on(TODAY + timedelta(days=60))
    await house.next_revision(ended, "reopened", officer="Officer Wei", basis="示恢〔2026〕1号")
    shown = (await house.get(f"/v1/cases/{case}", person(record.subject))).json()
    assert (shown["state"], shown["missing"], shown["overdue"]) == (state, before["missing"], False)
    assert (shown["due"] is None) == (before["due"] is None)
    assert shown["due"] is None or shown["due"] > str(TODAY + timedelta(days=60))
    last = shown["steps"][-1]
    assert (last["action"], last["officer"], last["basis"]) == ("record_reopened", "Officer Wei", "示恢〔2026〕1号")
    told = (await house.told_of(case))[-1]
    assert (told["state"], told["effect"]) == (state, "mark" if state in {"accepted", "appealed"} else None)
    assert (await standing(house, repair))[0] == "filed"
    if state == "filed":
        taken = await house.acted(case, department(), "accept")
        assert taken["due"] > str(TODAY + timedelta(days=60))
    if state == "returned":
        assert (await house.add(case, record.subject, "statement")).status_code == 201
        assert (await standing(house, case))[0] == "filed"


async def test_a_case_that_goes_on_marks_no_record_that_is_marked(house: House):
    record = await house.record()
    case = await house.filed(record, "objection")
    await house.acted(case, department(), "accept")
    marked = await house.next_revision(record, "marked", mark="disputed", case=UUID(case))
    ended = await house.next_revision(marked, "withdrawn")
    await house.next_revision(ended, "reopened")
    assert (await house.told_of(case))[-1]["effect"] is None
    assert await standing(house, case) == ("accepted", "done", None)
    await house.acted(case, department(), "refuse", reason="属实")
    assert (await house.told_of(case))[-1]["effect"] == "unmark"


REVOKED = {"reason": "所提交的整改材料系伪造", "basis": "示信撤〔2026〕1号"}


async def test_who_approved_a_repair_revokes_it_with_its_ground_and_the_record_is_open_again(house: House):
    record = await house.record()
    case, objection = await house.filed(record), await house.filed(record, "objection")
    await house.with_documents(case, record.subject)
    for action in ("accept", "approve"):
        await house.acted(case, department(), action)
    refused(await house.act(case, department(), "revoke", **REVOKED), 409, "nothing_to_revoke")  # it still stands
    ended = await house.next_revision(record, "repaired", case=UUID(case))
    for lacking in ("reason", "basis"):
        answer = await house.act(case, department(), "revoke", **{k: v for k, v in REVOKED.items() if k != lacking})
        assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, [f"/{lacking}"])
    refused(await house.act(case, office(), "revoke", **REVOKED), 403, "not_the_body")
    refused(await house.act(case, department(officer=None), "revoke", **REVOKED), 403, "officer_needed")
    refused(await house.act(case, person(record.subject), "revoke", **REVOKED), 403, "not_for_the_subject")
    await house.acted(case, department(), "revoke", **REVOKED)
    assert await standing(house, case) == ("revoked", "none", "under_way")
    told = (await house.told_of(case))[-1]
    assert (told["state"], told["effect"], told["basis"]) == ("revoked", "reopen", REVOKED["basis"])
    await house.next_revision(ended, "reopened", case=UUID(case), reason="reopened")
    assert await standing(house, case) == ("revoked", "none", "done")
    shown = (await house.get(f"/v1/cases/{case}", person(record.subject))).json()
    assert (shown["steps"][-1]["action"], shown["steps"][-1]["reason"]) == ("revoke", REVOKED["reason"])
    certificate = orjson.loads((await house.get(f"/v1/cases/{case}/certificate", office())).json()["signed"])
    assert (certificate["change"], certificate["rev"]) == ("reopened", 3)
    assert (await standing(house, objection))[0] == "filed"
    assert (await house.file(record)).status_code == 201
    refused(await house.act(case, department(), "revoke", **REVOKED), 409, "wrong_state")


async def test_the_office_revokes_what_it_decided_on_appeal(house: House):
    record = await house.record()
    case = await house.filed(record, "objection")
    await house.acted(case, department(), "accept")
    await house.acted(case, department(), "refuse", reason="属实")
    await house.acted(case, person(record.subject), "appeal")
    await house.acted(case, office(), "approve", remedy="withdraw")
    await house.next_revision(record, "withdrawn", case=UUID(case))
    refused(await house.act(case, department(), "revoke", **REVOKED), 403, "not_the_office")
    await house.acted(case, office(), "revoke", **REVOKED)
    assert (await standing(house, case))[0] == "revoked"


async def test_a_case_that_ended_the_record_for_one_person_is_not_revoked(house: House):
    record, boss = await naming(house)
    case = await filed(house, record, boss, "repair")
    await house.with_documents(case, boss)
    for action in ("accept", "approve"):
        await house.acted(case, department(), action)
    await house.next_revision(record, "discharged", about=boss, case=UUID(case))
    refused(await house.act(case, department(), "revoke", **REVOKED), 409, "nothing_to_revoke")


async def test_nothing_is_revoked_of_a_record_that_ended_otherwise_or_was_deleted(house: House):
    record = await house.record()
    case = await house.filed(record)
    await house.with_documents(case, record.subject)
    for action in ("accept", "approve"):
        await house.acted(case, department(), action)
    ended = await house.next_revision(record, "repaired", case=UUID(case))
    await house.hear(RecordPurged(record=record.record, subject=record.subject, item=record.item))
    refused(await house.act(case, department(), "revoke", **REVOKED), 409, "nothing_to_revoke")
    await house.next_revision(ended, "withdrawn")
    refused(await house.act(case, department(), "revoke", **REVOKED), 409, "nothing_to_revoke")


async def test_what_was_decided_is_not_open_again_with_its_record(house: House):
    record = await house.record()
    case = await house.filed(record)
    await house.with_documents(case, record.subject)
    for action in ("accept", "approve"):
        await house.acted(case, department(), action)
    ended = await house.next_revision(record, "withdrawn")
    await house.next_revision(ended, "reopened")
    assert (await standing(house, case))[0] == "approved"


async def test_a_repair_closes_the_objection_to_the_same_record_and_not_itself(house: House):
    record = await house.record()
    repair, objection = await house.filed(record), await house.filed(record, "objection")
    await house.with_documents(repair, record.subject)
    await house.acted(repair, department(), "accept")
    await house.acted(repair, department(), "approve")
    await house.next_revision(record, "repaired", case=repair)
    assert await standing(house, repair) == ("approved", "none", "done")
    assert (await standing(house, objection))[0] == "closed"


async def test_a_decided_case_is_under_way_until_a_case_has_ended_the_record(house: House):
    """Its party's withdrawal is none: the party could open it again, so the case still ends it."""
    record = await house.record()
    case = await house.filed(record)
    await house.with_documents(case, record.subject)
    await house.acted(case, department(), "accept")
    await house.acted(case, department(), "approve")
    withdrawn = await house.next_revision(record, "withdrawn")
    assert await standing(house, case) == ("approved", "none", "under_way")
    await house.next_revision(withdrawn, "repaired", case=UUID(case))
    assert await standing(house, case) == ("approved", "none", "done")
    certificate = orjson.loads((await house.get(f"/v1/cases/{case}/certificate", office())).json()["signed"])
    assert (certificate["change"], certificate["rev"]) == ("repaired", 3)


async def test_a_decided_case_is_not_left_under_way_when_another_ends_the_record_first(house: House):
    record = await house.record()
    case = await house.filed(record)
    await house.with_documents(case, record.subject)
    await house.acted(case, department(), "accept")
    await house.acted(case, department(), "approve")
    await house.next_revision(record, "withdrawn", case=uuid4())
    assert await standing(house, case) == ("approved", "none", "done")


async def test_a_record_that_is_deleted_closes_its_open_cases_and_leaves_nothing_under_way(house: House):
    record = await house.record()
    repair, objection = await house.filed(record), await house.filed(record, "objection")
    await house.with_documents(repair, record.subject)
    for action in ("accept", "approve"):
        await house.acted(repair, department(), action)
    assert (await standing(house, repair))[2] == "under_way"
    await house.hear(RecordPurged(record=record.record, subject=record.subject, item=record.item))
    assert await standing(house, repair) == ("approved", "none", "done")
    certificate = orjson.loads((await house.get(f"/v1/cases/{repair}/certificate", office())).json()["signed"])
    assert (certificate["change"], certificate["pending"], certificate["complete"]) == ("deleted", ["city"], False)
    shown = (await house.get(f"/v1/cases/{objection}", person(record.subject))).json()
    last = shown["steps"][-1]
    assert (shown["state"], last["action"], last["party"]) == ("closed", "record_ended", "city")
    assert (await house.act(objection, department(), "accept")).status_code == 409
    assert (await house.file(record, "objection")).json()["code"] == "record_not_shown"


async def test_a_case_that_is_filed_while_its_record_is_deleted_has_a_record(house: House):
    record = await house.record()
    filing = Context(house.equipment, caller=person(record.subject))
    case = await file_case(filing, CaseIn(kind="repair", record=record.record, statement="罚款已缴清。"))
    session = await filing.session()
    deleting = asyncio.create_task(
        house.hear(RecordPurged(record=record.record, subject=record.subject, item=record.item))
    )
    waits = "select count(*) from pg_locks where locktype = 'advisory' and not granted"

    async def held_up() -> bool:
        return deleting.done() or await session.value(waits) > 0

    await eventually(held_up)
    await filing.commit()
    await filing.rollback()
    await deleting
    shown = await house.get(f"/v1/cases/{case}", person(record.subject))
    assert (shown.status_code, shown.json()["state"]) == (200, "closed")
    assert (await house.act(str(case), department(), "accept")).status_code == 409


async def test_an_older_revision_that_comes_again_changes_nothing(house: House):
    record = await house.record()
    await house.next_revision(record, "withdrawn")
    await house.hear(record)
    assert (await house.file(record, "objection")).json()["code"] == "record_not_shown"


async def test_a_correction_is_remembered_under_later_revisions(house: House):
    record = await house.record()
    corrected = record.model_copy(update={"rev": 2, "change": "corrected"})
    marked = record.model_copy(update={"rev": 3, "change": "marked"})
    await house.hear(corrected, marked)
    async with house.database.session() as session:
        row = await session.fetchrow("select rev, corrected from repair.record where record = $1", record.record)
    assert tuple(row) == (3, 2)
