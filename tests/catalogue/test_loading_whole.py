"""How much of the shipped catalogue a node takes, and the rules of a place over it."""

from datetime import date
from pathlib import Path

import pytest

from creditmesh.catalogue import folder
from creditmesh.chassis.errors import Invalid
from creditmesh.schemas.catalogue import Procedure
from tests.catalogue.conftest import ALONE
from tests.catalogue.test_publishing import directory, load, publish, today
from tests.support.demands import whole
from tests.support.node import TestNode, running
from tests.support.postgres import Postgres
from tests.support.shipped import SHIPPED


async def known(node: TestNode) -> set[tuple[str, str]]:
    day = await today(node)
    kinds = set(folder.SUBFOLDERS.values()) - {"party"}
    return {(kind, body.code) for kind in kinds for body in directory(node).objects(kind, on=day)}


async def test_a_sandbox_takes_what_its_story_needs_and_the_rest_when_it_is_asked_for(stocked: TestNode):
    assert await known(stocked) == {(entry.kind, entry.code) for entry in SHIPPED}
    answer = await stocked.operator().post("/v1/admin/catalogue", json={"whole": True})
    assert answer.status_code == 200, answer.text
    await stocked.settled()
    assert answer.json()["published"] == len(whole()) - len(SHIPPED)
    assert await known(stocked) == {(entry.kind, entry.code) for entry in whole()}
    assert (await load(stocked, whole=True)).published == ()
    assert (await load(stocked)).published == (), "less of it takes nothing away"


async def test_a_real_node_takes_nothing_that_would_act_before_somebody_confirmed_it(
    postgres: Postgres, tmp_path: Path
):
    async with running(postgres, tmp_path, declaration=ALONE, catalogue=False, sandbox=False) as real:
        assert len((await load(real)).published) == len(SHIPPED)
        for dry_run in (False, True):
            with pytest.raises(Invalid) as refused:
                await load(real, whole=True, dry_run=dry_run)
            assert [(each.pointer, each.code) for each in refused.value.errors] == [("/whole", "sandbox_only")]
        assert await known(real) == {(entry.kind, entry.code) for entry in SHIPPED}
        assert acting(real, await today(real)) == {
            ("item", "administrative_licence"),
            ("item", "administrative_penalty"),
            ("item", "judgment_defaulter"),
            ("list", "judgment_defaulters"),
            ("matter", "consumption_restriction"),
            ("measure", "high_consumption_restriction"),
        }


async def test_of_the_rest_acts_on_a_real_node_what_somebody_confirmed_and_nothing_else(
    postgres: Postgres, tmp_path: Path
):
    async with running(postgres, tmp_path, declaration=ALONE, sandbox=False) as real:
        before, day = acting(real, await today(real)), await today(real)
        shipped = {(entry.kind, entry.code): entry.body for entry in whole()}
        for kind in ("list", "item"):
            body = shipped[kind, "severe_tax"]
            basis = tuple(each.model_copy(update={"verified": True}) for each in body.basis)
            confirmed = {"basis": basis} | ({"verified": True} if kind == "list" else {})
            await publish(real, body.model_copy(update=confirmed), kind)
        assert acting(real, day) - before == {("list", "severe_tax"), ("item", "severe_tax")}


def acting(node: TestNode, day: date) -> set[tuple[str, str]]:
    """What does anything on that day."""
    known = directory(node)
    found = {(kind, body.code) for kind in ("list", "measure", "matter") for body in known.objects(kind, on=day)
             if known.acts(body, on=day)}  # fmt: skip
    items = {body.code for body in known.objects("item", on=day)} - known.inert(on=day)
    return found | {("item", code) for code in items}


async def test_the_rules_of_a_place_are_laid_over_it_as_the_nodes_own(stocked: TestNode):
    answer = await stocked.operator().post("/v1/admin/catalogue", json={"place": "shenzhen"})
    assert answer.status_code == 200, answer.text
    await stocked.settled()
    assert {(row["code"], row["issued_by"]) for row in answer.json()["objects"]} == {
        ("objection", "city"),
        ("repair", "city"),
    }
    repair = directory(stocked).procedure("repair", on=await today(stocked))
    assert isinstance(repair, Procedure)
    assert (repair.accept_working_days, repair.decide_working_days, repair.whole_working_days) == (1, 3, 10)
    assert {each.basis[0].level for each in directory(stocked).objects("procedure", on=await today(stocked))} == {
        "city"
    }
    assert (await load(stocked)).published == (), "and the shipped one does not roll it back"


@pytest.mark.parametrize(
    ("body", "code"),
    [({"place": "nowhere"}, "unreadable_folder"), ({"place": "shenzhen", "folder": "/etc"}, "invalid")],
)
async def test_a_place_that_is_none_is_told_so_and_nothing_is_published(shelf: TestNode, body: dict, code: str):
    number = directory(shelf).number
    answer = await shelf.operator().post("/v1/admin/catalogue", json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] == code
    if code == "unreadable_folder":
        assert "shenzhen" in answer.json()["detail"]
        assert "shenzhen" in answer.json()["detail_zh"]
    else:
        (error,) = answer.json()["errors"]
        assert error["code"] == "folder_or_place"
        assert "place" in error["detail_zh"]
    assert directory(shelf).number == number


def test_a_place_is_found_by_its_name_alone():
    assert folder.of_place("shenzhen").is_dir()
    for name in ("..", "../items", ""):
        with pytest.raises(folder.UnreadableFolder):
            folder.of_place(name)
