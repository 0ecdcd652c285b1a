"""An item is taken out of the catalogue for a later day: from that day on no route serves anything of it."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from tests.support.cast import BY_MATTER, ITEM, Cast, asked, assembled, authorisation, penalty, resident, uscc
from tests.support.node import TestNode, running
from tests.support.postgres import Postgres

DAYS = 10


@pytest.fixture(scope="module")
async def city(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    async with running(postgres, tmp_path_factory.mktemp("withdrawn")) as made:
        yield made


async def served(cast: Cast) -> dict[str, Any]:
    """What each route says of the item today, told so that two days can be compared."""
    department = (await cast.door("asker").post("/v1/queries", json=asked(**BY_MATTER))).json()
    ground = {"purpose": "credit_assessment", "authorisation": cast.ids["authorisation"], "officer": "B-3"}
    bureau = (await cast.door("bureau").post("/v1/queries", json=asked(**ground))).json()
    me, public, owner = cast.door("person"), cast.door(), cast.door("owner")
    answers = {"department": department, "bureau": bureau, "listed": (await public.get("/v1/public/lists")).json()}
    record, review = cast.ids["record"], cast.ids["review"]
    told = {
        "department": [each["record"] for each in department["released"]],
        "department is told": [each["code"] for each in department["withheld"] if each["item"] == ITEM],
        "bureau": [each["record"] for each in bureau["released"]],
        "bureau is told": [each["code"] for each in bureau["withheld"]],
        "file": [each["record"] for each in (await me.get("/v1/me/file")).json()["records"]],
        "export": [each["record"] for each in (await me.get("/v1/me/export")).json()["records"]],
        "searched": [
            each["record"]
            for each in (await public.post("/v1/public/searches", json={"code": uscc(1)})).json()["items"]
        ],
        "public": (await public.get("/v1/public/records", params={"item": ITEM})).status_code,
        "open": ITEM in answers["listed"]["items"],
        "in the directory": (await public.get(f"/v1/catalogue/items/{ITEM}")).status_code,
        "own record": bool((await owner.get(f"/v1/records/{record}")).json()["fields"]),
        "own history": [
            bool(each["fields"]) for each in (await owner.get(f"/v1/records/{record}/revisions")).json()
        ],
        "held row": bool((await cast.door("officer").get(f"/v1/reviews/{review}")).json()["fields"]),
    }  # fmt: skip
    for answer in (department, bureau):
        assert date.fromisoformat(answer["use_until"]) > cast.today
    cast.ids["use until"] = min(department["use_until"], bureau["use_until"])
    return told


async def test_from_the_day_on_nothing_of_the_item_is_served_by_any_route_and_before_it_everything_is(city: TestNode):
    cast = await assembled(city)
    accepted = await cast.submit(penalty("示市监罚〔2026〕1号", today=cast.today))
    body: dict[str, str | None] = {"CF_XDR_LB": "法人及非法人组织", "CF_XDR_ZJLX": None, "CF_XDR_ZJHM": None}
    body |= {"CF_XDR_SHXYM": uscc(1), "CF_XDR_MC": "示例有限公司", "CF_FRDB": "样乙"}
    await cast.submit(penalty("示市监罚〔2026〕2号", today=cast.today, **body))
    held = await cast.submit(penalty("示市监罚〔2026〕3号", today=cast.today, CF_NR_FK="2000"))
    cast.ids |= {"record": accepted.json()["record"], "review": held.json()["review"]}
    given = await cast.door("person").post("/v1/me/authorisations", json=authorisation(cast) | {"max_uses": 50})
    cast.ids["authorisation"] = given.json()["id"]
    await city.settled()

    everything = await served(cast)
    record = cast.ids["record"]
    for place in ("department", "bureau", "file", "export"):
        assert everything[place] == [record], place
    assert (everything["public"], everything["in the directory"], len(everything["searched"])) == (200, 200, 1)
    assert everything["own history"] == [True]
    assert everything["own record"]
    assert everything["held row"]
    assert everything["open"]

    day = cast.today + timedelta(days=DAYS)
    withdrawal = {"basis": "所依据的规定已废止", "effective": day.isoformat()}
    withdrawn = await cast.door("office").post(f"/v1/catalogue/items/{ITEM}/withdraw", json=withdrawal)
    assert withdrawn.status_code == 200, withdrawn.text
    await city.settled()
    assert await served(cast) == everything, "announced, and nothing has changed yet"
    assert date.fromisoformat(cast.ids["use until"]) <= day, "nothing may be used beyond that day"

    await city.move_clock(DAYS - 1)
    assert await served(cast) == everything, "the day before"
    for days in (DAYS, DAYS + 15):
        await city.move_clock(days)
        assert await served(cast) == {
            "department": [], "department is told": ["item_withdrawn"],
            "bureau": [], "bureau is told": ["nothing_released"],
            "file": [], "export": [], "searched": [], "public": 404, "open": False, "in the directory": 404,
            "own record": False, "own history": [False], "held row": False,
        }, days  # fmt: skip
        refused = await cast.submit(penalty("示市监罚〔2026〕4号", today=cast.today, CF_XDR_ZJHM=resident(5)))
        assert (refused.status_code, refused.json()["code"]) == (404, "unknown_item")
        released = await cast.door("officer").post(
            f"/v1/reviews/{cast.ids['review']}/decision", json={"decision": "release"}
        )
        assert (released.status_code, released.json()["code"]) == (404, "unknown_item")
    await city.move_clock(0)
    assert await served(cast) == everything, "no job has touched a record"
