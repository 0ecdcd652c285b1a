"""A good credential of a party that takes part no more opens nothing, at the real node's door and at a toy's."""

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
import yaml

from creditmesh.gateway import operations
from tests.gateway.standing import Standing, bearer, client
from tests.support.node import TestNode

PARTIES = Path("services/catalogue/src/creditmesh/catalogue/data/sandbox/city/parties")
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


@pytest.mark.parametrize(
    ("path", "kind", "party", "wrong"),
    [
        ("keys", "bureau", "nobodys_bureau", ("/party", "unknown_party")),
        ("keys", "department", "beta_credit", ("/kind", "kind_of_party")),
        ("keys", "office", "beta_credit", ("/kind", "kind_of_party")),
        ("keys", "office", "transport", ("/kind", "no_office")),
        ("people", "office", "transport", ("/kind", "no_office")),
        ("keys", "bureau", "housing", ("/kind", "kind_of_party")),
        ("keys", "node", "housing", ("/kind", "kind_of_party")),
        ("people", "department", "nobodys_department", ("/party", "unknown_party")),
        ("people", "office", "city", ("/kind", "kind_of_party")),
    ],
)
async def test_no_credential_is_made_for_a_party_that_the_catalogue_has_not_or_not_as_that(
    node: TestNode, path: str, kind: str, party: str, wrong: tuple[str, str]
):
    order = {"kind": kind, "party": party, "scopes": ["records:read"]} | ({} if path == "keys" else {"officer": "X"})
    answer = await node.operator().post(f"/v1/admin/{path}", json=order)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [wrong]
    assert not (await node.operator().get("/v1/admin/keys", params={"party": party, "kind": kind})).json()["items"]


async def test_a_party_that_is_no_longer_active_is_given_no_new_credential(node: TestNode, tmp_path: Path):
    await publish(node, tmp_path, "tax", active=False)
    order = {"kind": "department", "party": "tax", "scopes": ["records:read"]}
    answer = await node.operator().post("/v1/admin/keys", json=order)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_party")


async def test_a_party_that_the_door_may_only_not_have_heard_of_is_asked_for_again(
    node: TestNode, monkeypatch: pytest.MonkeyPatch
):
    order = {"kind": "department", "party": "nobodys_department", "scopes": ["records:read"]}
    with monkeypatch.context() as before:
        before.setattr(operations, "has_followed", not_yet)
        answer = await node.operator().post("/v1/admin/keys", json=order)
        assert (answer.status_code, answer.json()["code"]) == (503, "catalogue_not_followed")
        assert answer.headers["retry-after"] == "1"
    assert (await node.operator().post("/v1/admin/keys", json=order)).status_code == 422


async def not_yet(*_: object) -> bool:
    return False


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
