"""The whole way on a running node: a row goes in, lawful answers come out, and the person sees who asked."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from creditmesh.chassis.caller import Caller
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.rules.identity import Identity
from tests.ingestion.rows import penalty as organisation_penalty
from tests.ingestion.rows import person_penalty, resident
from tests.query.conftest import bureau, person
from tests.support.node import TestNode, department

ITEM = "administrative_penalty"
ASKS = {"purpose": "statutory_duty", "matter": "business_licence_examination", "officer": "W-17"}


def subject_of(number: int) -> dict[str, object]:
    return {"kind": "natural_person", "document": {"type": "resident_id", "number": resident(number)}}


async def submitted(node: TestNode, row: dict[str, str]) -> UUID:
    """The record of a row that was decided lately, whenever this runs."""
    row["CF_JDRQ"] = (node.host.clock.legal_date() - timedelta(days=10)).isoformat()
    client = node.client("ingestion", department("market_regulation"))
    answer = await client.post(f"/v1/items/{ITEM}/records", json=row, headers={"Idempotency-Key": str(uuid4())})
    assert answer.status_code == 201, answer.text
    await node.settled()
    return UUID(answer.json()["record"])


async def the_person(node: TestNode, number: int) -> Caller:
    identity = Identity(kind="natural_person", document="resident_id", number=Pii(resident(number)))
    return person((await node.host.equipment["query"].vault.resolve([identity]))[0])


async def test_what_a_department_submits_is_answered_to_whoever_may_know_it(node: TestNode):
    record = await submitted(node, person_penalty(701))
    mine = node.client("query", await the_person(node, 701))
    asking = node.client("query", department("market_regulation"))
    lending = node.client("query", bureau("alpha_credit"))

    asked = (await asking.post("/v1/queries", json=ASKS | {"subject": subject_of(701)})).raise_for_status().json()
    (released,) = asked["released"]
    assert released["record"] == str(record)
    assert released["fields"]["CF_XDR_ZJHM"] == resident(701)
    assert released["fields"]["CF_SY"] == "未按规定期限公示年度报告。"

    query = {"subject": subject_of(701), "purpose": "credit_assessment", "officer": "B-3"}
    assert (await lending.post("/v1/queries", json=query)).status_code == 403
    wanted = {"bureau": "alpha_credit", "purpose": "credit_assessment", "items": [ITEM], "valid_until": "2099-01-01"}
    assert (await mine.post("/v1/me/authorisations", json=wanted)).status_code == 422
    wanted["valid_until"] = asked["use_until"]
    given = (await mine.post("/v1/me/authorisations", json=wanted)).raise_for_status().json()
    query["authorisation"] = given["id"]
    assert len((await lending.post("/v1/queries", json=query)).raise_for_status().json()["released"]) == 1
    (await mine.delete(f"/v1/me/authorisations/{given['id']}")).raise_for_status()
    assert (await lending.post("/v1/queries", json=query)).status_code == 403

    assert [each["record"] for each in (await mine.get("/v1/me/file")).json()["records"]] == [str(record)]
    await node.settled()
    lines = (await mine.get("/v1/me/accesses")).json()["items"]
    assert [(line["caller"], line["outcome"]) for line in lines] == [
        ("subject", "released"), ("bureau", "refused"), ("bureau", "released"), ("bureau", "refused"),
        ("department", "released"),
    ]  # fmt: skip


async def test_a_person_is_not_public_and_an_organisation_is_until_its_period_ends(node: TestNode):
    hidden = await submitted(node, person_penalty(702))
    row = organisation_penalty(702)
    shown = await submitted(node, row)
    public = node.client("query")
    search = {"name": row["CF_XDR_MC"]}
    (found,) = (await public.post("/v1/public/searches", json=search)).raise_for_status().json()["items"]
    assert found["record"] == str(shown)
    assert (found["fields"]["CF_XDR_MC"], found["fields"]["CF_FRDB"]) == (row["CF_XDR_MC"], "样*")
    assert [found["fields"][code] for code in ("CF_SY", "CF_NR")] == [row["CF_SY"], row["CF_NR"]]
    by_code = await public.post("/v1/public/searches", json={"code": row["CF_XDR_SHXYM"]})
    assert [each["record"] for each in by_code.json()["items"]] == [str(shown)]
    listed = (await public.get("/v1/public/records", params={"item": ITEM})).json()["items"]
    assert str(shown) in {each["record"] for each in listed}
    assert str(hidden) not in {each["record"] for each in listed}
    await node.move_clock(3 * 366)
    try:
        assert (await public.post("/v1/public/searches", json=search)).json()["items"] == []
    finally:
        await node.move_clock(0)
    assert len((await public.post("/v1/public/searches", json=search)).json()["items"]) == 1


async def test_a_bare_warning_is_not_published_and_a_department_with_a_matter_reads_it(node: TestNode):
    row = organisation_penalty(704, CF_CFLB="警告", CF_NR="警告", CF_NR_FK=None)
    record = await submitted(node, row)
    public, asking = node.client("query"), node.client("query", department("market_regulation"))
    assert (await public.post("/v1/public/searches", json={"name": row["CF_XDR_MC"]})).json()["items"] == []
    about = {"kind": "organisation", "document": {"type": "uscc", "number": row["CF_XDR_SHXYM"]}}
    answer = (await asking.post("/v1/queries", json=ASKS | {"subject": about})).json()
    assert [(each["record"], each["severity"]) for each in answer["released"]] == [(str(record), "minor")]


async def test_a_withdrawn_record_is_gone_everywhere(node: TestNode):
    row = organisation_penalty(703)
    record = await submitted(node, row)
    change = node.client("ingestion", department("market_regulation", officer="W-17"))
    etag = (await change.get(f"/v1/records/{record}")).raise_for_status().headers["etag"]
    ended = {"reason": "revoked", "basis": "示市监撤销〔2026〕1号"}
    answer = await change.post(f"/v1/records/{record}/withdrawal", json=ended, headers={"If-Match": etag})
    assert answer.is_success, answer.text
    await node.settled()
    public, asking = node.client("query"), node.client("query", department("market_regulation"))
    assert (await public.post("/v1/public/searches", json={"name": row["CF_XDR_MC"]})).json()["items"] == []
    about = {"kind": "organisation", "document": {"type": "uscc", "number": row["CF_XDR_SHXYM"]}}
    assert (await asking.post("/v1/queries", json=ASKS | {"subject": about})).json()["released"] == []


@pytest.mark.parametrize("path", ["/v1/me/file", "/v1/queries", "/v1/public/lists"])
async def test_the_query_service_answers_through_the_door_only_who_may(node: TestNode, path):
    async with node.door() as door:
        answer = await (door.post(path, json={}) if path == "/v1/queries" else door.get(path))
    assert answer.status_code == (200 if path == "/v1/public/lists" else 401)
