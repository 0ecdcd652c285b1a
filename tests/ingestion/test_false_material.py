"""A record whose repair was obtained by false material is shown for as long as the item's rule says, here and above."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.catalogue.item import FalseMaterial
from tests.ingestion.conftest import OFFICER, Catalogue, House, child
from tests.ingestion.entries import new_record
from tests.ingestion.rows import items, penalty
from tests.ingestion.test_cases import made, step
from tests.ingestion.test_copies import codes, opened_feed
from tests.ingestion.test_records import correct, withdraw

YEAR, LONGEST = date(2027, 5, 11), date(2029, 5, 11)


def an_item(**follows: Any) -> Item:
    shipped = items()["administrative_penalty"]
    rule = FalseMaterial(display_months=36, barred_months=36, **follows)
    return shipped.model_copy(update={"repair": shipped.repair.model_copy(update={"false_material": rule})})


def follow(house: House, item: Item, patched: pytest.MonkeyPatch) -> None:
    """A catalogue that has always had the item so."""
    directory = Catalogue()
    directory._histories["item"][item.code].clear()
    directory.tell("item", item)
    patched.setattr(house, "equipment", replace(house.equipment, followed=directory))


@pytest.fixture
def strict(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Under a rule that somebody has confirmed."""
    follow(house, an_item(), monkeypatch)
    return house


async def opened_again(house: House, row: dict[str, str], *, false_material: bool = True) -> str:
    """A record that was repaired, and opened again since the repair was obtained by false material."""
    record, subject = await made(house, row)
    ended = step(record, subject, "repair")
    said = {"effect": "reopen", "state": "revoked", "false_material": false_material}
    await house.deliver(ended, ended.model_copy(update=said))
    return str(record)


async def ends(house: House, record: str) -> list[tuple[str, date | None, bool]]:
    return [(each.change, each.display_until, each.false_material) for each in await house.events(record)]


async def test_it_is_shown_for_the_longest_period_whatever_becomes_of_it(strict: House):
    row = penalty(strict.number(), CF_GSJZQ="2027-01-01")
    record = await opened_again(strict, row)
    assert (await ends(strict, record))[2:] == [("reopened", LONGEST, True)]
    assert (await strict.submit(row | {"BZ": "更正"})).json()["verdict"] == "corrected"
    await withdraw(strict, record, rev=4)
    answer = await correct(
        strict, record, row | {"BZ": "恢复"}, rev=5, caller=OFFICER, reason="reopened", basis="示市监恢〔2026〕1号"
    )
    assert answer.status_code == 201
    assert (await ends(strict, record))[3:] == [
        ("corrected", LONGEST, True), ("withdrawn", LONGEST, True), ("reopened", LONGEST, True),
    ]  # fmt: skip
    async with strict.client() as client:
        shown = (await client.get(f"/v1/records/{record}")).json()
    assert (shown["false_material"], shown["display_until"]) == (True, LONGEST.isoformat())


async def test_a_record_that_is_opened_again_otherwise_ends_as_it_did(strict: House):
    record = await opened_again(strict, penalty(strict.number()), false_material=False)
    assert (await ends(strict, record))[2:] == [("reopened", YEAR, False)]


async def test_a_rule_that_is_not_verified_lengthens_nothing_outside_a_sandbox(house: House):
    record = await opened_again(house, penalty(house.number()))
    assert (await ends(house, record))[2:] == [("reopened", YEAR, True)]


@pytest.mark.parametrize("confirmed", [True, False])
async def test_a_node_above_takes_the_longer_period_of_such_a_record_as_far_as_its_own_rule_goes_and_of_no_other(
    province: House, monkeypatch: pytest.MonkeyPatch, *, confirmed: bool
):
    follow(province, an_item(verified=confirmed), monkeypatch)
    province.equipment.followed.tell("party", child("city", 900_001, sends_for=("city",)), number=2)  # type: ignore[attr-defined]
    feed = await opened_feed(province)
    records = [new_record(), new_record()]
    for record, false_material in zip(records, (True, False), strict=True):
        row = penalty(province.number())
        more = {"display_until": LONGEST, "severity": "general", "false_material": false_material}
        assert await codes(province, feed.entry(row, record=record, display_until=YEAR, severity="general")) == []
        assert await codes(province, feed.entry_of(None, record, 2, "repaired")) == []
        again = feed.entry(row, record=record, rev=3, change="reopened", **more)
        assert await codes(province, again) == ([] if false_material else ["period_too_long"])
    assert await ends(province, str(records[0])) == [
        ("accepted", YEAR, False), ("repaired", YEAR, False), ("reopened", LONGEST if confirmed else YEAR, True),
    ]  # fmt: skip
    assert [each.state for each in await province.events(records[1])] == ["published", "repaired"]
