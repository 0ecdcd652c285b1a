"""On a running node with the shipped catalogue: a court lists a firm, departments act, the court removes it."""

from typing import Any

from creditmesh.schemas.pii import Pii
from creditmesh.schemas.rules.identity import Identity
from tests.matching.conftest import department
from tests.support.cast import DEFAULTER, defaulter, resident, uscc
from tests.support.node import TestNode
from tests.support.node import department as of_node

BOSS = resident(42)
PROCURING = {"matter": "procurement_review", "officer": "W-17"}


async def tasks(node: TestNode, party: str, state: str = "open") -> dict[tuple[str, str], dict[str, Any]]:
    answer = await node.client("matching", department(party)).get("/v1/tasks", params={"state": state})
    return {(task["measure"], task["role"]): task for task in answer.json()["items"]}


async def test_a_listing_is_acted_on_at_once_and_gone_at_once_when_the_court_removes_it(node: TestNode):
    court = node.client("ingestion", of_node("court"))
    row = defaulter("(2026)示0101执0042号", today=node.host.clock.legal_date(), BUSINESSENTITYNUM=BOSS)
    made = await court.post(f"/v1/items/{DEFAULTER}/records", json=row)
    assert made.status_code == 201, made.text
    await node.settled()

    restricted = await tasks(node, "court")
    assert set(restricted) == {("high_consumption_restriction", role) for role in ("listed", "responsible")}
    person = restricted["high_consumption_restriction", "responsible"]
    assert person["subject"] == {"kind": "natural_person", "name": "样某丁", "number": BOSS}
    assert restricted["high_consumption_restriction", "listed"]["subject"]["number"] == uscc(41)
    assert set(await tasks(node, "finance")) == {
        ("procurement_bar", "listed"),
        ("honours_and_funds_restriction", "listed"),
    }
    assert await tasks(node, "tax") == {}

    asking = node.client("matching", department("finance"))
    firm = {"kind": "organisation", "document": {"type": "uscc", "number": uscc(41)}}
    boss = {"kind": "natural_person", "document": {"type": "resident_id", "number": BOSS}}
    found = (await asking.post("/v1/screenings", json=[firm, boss], params=PROCURING)).json()
    assert [[each["measure"] for each in one["measures"]] for one in found] == [["procurement_bar"], []]
    assert [one["designations"][0]["role"] for one in found] == ["listed", "responsible"]
    eligible = await asking.post("/v1/eligibility", json={"subject": firm}, params=PROCURING)
    assert (eligible.json()["eligible"], eligible.json()["years"]) == (False, 3)

    answer = {"outcome": "applied", "officer": "W-17"}
    acting = node.client("matching", department("court"))
    assert (
        await acting.post(f"/v1/tasks/{person['id']}/feedback", json=answer, headers={"If-Match": '"0"'})
    ).status_code == 201
    removed = await court.post(
        f"/v1/records/{made.json()['record']}/withdrawal", json={"reason": "removed"}, headers={"If-Match": '"1"'}
    )
    assert removed.status_code < 300, removed.text
    await node.settled()
    assert await tasks(node, "court") == await tasks(node, "finance") == {}
    (left,) = (await tasks(node, "court", "withdrawn")).values()
    assert (left["id"], left["subject"]["number"]) == (person["id"], BOSS)
    found = (await asking.post("/v1/screenings", json=[firm, boss], params=PROCURING)).json()
    assert [one["designations"] for one in found] == [[], []]
    eligible = await asking.post("/v1/eligibility", json={"subject": firm}, params=PROCURING)
    assert (eligible.json()["eligible"], eligible.json()["rewards"]) == (True, ["green_channel"])

    await node.settled()
    identity = Identity(kind="natural_person", document="resident_id", number=Pii(BOSS))
    (subject,) = await node.host.equipment["query"].vault.resolve([identity])
    async with node.database.session() as session:
        logged = await session.fetchval("select count(*) from query.access where key = $1", subject)
    assert logged >= 4  # named in an inbox twice, screened twice
