"""Who had a repair by false material: the revocation says so, and no other repair is taken of them for a time."""

from datetime import date
from uuid import UUID

import pytest

from creditmesh.schemas.catalogue.item import FalseMaterial
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.rules.calendar import add_months
from tests.repair.conftest import TODAY, House, department, office, person
from tests.repair.refusing import refused
from tests.repair.samples import REPAIRABLE, a_catalogue, an_item, tell
from tests.repair.test_effects import REVOKED

FALSE = REVOKED | {"false_material": True}


@pytest.fixture
def strict(house: House) -> House:
    """Under an item that bars a repair for a year."""
    follows = FalseMaterial(display_months=36, barred_months=12)
    item = an_item("penalty").model_copy(
        update={"repair": REPAIRABLE.model_copy(update={"false_material": follows}), "tier": "nation"}
    )
    directory = a_catalogue()
    tell(directory, "item", item)
    house.follow(directory)
    return house


async def repaired(house: House, record: RecordChanged) -> tuple[str, RecordChanged]:
    case = await house.filed(record)
    await house.with_documents(case, record.subject)
    for action in ("accept", "approve"):
        await house.acted(case, department(), action)
    return case, await house.next_revision(record, "repaired", case=UUID(case))


async def test_no_repair_is_taken_of_whoever_had_one_by_false_material_until_the_rule_is_over(strict: House):
    record = await strict.record()
    other, older = await strict.record(subject=record.subject), await strict.record(subject=record.subject)
    under_way = await strict.filed(older)
    await strict.with_documents(under_way, record.subject)
    await strict.acted(under_way, department(), "accept")
    case, ended = await repaired(strict, record)
    await strict.acted(case, department(), "revoke", **FALSE)
    assert (await strict.told_of(case))[-1]["false_material"] is True
    opened = await strict.next_revision(
        ended, "reopened", case=UUID(case), false_material=True, reason="false_material"
    )
    for each in (opened, other):
        answer = await strict.file(each)
        refused(answer, 409, "repair_barred")
        assert add_months(TODAY, 12).isoformat() in answer.json()["detail"]
    refused(await strict.act(under_way, department(), "approve"), 409, "repair_barred")
    assert (await strict.file(other, "objection")).status_code == 201
    assert (await strict.file(await strict.record())).status_code == 201, "nobody else is barred"
    strict.on(date.fromordinal(add_months(TODAY, 12).toordinal() - 1))
    refused(await strict.file(opened), 409, "repair_barred")
    strict.on(add_months(TODAY, 12))
    assert (await strict.file(opened)).status_code == 201
    shown = (await strict.get(f"/v1/cases/{case}", person(record.subject))).json()
    assert shown["false_material_on"] == TODAY.isoformat()


async def test_a_revocation_for_another_reason_bars_nobody(strict: House):
    record = await strict.record()
    case, ended = await repaired(strict, record)
    await strict.acted(case, department(), "revoke", **REVOKED)
    opened = await strict.next_revision(ended, "reopened", case=UUID(case), reason="reopened")
    assert (await strict.told_of(case))[-1]["false_material"] is False
    assert (await strict.file(opened)).status_code == 201


async def test_only_the_revocation_of_a_repair_speaks_of_false_material(strict: House):
    record = await strict.record()
    case = await strict.filed(record, "objection")
    await strict.acted(case, department(), "accept")
    answer = await strict.act(case, department(), "refuse", reason="属实", false_material=True)
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, ["/false_material"])
    await strict.acted(case, department(), "refuse", reason="属实")
    await strict.acted(case, person(record.subject), "appeal")
    await strict.acted(case, office(), "approve", remedy="withdraw")
    await strict.next_revision(record, "withdrawn", case=UUID(case))
    answer = await strict.act(case, office(), "revoke", **FALSE)
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, ["/false_material"])
