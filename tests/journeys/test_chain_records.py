"""What a city accepted is at its province and the nation as it was, in order, once, and known to have arrived."""

from typing import Any

import pytest

from tests.journeys.mesh import EVERYWHERE, OTHERS, UPWARDS, Mesh, accepted, act, done, enterprise, filed
from tests.support.bodies import said
from tests.support.chain import copied, size_of

COPIES = (
    ("city", "up", "province"),
    ("cityb", "up", "province"),
    ("province", "up", "nation"),
    ("provinceb", "up", "nation"),
    ("nation", "down", "province"),
    ("nation", "down", "provinceb"),
    ("province", "down", "city"),
    ("province", "down", "cityb"),
    ("nation", "down-province", "province"),
    ("province", "down-city", "city"),
    ("province", "down-cityb", "cityb"),
)
"""Every feed of the chain, and who holds a copy of it."""
OWN_TO_A_NODE = {"subject", "revision", "submission", "officer", "item_version", "lane", "sealed", "related"}
"""What of a revision is each node's own: all else stays as the origin gave it."""


async def changed(mesh: Mesh, record: str, change: str, *, rev: int, **body: Any) -> None:
    place = f"/v1/records/{record}/{change}"
    done(await mesh.city.door("owner").post(place, json=body, headers={"If-Match": f'"{rev}"'}))


async def told(mesh: Mesh, record: str) -> list[tuple[str, str | None]]:
    """What happened to a record at the city; the same, revision by revision, at the tiers above, and nowhere else."""
    await mesh.settled()
    held = await mesh.revisions(record)
    own = [_travelled(row) for row in held["city"]]
    for code in ("province", "nation"):
        assert list(map(_travelled, held[code])) == own, code
    assert [held[code] for code in OTHERS] == [[], []]
    assert {(row["origin"], row["record"]) for row in own} == {("city", record)}
    assert [row["rev"] for row in own] == list(range(1, len(own) + 1))
    return [(row["change"], row["mark"]) for row in own]


def _travelled(revision: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in revision.items() if name not in OWN_TO_A_NODE}


async def test_an_accepted_record_is_at_every_tier_above_as_it_was_and_what_becomes_of_it_follows_in_order(mesh: Mesh):
    row = enterprise(mesh.city, "示市监罚〔2026〕101号", 101)
    await mesh.city.person("subject", row["CF_XDR_SHXYM"], kind="organisation", document="uscc")
    record = await accepted(mesh.city, row)
    assert await told(mesh, record) == [("accepted", None)]
    await changed(mesh, record, "corrections", rev=1, fields=row | {"CF_WFXW": "其他"}, reason="error")
    case = await filed(mesh.city, "objection", record)
    await mesh.settled()
    await act(mesh.city, case, action="refuse", reason="属实")
    await mesh.settled()
    await changed(mesh, record, "withdrawal", rev=4, reason="revoked")
    assert await told(mesh, record) == [
        ("accepted", None),
        ("corrected", None),
        ("marked", "disputed"),
        ("unmarked", None),
        ("withdrawn", None),
    ]


async def test_many_rows_sent_again_and_again_are_there_once(mesh: Mesh):
    rows = [enterprise(mesh.city, f"示市监罚〔2026〕{order}号", order) for order in range(110, 150)]
    records = []
    for _ in range(3):
        answer = await mesh.city.submit(rows)
        assert answer.status_code == 200, answer.text
        await mesh.settled()
    for code in UPWARDS:
        async with mesh.chain[code].database.session() as session:
            found = await session.fetch(_MANY)
        numbers = {row["CF_WSH"] for row in rows}
        many = [row for row in found if said(row["data"])["fields"].get("CF_WSH") in numbers]
        records.append(sorted((str(row["record"]), row["rev"]) for row in many))
    assert len(records[0]) == len(rows)
    assert records == [records[0]] * 3


_MANY = """
    select q.record, q.rev, r.data from query.record q join ingestion.revision r on r.part = q.part and r.id = q.body
"""


