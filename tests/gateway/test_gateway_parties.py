"""A good credential of a party that takes part no more opens nothing, at the real node's door and at a toy's."""

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
import yaml

from tests.gateway.standing import Standing, bearer, client
from tests.support.node import TestNode

PARTIES = Path("services/catalogue/src/creditmesh/catalogue/data/parties")
KINDS = {"housing": "department", "beta_credit": "bureau", "credit_office": "office", "city": "node"}
_LABELS = count()


async def key_of(node: TestNode, party: str) -> str:
    scopes = ["records:submit", "records:read", "queries:ask", "authorisations:write", "catalogue:publish"]
    expires = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    order = {"kind": KINDS.get(party, "department"), "party": party, "scopes": scopes, "expires": expires}
    answer = await node.operator().post("/v1/admin/keys", json=order | {"label": f"p{next(_LABELS)}"})
    assert answer.status_code == 201, answer.text
    return answer.json()["credential"]


async def publish(node: TestNode, folder: Path, party: str, *, active: bool) -> None:
    body = yaml.safe_load((PARTIES / f"{party}.yaml").read_text(encoding="utf-8")) | {"active": active}
    (folder / "parties").mkdir(exist_ok=True)
    (folder / "parties" / f"{party}.yaml").write_text(yaml.safe_dump(body, allow_unicode=True), encoding="utf-8")
    load = {"folder": str(folder), "issued_by": "nation", "again": True}
    answer = await node.operator().post("/v1/admin/catalogue", json=load)
    assert answer.json()["published"] == 1, answer.text
    await node.settled()


@pytest.mark.parametrize("party", KINDS)
async def test_a_party_that_is_no_longer_active_is_refused_at_the_door_and_let_in_again_when_it_is(
    node: TestNode, tmp_path: Path, party: str
):
    door = node.door(await key_of(node, party))
    assert (await door.get("/v1/catalogue")).status_code == 200
    await publish(node, tmp_path, party, active=False)
    for method, path in (("GET", "/v1/catalogue"), ("GET", "/v1/reviews"), ("POST", "/v1/queries"), ("GET", "/no")):
        answer = await door.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "party_inactive"), (method, path)
    await publish(node, tmp_path, party, active=True)
    assert (await door.get("/v1/catalogue")).status_code == 200


async def test_a_party_the_catalogue_does_not_have_takes_no_part(node: TestNode):
    answer = await node.door(await key_of(node, "nobodys_bureau")).get("/v1/reviews")
    assert (answer.status_code, answer.json()["code"]) == (403, "party_inactive")


async def test_the_refusal_is_on_file_and_who_has_no_party_is_not_asked_for_one(standing: Standing):
    door = standing.door(takes_part=lambda _: False)
    async with client(door) as outside:
        key = await standing.key()
        answer = await outside.get("/v1/toys/duck", headers=bearer(key))
        assert (answer.status_code, answer.json()["code"]) == (403, "party_inactive")
        assert (await outside.get("/v1/toys")).status_code == 200
    await door.close()
    async with standing.database.session() as session:
        rows = await session.fetch("select reason, status from gateway.security_log where key = $1", key.key)
    assert [tuple(row) for row in rows] == [("party_inactive", 403)]
