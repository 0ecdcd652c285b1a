"""What the catalogue of one tier says holds at the others: items of a city's own, items withdrawn, periods that end."""

from typing import Any

import pytest

from tests.journeys.mesh import (
    GONE,
    OTHERS,
    SHOWN,
    UPWARDS,
    Mesh,
    accepted,
    an_item,
    done,
    enterprise,
    looks,
    organisation,
    with_a_listing_penalty,
)
from tests.support.cast import BY_MATTER, uscc

OWN, LISTING = "city_supplement", "listing_penalty"


async def refusals(mesh: Mesh, item: str) -> dict[tuple[str, str], int]:
    """What holders refused of the department's records, as it finds it on its quality board."""
    board = done(await mesh.city.door("owner").get("/v1/quality", params={"item": item}))
    return {(each["holder"], each["code"]): each["count"] for line in board["items"] for each in line["refused_by"]}


async def entries(mesh: Mesh, node: str, record: str) -> list[tuple[int, str]]:
    """What a node's feed upwards has of the record, in order."""
    async with mesh.chain[node].database.session() as session:
        rows = await session.fetch(
            "select rev, change from exchange.feed_entry where feed = 'up' and record = $1::text::uuid order by index",
            record,
        )
    return [(row["rev"], row["change"]) for row in rows]


async def test_an_item_of_the_citys_own_stays_there_until_the_keeper_of_the_tier_above_publishes_it(mesh: Mesh):
    city = mesh.city
    await mesh.publish("city", "item", an_item(OWN, "city"))
    row = enterprise(city, "示市监罚〔2026〕301号", 301)
    record = await accepted(city, row, item=OWN)
    await mesh.settled()
    assert await entries(mesh, "city", record) == []
    assert (await mesh.revisions(record))["province"] == []

    await mesh.publish("province", "item", an_item(OWN, "province"))
    assert (await mesh.revisions(record))["province"] == [], "what stayed at home does not go up by itself"
    correction = {"fields": row | {"CF_WFXW": "其他"}, "reason": "error"}
    done(
        await city.door("owner").post(f"/v1/records/{record}/corrections", json=correction, headers={"If-Match": '"1"'})
    )
    await mesh.settled()
    assert await entries(mesh, "city", record) == [(2, "corrected")]
    (held,) = (await mesh.revisions(record))["province"]
    assert (held["rev"], held["change"], held["origin"]) == (2, "corrected", "city")
    assert await _searched(mesh, "province", 301) == {record}
    assert await entries(mesh, "province", record) == [], "an item goes no higher than the tier that issued it"
    assert (await mesh.revisions(record))["nation"] == []
    assert await refusals(mesh, OWN) == {}


async def _searched(mesh: Mesh, code: str, order: int) -> set[str]:
    found = done(await mesh[code].door().post("/v1/public/searches", json={"code": uscc(order)}))
    return {each["record"] for each in found["items"]}


@pytest.fixture(scope="module")
async def listed(mesh: Mesh) -> tuple[int, str]:
    """An organisation and a record of it that every way of looking shows at every tier above the city too."""
    await with_a_listing_penalty(mesh, LISTING)
    order = 310
    record = await accepted(mesh.city, enterprise(mesh.city, "示市监罚〔2026〕310号", order), item=LISTING)
    await mesh.person("subject", uscc(order), kind="organisation", document="uscc")
    await mesh.settled()
    return order, record


async def seen(mesh: Mesh, of: tuple[int, str]) -> dict[str, Any]:
    order, record = of
    return {code: await looks(mesh[code], order, record) for code in UPWARDS}


async def test_what_has_ended_by_the_legal_date_is_shown_nowhere(mesh: Mesh, listed: tuple[int, str]):
    assert await seen(mesh, listed) == dict.fromkeys(UPWARDS, SHOWN)
    until = {str(rows[0]["display_until"]) for code, rows in (await mesh.revisions(listed[1])).items() if rows}
    assert len(until) == 1, "the period is the origin's, computed once"
    try:
        await mesh.move_clock(400)
        assert await seen(mesh, listed) == dict.fromkeys(UPWARDS, GONE)
    finally:
        await mesh.move_clock(0)
    assert await seen(mesh, listed) == dict.fromkeys(UPWARDS, SHOWN), "no job has touched a record"


async def test_a_period_that_the_nation_shortens_ends_what_is_stored_at_every_tier(mesh: Mesh, listed: tuple[int, str]):
    body = an_item(LISTING, "nation", designates="judgment_defaulters")
    assert await seen(mesh, listed) == dict.fromkeys(UPWARDS, SHOWN)
    shorter = body["display"] | {"general_months": 4, "serious_months": 4, "minor_months": 4}
    try:
        await mesh.publish("nation", "item", body | {"display": shorter})
        assert await seen(mesh, listed) == dict.fromkeys(UPWARDS, GONE)
    finally:
        longer = body["display"] | {"general_months": 60, "serious_months": 60, "minor_months": 60}
        await mesh.publish("nation", "item", body | {"display": longer})
    assert await seen(mesh, listed) == dict.fromkeys(UPWARDS, SHOWN), "the stored end is what it was"


async def test_an_item_withdrawn_at_the_nation_is_shown_at_no_tier(mesh: Mesh, listed: tuple[int, str]):
    assert await seen(mesh, listed) == dict.fromkeys(UPWARDS, SHOWN)
    await mesh.withdraw("nation", LISTING)
    assert await seen(mesh, listed) == dict.fromkeys(UPWARDS, GONE)
    for code in (*UPWARDS, *OTHERS):
        assert (await mesh[code].door().get(f"/v1/catalogue/items/{LISTING}")).status_code == 404, code
    refused = await mesh.city.submit(enterprise(mesh.city, "示市监罚〔2026〕311号", 311), item=LISTING)
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_item")
    asked = {"subject": organisation(listed[0]), "items": [LISTING], **BY_MATTER}
    for code in UPWARDS:
        answer = done(await mesh[code].door("asker").post("/v1/queries", json=asked))
        assert [each["code"] for each in answer["withheld"]] == ["item_withdrawn"], code
