"""Publishing on a real database: numbered, once, all or nothing, and known to everybody from the stream."""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
import yaml

from creditmesh.catalogue import folder, operations
from creditmesh.catalogue.errors import AlreadyWithdrawn, CatalogueRefused, NotASandbox, UnknownObject
from creditmesh.catalogue.objects import CatalogueObject
from creditmesh.catalogue.sandbox import invented_uscc
from creditmesh.chassis.errors import Invalid
from creditmesh.schemas.catalogue import Item, Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.rules.numbers import uscc_check
from tests.catalogue.conftest import ALONE
from tests.support.node import TestNode, running
from tests.support.postgres import Postgres
from tests.support.shipped import INVENTED, SHIPPED

ENTRIES = SHIPPED + INVENTED
PENALTY = next(entry.body for entry in ENTRIES if entry.code == "administrative_penalty")


def directory(node: TestNode) -> Directory:
    return node.host.followed


async def load(node: TestNode, path: Path | None = None, **how) -> operations.LoadResult:
    async with node.context("catalogue") as ctx:
        outcome = await operations.load(ctx, path, **how)
    await node.settled()
    return outcome


async def publish(node: TestNode, body, kind: str = "item", **how) -> operations.PublishResult:
    async with node.context("catalogue") as ctx:
        outcome = await operations.publish(ctx, [CatalogueObject(kind, body)], **{"issued_by": "nation", **how})
    await node.settled()
    return outcome


async def withdraw(node: TestNode, code: str = "administrative_penalty", **how):
    async with node.context("catalogue") as ctx:
        row = await operations.withdraw(ctx, "item", code, **{"basis": "the law was repealed", **how})
    await node.settled()
    return row


async def today(node: TestNode):
    async with node.context("catalogue") as ctx:
        return ctx.legal_date


async def test_the_shipped_catalogue_is_published_and_everybody_knows_it(empty: TestNode):
    outcome = await load(empty)
    assert len(outcome.published) == len(ENTRIES)
    assert outcome.unchanged == 0
    day = await today(empty)
    known = {
        (kind, body.code) for kind in folder.SUBFOLDERS.values() for body in directory(empty).objects(kind, on=day)
    }
    assert known == {(entry.kind, entry.code) for entry in ENTRIES}
    assert directory(empty).item("administrative_penalty", on=day) == PENALTY


async def test_published_again_it_changes_nothing_and_emits_nothing(stocked: TestNode):
    number = directory(stocked).number
    outcome = await load(stocked)
    assert (outcome.published, outcome.unchanged) == ((), len(ENTRIES))
    assert directory(stocked).number == number


async def test_what_changed_gets_the_next_number_and_nothing_else_does(stocked: TestNode):
    outcome = await publish(stocked, PENALTY.model_copy(update={"retention_months": 48}))
    assert [(row.code, row.number) for row in outcome.published] == [("administrative_penalty", 2)]
    found = directory(stocked).item("administrative_penalty", on=await today(stocked))
    assert (found.number, found.retention_months) == (2, 48)
    assert directory(stocked).compiled("administrative_penalty", 1, on=await today(stocked)).item.retention_months == 60


async def test_the_shipped_catalogue_does_not_roll_back_what_the_operator_put_right(stocked: TestNode):
    await publish(stocked, PENALTY.model_copy(update={"retention_months": 48}), issued_by="city")
    outcome = await load(stocked)
    assert outcome.published == ()
    assert directory(stocked).item("administrative_penalty", on=await today(stocked)).retention_months == 48


def confirmed(value):
    """A body, or a part of one, with everything in it verified."""
    if isinstance(value, list):
        return [confirmed(each) for each in value]
    if isinstance(value, dict):
        return {name: True if name == "verified" else confirmed(each) for name, each in value.items()}
    return value


def unconfirmed(body: Item) -> int:
    return sum(not basis.verified for basis in body.basis) + sum(not rule.verified for rule in body.severity)


CONFIRMED = Item.model_validate(confirmed(PENALTY.model_dump(mode="json")))


