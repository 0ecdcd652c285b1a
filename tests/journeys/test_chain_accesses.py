"""Whoever looks at a copy, at whatever tier, is in the log of the person where the record was made, and on the way."""

from typing import Any

from tests.journeys.mesh import Mesh, accepted, done, enterprise, organisation
from tests.support.cast import BY_MATTER, asked, penalty, resident, uscc
from tests.support.eventually import eventually
from tests.support.node import TestNode

PERSON, REPRESENTATIVE = resident(41), resident(42)
ACCESSED = "select count(*) from exchange.feed_entry where line::jsonb ->> 'type' = 'accessed' and feed = $1"


async def passed_on(mesh: Mesh) -> None:
    """Wait until nothing is left to be put into the feeds of children, from the nation down."""
    for code in ("nation", "province"):
        node = mesh.chain[code]

        async def none_waits(node: TestNode = node) -> bool:
            async with node.database.session() as session:
                return not await session.fetchval("select count(*) from exchange.child_entry")

        await mesh.settled()
        await eventually(none_waits)
    await mesh.settled()


async def lines(mesh: Mesh, name: str) -> dict[str, list[dict[str, Any]]]:
    """The lines about other nodes' looks in the person's log at each node where they are known, newest first."""
    await passed_on(mesh)
    found = {}
    for code in ("city", "province", "nation"):
        answer = done(await mesh[code].door(name).get("/v1/me/accesses", params={"limit": 100}))
        found[code] = [each for each in answer["items"] if each["node"] is not None]
    return found


async def told(mesh: Mesh) -> dict[str, int]:
    """How many entries of accesses each feed of a child has."""
    await passed_on(mesh)
    found = {}
    for code, child in (("nation", "province"), ("nation", "provinceb"), ("province", "city"), ("province", "cityb")):
        async with mesh.chain[code].database.session() as session:
            found[child] = await session.fetchval(ACCESSED, f"down-{child}")
    return found


async def test_a_look_at_the_nation_is_in_the_persons_log_at_the_city(mesh: Mesh):
    row = penalty("示市监罚〔2026〕801号", today=mesh.city.today, CF_XDR_ZJHM=PERSON)
    record = await accepted(mesh.city, row)
    await mesh.settled()
    answer = done(await mesh["nation"].door("asker").post("/v1/queries", json=asked(PERSON, **BY_MATTER)))
    assert [each["record"] for each in answer["released"]] == [record]
    await mesh.person("looked at", PERSON)
    found = await lines(mesh, "looked at")
    assert found["nation"] == []
    (at_city,), (at_province,) = found["city"], found["province"]
    for line in (at_city, at_province):
        told_of = {name: line[name] for name in ("node", "access", "party", "officer", "purpose", "matter", "records")}
        assert told_of == {
            "node": "nation", "access": answer["decision_id"], "party": "nation_finance", "officer": "W-17",
            "purpose": "statutory_duty", "matter": BY_MATTER["matter"], "records": [record],
        }  # fmt: skip
        assert line["looked_at"] <= line["at"]
        assert line["authorisation"] is None
    assert await told(mesh) == {"province": 1, "provinceb": 0, "city": 1, "cityb": 0}


async def test_a_look_at_the_province_is_told_to_the_city_alone(mesh: Mesh):
    record = await accepted(mesh.city, penalty("示市监罚〔2026〕802号", today=mesh.city.today, CF_XDR_ZJHM=PERSON))
    await mesh.settled()
    before = await told(mesh)
    ask = {"matter": BY_MATTER["matter"], "officer": "W-18"}
    person = asked(PERSON)["subject"]
    done(await mesh["province"].door("asker").post("/v1/queries", json=asked(PERSON, **BY_MATTER)))
    done(await mesh["province"].door("asker").post("/v1/screenings", params=ask, json=person))
    await mesh.person("asked about", PERSON)
    found = await lines(mesh, "asked about")
    newest = found["city"][0]
    assert (newest["node"], newest["party"], newest["caller"]) == ("province", "province_finance", "department")
    assert record in newest["records"]
    assert len({each["access"] for each in found["city"]}) == len(found["city"])
    after = await told(mesh)
    assert after["city"] > before["city"]
    assert {name: after[name] for name in after if name != "city"} == {
        name: before[name] for name in before if name != "city"
    }


async def test_who_is_named_finds_the_look_at_themselves_and_not_the_other_ones(mesh: Mesh):
    """The person whom a record names is known by another id at each node."""
    row = enterprise(
        mesh.city, "示市监罚〔2026〕803号", 803, CF_FRDB="样某戊", CF_FR_ZJLX="身份证", CF_FR_ZJHM=REPRESENTATIVE
    )
    record = await accepted(mesh.city, row)
    await mesh.person("representative", REPRESENTATIVE, at=("city", "province", "nation"))
    await mesh.person("firm", uscc(803), kind="organisation", document="uscc")
    await mesh.settled()
    done(await mesh["nation"].door("representative").get("/v1/me/file"))
    of_person, of_firm = await lines(mesh, "representative"), await lines(mesh, "firm")
    assert [(each["purpose"], each["ground"], each["records"]) for each in of_person["city"]] == [
        ("own_file", "self", [record])
    ]
    seen = {each["access"] for each in of_firm["city"]}
    assert not seen & {each["access"] for each in of_person["city"]}
    done(await mesh["nation"].door("asker").post("/v1/queries", json={"subject": organisation(803), **BY_MATTER}))
    of_firm = await lines(mesh, "firm")
    assert [each["records"] for each in of_firm["city"] if each["access"] not in seen] == [[record]]


async def test_of_what_is_a_nodes_own_and_of_whom_it_knows_nothing_nobody_is_told(mesh: Mesh):
    row = penalty("示市监罚〔2026〕804号", today=mesh.city.today, CF_XDR_ZJHM=resident(43))
    await accepted(mesh.city, row)
    await mesh.settled()
    before = await told(mesh)
    done(await mesh.city.door("asker").post("/v1/queries", json=asked(resident(43), **BY_MATTER)))
    done(await mesh["nation"].door("asker").post("/v1/queries", json=asked(resident(44), **BY_MATTER)))
    assert await told(mesh) == before
    async with mesh.chain["city"].database.session() as session:
        told_of = "select count(*) from bus.event where type = 'access.copies_disclosed'"
        assert await session.fetchval(told_of) == 0, "nobody is below, and it costs nothing"
