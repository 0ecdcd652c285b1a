"""What one child sent is nothing to the other: not in a feed it may read, not in its tables, not in its province's."""

from typing import Any
from uuid import UUID

import pytest

from tests.exchange.conftest import node_caller
from tests.journeys.mesh import EVERYWHERE, OTHERS, UPWARDS, Mesh, accepted, an_item, enterprise
from tests.support.canary import Place, Secret, dump, sightings
from tests.support.cast import penalty, resident

PERSON, REPRESENTATIVE, NEIGHBOUR = (resident(9, born=f"197{year}0412") for year in (1, 2, 3))
SECRETS = [
    Secret("a person's number", PERSON),
    Secret("a person's name", "幽居某甲氏"),
    Secret("a representative's number", REPRESENTATIVE),
    Secret("a representative's name", "幽居某乙氏"),
    Secret("a neighbour's number", NEIGHBOUR),
    Secret("a neighbour's name", "幽居某丙氏"),
]
READERS = {
    "up": {"city": {"province"}, "cityb": {"province"}, "province": {"nation"}, "provinceb": {"nation"}},
    "down": {"nation": {"province", "provinceb"}, "province": {"city", "cityb"}},
    "down-province": {"nation": {"province"}},
    "down-provinceb": {"nation": {"provinceb"}},
    "down-city": {"province": {"city"}},
    "down-cityb": {"province": {"cityb"}},
}
"""Who may read which feed of whom; nobody else may."""


@pytest.fixture(scope="module")
async def sent(mesh: Mesh) -> dict[str, str]:
    """The records of both cities: a person's, an organisation's, one that stays at home, and the other city's."""
    city, cityb = mesh["city"], mesh["cityb"]
    await mesh.publish("city", "item", an_item("city_notice", "city", shared_upwards=False))
    told = {"CF_XDR_MC": "幽居某甲氏", "CF_XDR_ZJHM": PERSON}
    represented = {"CF_FRDB": "幽居某乙氏", "CF_FR_ZJLX": "身份证", "CF_FR_ZJHM": REPRESENTATIVE}
    records = {
        "person": await accepted(city, penalty("示市监罚〔2026〕201号", today=city.today, **told)),
        "organisation": await accepted(city, enterprise(city, "示市监罚〔2026〕202号", 202, **represented)),
        "at home": await accepted(city, enterprise(city, "示市监罚〔2026〕203号", 203), item="city_notice"),
        "neighbour": await accepted(
            cityb,
            penalty("示市监罚〔2026〕204号", today=cityb.today, CF_XDR_MC="幽居某丙氏", CF_XDR_ZJHM=NEIGHBOUR),
        ),
    }
    await mesh.settled()
    return records


async def feed(mesh: Mesh, origin: str, name: str, reader: str) -> Any:
    client = mesh.chain[origin].client("exchange", node_caller(reader))
    return await client.get(f"/v1/exchange/feeds/{name}/entries", params={"limit": 5000})


async def wire(mesh: Mesh) -> list[Place]:
    """The bytes of every feed, as each of its readers gets them."""
    return [
        (f"{name} of {origin} for {reader}", (await feed(mesh, origin, name, reader)).content)
        for name, origins in READERS.items()
        for origin, readers in origins.items()
        for reader in sorted(readers)
    ]


async def tables(mesh: Mesh, code: str) -> list[Place]:
    async with mesh.chain[code].database.session() as session:
        return [(f"{code} {place}", content) async for place, content in dump(session)]


def where(places: list[Place], record: str) -> set[str]:
    """The places that have the id of a record, as text or as bytes."""
    id_ = UUID(record)
    needles = (str(id_).encode(), id_.hex.encode(), id_.bytes)
    return {place for place, content in places if any(needle in content for needle in needles)}


async def test_a_feed_is_its_readers_and_to_all_others_there_is_none(mesh: Mesh, sent: dict[str, str]):
    assert sent
    for name, origins in READERS.items():
        for origin in EVERYWHERE:
            for reader in (*EVERYWHERE, "stranger"):
                answer = await feed(mesh, origin, name, reader)
                allowed = reader in origins.get(origin, set())
                assert answer.status_code == (200 if allowed else 404), (name, origin, reader)
                if not allowed:
                    assert answer.json()["code"] == "no_such_feed"


async def test_a_peer_is_shown_its_own_feeds_alone(mesh: Mesh, sent: dict[str, str]):
    assert sent
    for reader in EVERYWHERE:
        for origin in EVERYWHERE:
            client = mesh.chain[origin].client("exchange", node_caller(reader))
            shown = {each["feed"] for each in (await client.get("/v1/exchange/feeds")).json()["items"]}
            assert shown == {name for name, of in READERS.items() if reader in of.get(origin, set())}


async def test_no_person_is_in_clear_in_any_feed_or_table_of_any_node(mesh: Mesh, sent: dict[str, str]):
    places = await wire(mesh)
    assert where(places, sent["person"]) >= {"up of city for province", "up of province for nation"}
    for code in EVERYWHERE:
        places += await tables(mesh, code)
    assert sightings(places, SECRETS) == []
    planted = ("a table", b"x" + PERSON.encode("utf-16-le"))
    assert [found.place for found in sightings([*places, planted], SECRETS)] == ["a table"]


async def test_records_are_where_they_may_be_and_nowhere_beside(mesh: Mesh, sent: dict[str, str]):
    held = {code: await tables(mesh, code) for code in EVERYWHERE}
    for name in ("person", "organisation"):
        for code in UPWARDS:
            assert where(held[code], sent[name]), (name, code)
        for code in OTHERS:
            assert where(held[code], sent[name]) == set(), (name, code)
    assert where(held["cityb"], sent["neighbour"])
    for code in ("city", "provinceb"):
        assert where(held[code], sent["neighbour"]) == set(), code


async def test_a_childs_acknowledgements_are_in_its_own_feed_alone(mesh: Mesh, sent: dict[str, str]):
    places = await wire(mesh)
    for name, child, other in (("person", "city", "cityb"), ("neighbour", "cityb", "city")):
        found = where(places, sent[name])
        assert f"down-{child} of province for {child}" in found
        assert f"down-{other} of province for {other}" not in found
        assert not any("provinceb" in place for place in found)


async def test_what_is_not_shared_upwards_stays_where_it_was_made(mesh: Mesh, sent: dict[str, str]):
    held = {code: await tables(mesh, code) for code in EVERYWHERE}
    assert where(held["city"], sent["at home"])
    assert not any(place.startswith("city exchange.feed_entry") for place in where(held["city"], sent["at home"]))
    for code in set(EVERYWHERE) - {"city"}:
        assert where(held[code], sent["at home"]) == set(), code
    assert where(await wire(mesh), sent["at home"]) == set()
    assert b"city_notice" not in b"".join(content for place, content in await wire(mesh) if place.startswith("up"))