def ships(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str = "items/administrative_penalty", **changed):
    """The next version of the software comes with this object changed."""
    copy = tmp_path / "shipped"
    shutil.copytree(folder.shipped(), copy)
    path = copy / f"{name}.yaml"
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(body | changed, allow_unicode=True), encoding="utf-8")
    monkeypatch.setattr(folder, "shipped", lambda: copy)


@pytest.mark.parametrize("issued_by", ["city", "nation"])
async def test_what_the_operator_confirmed_stays_confirmed_when_the_next_version_is_loaded(
    empty: TestNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, issued_by: str
):
    await load(empty)
    await publish(empty, CONFIRMED, issued_by=issued_by)
    ships(monkeypatch, tmp_path, verified=True)
    assert unconfirmed(PENALTY) > 0
    outcome = await load(empty)
    found = directory(empty).item("administrative_penalty", on=await today(empty))
    assert (found.number, unconfirmed(found)) == (4, 0)
    assert [(row.code, row.number, row.issued_by) for row in outcome.repeated] == [(PENALTY.code, 4, issued_by)]
    assert outcome.gave_way == ()
    assert (await load(empty))[:1] == ((),), "and the same once more changes nothing"


async def test_what_the_city_narrowed_stays_when_the_next_version_of_the_software_is_loaded(
    empty: TestNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    await load(empty)
    await publish(empty, PENALTY.model_copy(update={"retention_months": 48}), issued_by="city")
    ships(monkeypatch, tmp_path, retention_months=54)
    outcome = await load(empty)
    found = directory(empty).item("administrative_penalty", on=await today(empty))
    assert (found.number, found.retention_months) == (4, 48)
    assert ([row.number for row in outcome.repeated], outcome.gave_way) == ([4], ())


async def test_what_gives_way_to_the_next_version_is_named(
    empty: TestNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    await load(empty)
    await publish(empty, CONFIRMED.model_copy(update={"retention_months": 48}), issued_by="city")
    ships(monkeypatch, tmp_path, retention_months=36)
    answer = await empty.operator().post("/v1/admin/catalogue", json={"folder": None})
    told = answer.json()
    named = {"kind": "item", "code": PENALTY.code, "state": "published"}
    assert [named | each for each in told["gave_way"]] == told["gave_way"]
    assert [(each["number"], each["issued_by"]) for each in told["gave_way"]] == [(2, "city")]
    assert [(each["number"], each["issued_by"]) for each in told["objects"]] == [(3, "nation")]
    assert told["repeated"] == []


async def test_a_confirmation_published_as_the_nations_that_gives_way_is_named(
    empty: TestNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    await load(empty)
    await publish(empty, CONFIRMED, issued_by="nation")
    ships(monkeypatch, tmp_path, retention_months=36)
    outcome = await load(empty)
    assert [(row.number, row.issued_by) for row in outcome.gave_way] == [(2, "nation")]


async def test_an_earlier_body_is_published_again_only_when_asked_for(stocked: TestNode):
    await publish(stocked, PENALTY.model_copy(update={"retention_months": 48}))
    assert (await publish(stocked, PENALTY)).unchanged == 1
    assert [row.number for row in (await publish(stocked, PENALTY, again=True)).published] == [3]
    assert (await publish(stocked, PENALTY, again=True)).unchanged == 1


async def test_a_version_for_a_later_day_changes_nothing_before(stocked: TestNode):
    day = await today(stocked)
    later = day + timedelta(days=30)
    await publish(stocked, PENALTY.model_copy(update={"retention_months": 48}), effective=later)
    numbers = [directory(stocked).item("administrative_penalty", on=on).number for on in (day, later)]
    assert numbers == [1, 2]


async def test_one_refused_object_keeps_all_of_them_out(empty: TestNode):
    broken = PENALTY.model_copy(update={"basis": ()})
    entries = [*(e for e in ENTRIES if e.code != PENALTY.code), CatalogueObject("item", broken)]
    with pytest.raises(CatalogueRefused) as refusal:
        async with empty.context("catalogue") as ctx:
            await operations.publish(ctx, entries, issued_by="nation")
    assert [error.pointer for error in refusal.value.errors] == ["/item/administrative_penalty/basis"]
    await empty.settled()
    assert directory(empty).number == 0
    async with empty.database.session() as session:
        assert await session.fetchval("select count(*) from catalogue.publication") == 0


async def test_what_the_city_narrowed_is_still_measured_by_what_the_nation_issued(stocked: TestNode):
    for months in (48, 54):
        await publish(stocked, PENALTY.model_copy(update={"retention_months": months}), issued_by="city")
    with pytest.raises(CatalogueRefused) as refusal:
        await publish(stocked, PENALTY.model_copy(update={"retention_months": 72}), issued_by="city")
    assert [error.code for error in refusal.value.errors] == ["widens"]


async def test_two_who_publish_at_once_take_turns(stocked: TestNode):
    bodies = [PENALTY.model_copy(update={"retention_months": months}) for months in range(10, 30)]
    outcomes = await asyncio.gather(*(publish(stocked, body) for body in bodies[:4]))
    assert sorted(row.number for outcome in outcomes for row in outcome.published) == [2, 3, 4, 5]
    numbers = [version.number for version in directory(stocked).versions("item", "administrative_penalty")]
    assert numbers == [1, 2, 3, 4, 5]


async def test_a_folder_of_the_operators_is_the_citys_unless_it_says_otherwise(stocked: TestNode, tmp_path: Path):
    mine = tmp_path / "mine"
    shutil.copytree(folder.shipped() / "items", mine / "items")
    path = mine / "items" / "taxpayer_rating_a.yaml"
    body = yaml.safe_load(path.read_text(encoding="utf-8"))
    body["display"]["months"] = 24
    path.write_text(yaml.safe_dump(body, allow_unicode=True), encoding="utf-8")
    with pytest.raises(CatalogueRefused):
        await load(stocked, mine)
    outcome = await load(stocked, mine, issued_by="nation", basis="as amended in 2026")
    assert [(row.code, row.basis) for row in outcome.published] == [("taxpayer_rating_a", "as amended in 2026")]
    assert outcome.unchanged == len(list((mine / "items").iterdir())) - 1


async def test_a_withdrawn_item_is_withdrawn_for_everybody_from_the_day_on(stocked: TestNode):
    day = await today(stocked)
    row = await withdraw(stocked, effective=day + timedelta(days=3))
    assert (row.number, row.state) == (2, "withdrawn")
    assert directory(stocked).withdrawn(day + timedelta(days=2)) == frozenset()
    assert directory(stocked).withdrawn(day + timedelta(days=3)) == {"administrative_penalty"}
    assert directory(stocked).item("administrative_penalty", on=day) is not None
    assert directory(stocked).item("administrative_penalty", on=day + timedelta(days=3)) is None


async def test_withdrawn_again_it_stays_as_it_is(stocked: TestNode):
    first = await withdraw(stocked)
    number = directory(stocked).number
    assert await withdraw(stocked) == first
    assert await withdraw(stocked, effective=first.effective) == first
    with pytest.raises(AlreadyWithdrawn):
        await withdraw(stocked, effective=first.effective + timedelta(days=1))
    assert directory(stocked).number == number


async def test_a_withdrawn_item_does_not_come_back_with_the_next_start(stocked: TestNode):
    await withdraw(stocked)
    assert (await load(stocked)).published == ()
    await load(stocked, again=True)
    assert directory(stocked).item("administrative_penalty", on=await today(stocked)) is None, "nor with --again"
    outcome = await load(stocked, replace=["item/administrative_penalty"])
    assert [row.code for row in (*outcome.published, *outcome.repeated)] == ["administrative_penalty"]
    assert directory(stocked).item("administrative_penalty", on=await today(stocked)) is not None


@pytest.mark.parametrize("days", [0, 5])
async def test_another_body_does_not_bring_a_withdrawn_item_back_either(stocked: TestNode, days: int):
    day = await today(stocked) + timedelta(days=days)
    await withdraw(stocked, effective=day)
    amended = PENALTY.model_copy(update={"update_frequency": "每月"})
    assert await publish(stocked, amended) == ((), 1)
    assert directory(stocked).withdrawn(day) == {"administrative_penalty"}
    await publish(stocked, amended, again=True)
    assert directory(stocked).withdrawn(day) == frozenset()


async def test_nothing_is_withdrawn_in_the_past_and_nothing_unknown(stocked: TestNode):
    with pytest.raises(Invalid):
        await withdraw(stocked, effective=await today(stocked) - timedelta(days=1))
    with pytest.raises(UnknownObject):
        await withdraw(stocked, "nowhere")


async def test_the_legal_date_moves_and_is_set_back(empty: TestNode):
    before = await today(empty)
    await empty.move_clock(365)
    assert await today(empty) == before + timedelta(days=365)
    await empty.move_clock(0)
    assert await today(empty) == before


async def test_only_a_sandbox_has_invented_parties_and_moves_its_date(postgres: Postgres, tmp_path: Path):
    async with running(postgres, tmp_path, declaration=ALONE, catalogue=False, sandbox=False) as real:
        outcome = await load(real)
        assert {row.kind for row in outcome.published} == set(folder.SUBFOLDERS.values()) - {"party"}
        with pytest.raises(CatalogueRefused):
            await publish(real, next(e.body for e in ENTRIES if isinstance(e.body, Party)), "party")
        with pytest.raises(NotASandbox):
            async with real.context("catalogue") as ctx:
                await operations.move_clock(ctx, 1)


async def test_a_real_node_publishes_its_own_row_under_a_real_code_and_is_told_of_an_invented_one(
    postgres: Postgres, tmp_path: Path
):
    said = {"name": "Credit Platform", "name_zh": "某市公共信用信息平台"}
    async with running(postgres, tmp_path, declaration=ALONE, catalogue=False, sandbox=False) as real:
        refused = await real.operator().post("/v1/admin/peers/own", json={**said, "uscc": invented_uscc("city")})
        assert refused.status_code == 422
        (error,) = refused.json()["errors"]
        assert (error["pointer"], error["code"]) == ("/uscc", "invented")
        assert "CREDITMESH_SANDBOX=true" in error["detail"]
        assert "CREDITMESH_SANDBOX=true" in error["detail_zh"]
        code = "12" + "0" * 15
        answer = await real.operator().post("/v1/admin/peers/own", json={**said, "uscc": code + uscc_check(code)})
        assert answer.status_code == 200, answer.text
        own = (await real.operator().get("/v1/admin/peers")).json()["own"]
    assert (own["code"], own["kind"], own["name_zh"], own["place"]) == ("city", "node", said["name_zh"], None)
    assert {key["use"] for key in own["keys"]} == {"node", "feed"}


async def test_the_shipped_catalogue_leaves_the_own_row_as_its_operator_gave_it(empty: TestNode):
    given = {"name": "Ours", "name_zh": "本市平台", "uscc": invented_uscc("another")}
    assert (await empty.operator().post("/v1/admin/peers/own", json=given)).status_code == 200
    await load(empty)
    own = (await empty.operator().get("/v1/admin/peers")).json()["own"]
    assert {name: own[name] for name in given} == given


@pytest.mark.parametrize(
    "statement", ["update catalogue.publication set state = state", "delete from catalogue.publication"]
)
async def test_the_service_cannot_change_what_it_published(empty: TestNode, statement: str):
    async with empty.database.session("catalogue") as session:
        assert await session.fetchval("select count(*) from catalogue.publication") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute(statement)


def test_the_shipped_penalty_is_an_item():
    assert isinstance(PENALTY, Item)


def test_in_a_folder_a_field_that_is_not_known_is_a_mistake_however_deep(tmp_path: Path):
    shutil.copytree(folder.shipped() / "items", tmp_path / "items")
    file = tmp_path / "items" / "administrative_penalty.yaml"
    text = file.read_text(encoding="utf-8")
    for altered in (text + "\nadded_later: 1\n", text.replace("roles:\n", "roles:\n  added_later: x\n", 1)):
        assert altered != text
        file.write_text(altered, encoding="utf-8")
        with pytest.raises(folder.UnreadableFolder) as refused:
            folder.read(tmp_path)
        assert [error.pointer.rpartition("/")[2] for error in refused.value.errors] == ["added_later"]