async def test_the_heads_of_every_feed_and_of_its_copy_are_equal(mesh: Mesh):
    await accepted(mesh["cityb"], enterprise(mesh["cityb"], "示市监罚〔2026〕160号", 160))
    await accepted(mesh["city"], enterprise(mesh["city"], "示市监罚〔2026〕161号", 161))
    await mesh.settled()
    for origin, feed, holder in COPIES:
        size = await size_of(mesh.chain[origin], feed)
        assert await copied(mesh.chain[holder], origin, feed) == size, (origin, feed)
        heads = await head(mesh, origin, _OWN, feed, size), await head(mesh, holder, _COPY, origin, feed, size)
        assert heads[0] == heads[1], (origin, feed)
        if (origin, feed) in {("city", "up"), ("cityb", "up"), ("province", "up"), ("nation", "down")}:
            assert heads[0], "an empty feed would prove nothing"


_OWN = "select root from exchange.feed_checkpoint where feed = $1 and size = $2"
_COPY = "select root from exchange.copy_checkpoint where peer = $1 and feed = $2 and size = $3"


async def head(mesh: Mesh, code: str, statement: str, *of: object) -> bytes | None:
    async with mesh.chain[code].database.session() as session:
        found: bytes | None = await session.fetchval(statement, *of)
    return found


async def reach(mesh: Mesh, code: str) -> dict[str, int]:
    async with mesh.chain[code].database.session() as session:
        return {
            row["node"]: row["until"]
            for row in await session.fetch(
                "select node, upper(applied + refused) as until from exchange.answer where feed = 'up'"
            )
        }


async def test_both_tiers_above_have_acknowledged_to_the_city_and_to_nobody_else(mesh: Mesh):
    before = await reach(mesh, "cityb")
    await accepted(mesh.city, enterprise(mesh.city, "示市监罚〔2026〕170号", 170))
    await mesh.settled()
    size = await size_of(mesh.chain["city"], "up")
    assert await reach(mesh, "city") == {"province": size, "nation": size}
    assert await reach(mesh, "cityb") == before
    assert await reach(mesh, "nation") == {}
    assert set(await reach(mesh, "province")) == {"nation"}


@pytest.mark.parametrize("code", ["province", "nation"])
async def test_a_copy_is_changed_by_nobody_here_and_whoever_tries_is_told_where(mesh: Mesh, code: str):
    number = 180 + len(code)
    row = enterprise(mesh.city, f"示市监罚〔2026〕{number}号", number)
    record = await accepted(mesh.city, row)
    await mesh.settled()
    cast = mesh[code]
    await cast.person("subject", row["CF_XDR_SHXYM"], kind="organisation", document="uscc")
    place = f"/v1/records/{record}"
    tag = {"If-Match": '"1"'}
    tried = {
        "corrections": await cast.door("owner").post(
            f"{place}/corrections", json={"fields": row | {"CF_WFXW": "其他"}, "reason": "error"}, headers=tag
        ),
        "withdrawal": await cast.door("owner").post(f"{place}/withdrawal", json={"reason": "revoked"}, headers=tag),
        **{
            kind: await cast.door("subject").post(
                "/v1/cases", json={"kind": kind, "record": record, "statement": "已改正"}
            )
            for kind in ("objection", "repair")
        },
    }
    for what, answer in tried.items():
        assert answer.status_code == 409, (what, answer.text)
        assert "city" in answer.json()["detail"], what
        assert "city" in answer.json()["detail_zh"], what
    assert await told(mesh, record) == [("accepted", None)]


async def test_nothing_stopped_on_the_way(mesh: Mesh):
    await mesh.settled()
    for code in EVERYWHERE:
        async with mesh.chain[code].database.session() as session:
            assert await session.fetchval("select count(*) from exchange.copy_head where alarm is not null") == 0
            for service in ("catalogue", "ingestion", "query", "matching", "repair", "exchange", "gateway"):
                dead = f"select count(*) from {service}.dead_letter"
                if await session.fetchval("select to_regclass($1)", f"{service}.dead_letter"):
                    assert await session.fetchval(dead) == 0, (code, service)
