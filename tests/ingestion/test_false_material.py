"""A record whose repair was obtained by false material is shown for as long as the item's rule says, here and above."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.catalogue.item import FalseMaterial
from tests.ingestion.conftest import OFFICER, Catalogue, House, child
from tests.ingestion.entries import Feed, new_record
from tests.ingestion.rows import items, penalty
from tests.ingestion.test_cases import lost, made, step
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


@pytest.mark.parametrize("false_material", [True, False])
@pytest.mark.parametrize("left", ["reopened", "withdrawn", "withheld"])
async def test_a_revocation_says_itself_why_whatever_it_leaves_of_the_record(
    strict: House, left: str, *, false_material: bool
):
    if left == "withheld":
        record, subject, _, _ = await lost(strict)
    else:
        record, subject = await made(strict, penalty(strict.number()))
    if left == "withdrawn":
        await withdraw(strict, str(record))
    ended = step(record, subject, "repair")
    said = {"effect": "reopen", "state": "revoked", "false_material": false_material}
    await strict.deliver(ended, ended.model_copy(update=said))
    newest = (await strict.events(record))[-1]
    assert (newest.change, newest.reason) == (left, "false_material" if false_material else "reopened")


async def test_a_later_revocation_for_another_reason_says_so_of_itself(strict: House):
    record = UUID(await opened_again(strict, penalty(strict.number())))
    subject = (await strict.events(record))[0].subject
    ended = step(record, subject, "repair")
    await strict.deliver(ended, ended.model_copy(update={"effect": "reopen", "state": "revoked"}))
    newest = (await strict.events(record))[-1]
    assert (newest.rev, newest.false_material, newest.reason) == (5, True, "reopened")


@pytest.mark.parametrize("left", ["withdrawn", "withheld"])
async def test_a_revocation_without_content_comes_back_with_what_it_said(strict: House, left: str):
    row, case = penalty(strict.number(), CF_GSJZQ="2027-01-01"), new_record()
    record, _ = await made(strict, row)
    own = Feed(strict, peer="city")
    repaired = {"case": case, "sealed": None}
    revoked: dict[str, Any] = {"reason": "false_material", "false_material": True, "display_until": LONGEST}
    revoked |= {"state": left, "case": case if left == "withheld" else None, "sealed": None}
    await strict.deliver(
        own.entry(row, record=record, rev=2, change="repaired", **repaired),
        own.entry(row, record=record, rev=3, change=left, **revoked),
    )
    newest = (await strict.events(record))[-1]
    assert (newest.rev, newest.change, newest.state) == (3, left, left)
    assert (newest.reason, newest.case) == ("false_material", revoked["case"])
    assert (newest.false_material, newest.display_until) == (True, LONGEST)


async def test_a_peers_end_lengthens_no_record(province: House, monkeypatch: pytest.MonkeyPatch):
    follow(province, an_item(), monkeypatch)
    province.equipment.followed.tell("party", child("city", 900_001, sends_for=("city",)), number=2)  # type: ignore[attr-defined]
    feed, record, row = await opened_feed(province), new_record(), penalty(province.number())
    await province.deliver(feed.entry(row, record=record))
    said = {"false_material": True, "display_until": LONGEST}
    assert await codes(province, feed.entry(row, record=record, rev=2, change="marked", **said)) == []
    first, newest = await province.events(record)
    assert (newest.change, newest.false_material) == ("marked", False)
    assert newest.display_until == first.display_until
