"""After a restore: a record whose content is not here goes on, and a case that was lost comes back with its record."""

from uuid import UUID, uuid4

import orjson
import pytest

from tests.repair.conftest import House, department, office, person
from tests.repair.refusing import refused
from tests.repair.test_effects import REVOKED, standing


@pytest.mark.parametrize("kind", ["objection", "repair"])
async def test_a_record_whose_content_is_not_here_is_objected_to_and_repaired(house: House, kind: str):
    record = await house.record()
    withheld = await house.next_revision(record, "withheld", state="withheld")
    case = await house.filed(record, kind)
    if kind == "repair":
        await house.with_documents(case, record.subject)
    await house.acted(case, department(), "accept")
    if kind == "objection":
        withheld = await house.next_revision(withheld, "marked", state="withheld", mark="disputed", case=case)
        assert await standing(house, case) == ("accepted", "done", None)
    await house.acted(case, department(), "approve", **({"remedy": "withdraw"} if kind == "objection" else {}))
    change = "repaired" if kind == "repair" else "withdrawn"
    ended = await house.next_revision(withheld, change, case=case)
    assert await standing(house, case) == ("approved", "none", "done")
    await house.acted(case, department(), "revoke", **REVOKED)
    await house.next_revision(ended, "withheld", state="withheld", case=case)
    assert await standing(house, case) == ("revoked", "none", "done")


async def test_a_case_that_is_open_goes_on_when_the_content_of_its_record_is_lost(house: House):
    record = await house.record()
    case = await house.filed(record, "objection")
    await house.acted(case, department(), "accept")
    await house.acted(case, department(), "refuse", reason="属实")
    await house.next_revision(record, "withheld", state="withheld")
    await house.acted(case, person(record.subject), "appeal")
    assert (await standing(house, case))[0] == "appealed"


async def test_what_an_end_had_closed_goes_on_when_the_record_is_withheld_again(house: House):
    record = await house.record()
    withheld = await house.next_revision(record, "withheld", state="withheld")
    objection, repair = await house.filed(record, "objection"), await house.filed(record)
    await house.with_documents(repair, record.subject)
    for action in ("accept", "approve"):
        await house.acted(repair, department(), action)
    ended = await house.next_revision(withheld, "repaired", case=repair)
    assert (await standing(house, objection))[0] == "closed"
    await house.next_revision(ended, "withheld", state="withheld", case=repair)
    assert (await standing(house, objection))[0] == "filed"


@pytest.mark.parametrize("change", ["repaired", "withdrawn"])
async def test_a_case_that_was_lost_comes_back_with_what_it_decided_and_can_be_revoked(house: House, change: str):
    record, case = await house.record(), str(uuid4())
    ended = await house.next_revision(record, change, case=UUID(case), basis="示信修〔2026〕3号")
    shown = (await house.get(f"/v1/cases/{case}", person(record.subject))).json()
    assert (shown["state"], shown["effect"], shown["record"]) == ("approved", "done", str(record.record))
    assert shown["kind"] == ("repair" if change == "repaired" else "objection")
    (step,) = shown["steps"]
    assert (step["action"], step["basis"], step["rev"]) == ("approve", "示信修〔2026〕3号", 2)
    (told,) = await house.told_of(case)
    assert (told["state"], told["effect"]) == ("approved", None), "its revision is here: nothing is made again"
    certificate = orjson.loads((await house.get(f"/v1/cases/{case}/certificate", office())).json()["signed"])
    assert (certificate["change"], certificate["rev"]) == (change, 2)
    await house.acted(case, department(), "revoke", **REVOKED)
    assert (await house.told_of(case))[-1]["effect"] == "reopen"
    await house.next_revision(ended, "reopened", case=UUID(case), reason="reopened")
    assert await standing(house, case) == ("revoked", "none", "done")


async def test_a_case_that_was_lost_with_its_revocation_is_a_revoked_one(house: House):
    record, case = await house.record(), uuid4()
    ended = record.model_copy(
        update={"rev": 2, "revision": uuid4(), "change": "repaired", "state": "repaired", "case": case}
    )
    opened = record.model_copy(
        update={"rev": 3, "revision": uuid4(), "change": "reopened", "case": case, "reason": "reopened"}
    )
    await house.hear(ended, opened)
    assert await standing(house, str(case)) == ("revoked", "none", "done")
    assert [each["effect"] for each in await house.told_of(str(case))] == [None, None]
    refused(await house.act(str(case), department(), "revoke", **REVOKED), 409, "wrong_state")


@pytest.mark.parametrize("state", ["filed", "accepted", "refused"])
async def test_a_case_that_went_back_is_decided_again_by_what_its_record_says(house: House, state: str):
    """Who decided after a refusal decided an appeal, and revokes it."""
    record = await house.record()
    case = await house.filed(record)
    await house.with_documents(case, record.subject)
    for action in {"filed": [], "accepted": ["accept"], "refused": ["accept", "refuse"]}[state]:
        await house.acted(case, department(), action, **({"reason": "属实"} if action == "refuse" else {}))
    await house.next_revision(record, "repaired", case=UUID(case))
    assert await standing(house, case) == ("approved", "none", "done")
    who = office() if state == "refused" else department()
    await house.acted(case, who, "revoke", **REVOKED)


async def test_a_case_that_is_lost_and_discharged_somebody_is_not_made_again(house: House):
    record, case = await house.record(), uuid4()
    await house.next_revision(record, "discharged", about=record.subject, case=case)
    assert (await house.get(f"/v1/cases/{case}", office())).status_code == 404
