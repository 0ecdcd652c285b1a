"""Whoever had a repair by false material stays barred although the revocation, or the whole case, was lost."""

from uuid import UUID, uuid4

import pytest

from tests.repair.conftest import House, department
from tests.repair.test_false_material import FALSE, repaired, strict

__all__ = ["strict"]


@pytest.mark.parametrize("lost", ["nothing", "the revocation", "the case"])
async def test_a_revocation_for_false_material_bars_again_when_it_comes_back(
    strict: House,
    lost: str,
):
    record = await strict.record()
    other = await strict.record(subject=record.subject)
    if lost == "the case":
        case = str(uuid4())
        ended = await strict.next_revision(record, "repaired", case=UUID(case))
    else:
        case, ended = await repaired(strict, record)
    if lost == "nothing":
        await strict.acted(case, department(), "revoke", **FALSE)
    opened = await strict.next_revision(ended, "reopened", case=UUID(case), false_material=True)
    answers = [await strict.file(each) for each in (opened, other)]
    assert [(each.status_code, each.json().get("code")) for each in answers] == [(409, "repair_barred")] * 2
