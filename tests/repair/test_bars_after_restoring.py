"""Whoever had a repair by false material stays barred although the revocation, or the whole case, was lost."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.rules.calendar import add_months
from tests.repair.conftest import TODAY, House, department
from tests.repair.test_effects import REVOKED, standing
from tests.repair.test_false_material import FALSE, repaired, strict

__all__ = ["strict"]

LEFT: dict[str, dict[str, Any]] = {
    "reopened": {},
    "withdrawn": {"case": None},
    "withheld": {"state": "withheld"},
}
"""What a revocation may leave of the record: its party had withdrawn it before, or what it said is not here."""


async def revoked(house: House, ended: RecordChanged, case: str, left: str, reason: str) -> RecordChanged:
    said = {"case": UUID(case), "reason": reason, "false_material": True}
    return await house.next_revision(ended, left, **(said | LEFT[left]))


@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize("lost", ["nothing", "the revocation", "the case"])
async def test_a_revocation_for_false_material_bars_again_when_it_comes_back(strict: House, lost: str, left: str):
    record = await strict.record()
    other = await strict.record(subject=record.subject)
    if lost == "the case":
        case = str(uuid4())
        ended = await strict.next_revision(record, "repaired", case=UUID(case))
    else:
        case, ended = await repaired(strict, record)
    if lost == "nothing":
        await strict.acted(case, department(), "revoke", **FALSE)
    await revoked(strict, ended, case, left, "false_material")
    answer = await strict.file(other)
    assert (answer.status_code, answer.json().get("code")) == (409, "repair_barred")
    assert await standing(strict, case) == ("revoked", "none", "done")


@pytest.mark.parametrize("left", LEFT)
async def test_what_comes_back_at_once_is_taken_in_its_order(strict: House, left: str):
    record, case = await strict.record(), uuid4()
    other = await strict.record(subject=record.subject)
    ended = record.model_copy(
        update={"rev": 2, "revision": uuid4(), "change": "repaired", "state": "repaired", "case": case}
    )
    said = {"rev": 3, "revision": uuid4(), "change": left, "case": case, "reason": "false_material"}
    state = {"state": "published" if left == "reopened" else left}
    await strict.hear(ended, record.model_copy(update=said | state | LEFT[left]))
    assert await standing(strict, str(case)) == ("revoked", "none", "done")
    answer = await strict.file(other)
    assert (answer.status_code, answer.json().get("code")) == (409, "repair_barred")


@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize("lost", ["nothing", "the revocation", "the case"])
async def test_another_revocation_of_a_record_that_was_once_repaired_by_false_material_bars_nobody(
    strict: House, lost: str, left: str
):
    record = await strict.record()
    other = await strict.record(subject=record.subject)
    case, ended = await repaired(strict, record)
    await strict.acted(case, department(), "revoke", **FALSE)
    opened = await revoked(strict, ended, case, "reopened", "false_material")
    strict.on(add_months(TODAY, 13))
    if lost == "the case":
        second = str(uuid4())
        again = await strict.next_revision(opened, "repaired", case=UUID(second))
    else:
        second, again = await repaired(strict, opened)
    assert again.false_material
    if lost == "nothing":
        await strict.acted(second, department(), "revoke", **REVOKED)
    await revoked(strict, again, second, left, "reopened")
    assert await standing(strict, second) == ("revoked", "none", "done")
    answer = await strict.file(other)
    assert answer.status_code == 201, answer.text


async def test_a_revocation_that_a_version_before_wrote_is_one_and_bars_nobody(strict: House):
    """It gave one reason for all, and its record says of an earlier one perhaps that it was for false material."""
    record = await strict.record()
    case, ended = await repaired(strict, record)
    opened = await revoked(strict, ended, case, "reopened", "reopened")
    assert await standing(strict, case) == ("revoked", "none", "done")
    assert (await strict.file(opened)).status_code == 201


@pytest.mark.parametrize("reason", ["revoked", "error"])
async def test_what_its_party_withdrew_revokes_no_case(strict: House, reason: str):
    record = await strict.record()
    case, ended = await repaired(strict, record)
    await strict.next_revision(ended, "withdrawn", reason=reason)
    assert await standing(strict, case) == ("approved", "none", "done")


async def test_a_revocation_that_was_here_revokes_no_other_case(strict: House):
    record = await strict.record()
    objection = await strict.filed(record, "objection")
    await strict.acted(objection, department(), "accept")
    corrected = await strict.next_revision(record, "corrected")
    await strict.acted(objection, department(), "approve", remedy="corrected")
    case, ended = await repaired(strict, corrected)
    await strict.acted(case, department(), "revoke", **REVOKED)
    await revoked(strict, ended, case, "withdrawn", "reopened")
    assert await standing(strict, case) == ("revoked", "none", "done")
    assert (await standing(strict, objection))[0] == "approved"
