"""A case is decided where the record was made, and holds at every tier; the certificate proves to anybody who knows."""

from datetime import date, timedelta
from typing import Any

import pytest

from creditmesh.client.certificates import check
from creditmesh.client.errors import Unverified
from creditmesh.schemas.cases import Certificate
from creditmesh.schemas.rules.calendar import add_months
from creditmesh.schemas.signed import SignedText, said
from tests.journeys.mesh import (
    GONE,
    SHOWN,
    UPWARDS,
    Mesh,
    accepted,
    act,
    done,
    enterprise,
    filed,
    looks,
    organisation,
    tasks_of,
    with_a_listing_penalty,
)
from tests.support.cast import BUREAU, uscc

LISTING = "repairable_listing"


@pytest.fixture(scope="module")
async def shared(mesh: Mesh) -> Mesh:
    """The chain, with an item that puts on a list and can be repaired."""
    await with_a_listing_penalty(mesh, LISTING)
    return mesh


async def record_of(mesh: Mesh, order: int) -> str:
    """A record of the organisation of that order, which is there itself as `subject` at every tier."""
    record = await accepted(mesh.city, enterprise(mesh.city, f"示市监罚〔2026〕{order}号", order), item=LISTING)
    await mesh.person("subject", uscc(order), kind="organisation", document="uscc")
    await mesh.settled()
    return record


async def shown(mesh: Mesh, order: int, record: str) -> dict[str, dict[str, bool]]:
    return {code: await looks(mesh[code], order, record) for code in UPWARDS}


async def marked(mesh: Mesh, order: int, record: str) -> dict[str, str | None]:
    """The mark of a record as each tier publishes it."""
    found = {}
    for code in UPWARDS:
        answer = done(await mesh[code].door().post("/v1/public/searches", json={"code": uscc(order)}))
        (found[code],) = [each["mark"] for each in answer["items"] if each["record"] == record]
    return found


async def standing(mesh: Mesh) -> dict[str, tuple[Any, ...]]:
    """What could have changed at each node: its revisions, and its feeds."""
    found = {}
    for code, node in mesh.chain.nodes.items():
        async with node.database.session() as session:
            revisions = await session.fetch("select id, data from ingestion.revision order by id")
            feeds = await session.fetch("select feed, size, stack from exchange.feed_head order by feed")
        found[code] = [tuple(row) for row in revisions], [tuple(row) for row in feeds]
    return found


async def test_an_objections_mark_is_at_every_tier_until_it_is_decided(shared: Mesh):
    record = await record_of(shared, 501)
    case = await filed(shared.city, "objection", record)
    await shared.settled()
    assert await marked(shared, 501, record) == dict.fromkeys(UPWARDS, "disputed")
    await act(shared.city, case, action="refuse", reason="属实")
    await shared.settled()
    assert await marked(shared, 501, record) == dict.fromkeys(UPWARDS)
    assert [row["change"] for row in (await shared.revisions(record))["nation"]] == ["accepted", "marked", "unmarked"]


async def test_a_refused_repair_changes_nothing_but_its_own_log(shared: Mesh):
    record = await record_of(shared, 502)
    before = await standing(shared)
    assert len(before["nation"][0]) > 0
    case = await filed(shared.city, "repair", record)
    await act(shared.city, case, action="refuse", reason="义务尚未履行")
    await shared.settled()
    assert await standing(shared) == before
    assert await shown(shared, 502, record) == dict.fromkeys(UPWARDS, SHOWN)
    steps = done(await shared.city.door("subject").get(f"/v1/cases/{case}"))["steps"]
    assert [step["action"] for step in steps][-2:] == ["accept", "refuse"]


async def _applied(mesh: Mesh, record: str) -> str:
    (task, *_) = await tasks_of(mesh.city, "asker", record)
    said = {"outcome": "applied", "officer": "W-17"}
    done(await mesh.city.door("asker").post(f"/v1/tasks/{task['id']}/feedback", json=said, headers={"If-Match": '"0"'}))
    return str(task["id"])


async def _lent(mesh: Mesh, order: int, record: str) -> date:
    """The bureau reads the record by the organisation's authorisation; until when it may use it."""
    city = mesh.city
    given = {
        "bureau": BUREAU, "purpose": "credit_assessment", "items": [LISTING], "max_uses": 5,
        "valid_until": (city.today + timedelta(days=9)).isoformat(),
    }  # fmt: skip
    authorisation = done(await city.door("subject").post("/v1/me/authorisations", json=given))["id"]
    asked = {"subject": organisation(order), "purpose": "credit_assessment", "officer": "B-3"}
    asked["authorisation"] = authorisation
    answer = done(await city.door("bureau").post("/v1/queries", json=asked))
    assert [each["record"] for each in answer["released"]] == [record]
    return date.fromisoformat(answer["use_until"])


@pytest.fixture(scope="module")
async def repaired(shared: Mesh) -> dict[str, Any]:
    """A record that a bureau was given and a department acted on, repaired; and what was known on the way."""
    record = await record_of(shared, 503)
    assert await shown(shared, 503, record) == dict.fromkeys(UPWARDS, SHOWN)
    known: dict[str, Any] = {"record": record, "until": await _lent(shared, 503, record)}
    known["task"] = await _applied(shared, record)
    case = await filed(shared.city, "repair", record)
    await act(shared.city, case, action="approve", basis="示市监修〔2026〕1号")
    await shared.settled()
    return known | {"case": case}


async def signed_certificate(mesh: Mesh, case: str) -> SignedText:
    answer = await mesh.city.door("subject").get(f"/v1/cases/{case}/certificate")
    return SignedText.model_validate(done(answer))


async def certificate(mesh: Mesh, case: str) -> Certificate:
    return said(Certificate, await signed_certificate(mesh, case))


async def test_a_decided_repair_ends_every_use_at_every_tier(shared: Mesh, repaired: dict[str, Any]):
    assert await shown(shared, 503, repaired["record"]) == dict.fromkeys(UPWARDS, GONE)
    for code in UPWARDS:
        rows = (await shared.revisions(repaired["record"]))[code]
        assert [(row["change"], row["state"]) for row in rows] == [
            ("accepted", "published"),
            ("repaired", "repaired"),
        ], code
    again = await shared.city.submit(enterprise(shared.city, "示市监罚〔2026〕503号", 503), item=LISTING)
    assert (again.status_code, again.json()["verdict"]) == (200, "unchanged")
    assert [reason["code"] for reason in again.json()["reasons"]] == ["record_ended"]


async def test_the_certificate_names_everybody_who_holds_the_record(shared: Mesh, repaired: dict[str, Any]):
    waiting = await certificate(shared, repaired["case"])
    assert (waiting.complete, waiting.pending) == (False, ("finance",))
    place = f"/v1/tasks/{repaired['task']}"
    assert done(await shared.city.door("asker").get(place))["state"] == "withdrawn"
    lifted = {"outcome": "lifted", "officer": "W-17"}
    done(await shared.city.door("asker").post(f"{place}/feedback", json=lifted, headers={"If-Match": '"1"'}))
    assert done(await shared.city.door("asker").get(place))["state"] == "closed"
    await shared.settled()
    found = await certificate(shared, repaired["case"])
    lines = {line.holder: line for line in found.lines}
    assert {holder: (line.kind, line.outcome) for holder, line in lines.items()} == {
        "province": ("node", "acknowledged"),
        "nation": ("node", "acknowledged"),
        "finance": ("department", "acknowledged"),
        BUREAU: ("bureau", "unreachable"),
    }
    assert (lines[BUREAU].reachable, lines[BUREAU].use_until) == (False, repaired["until"])
    assert (found.complete, found.pending) == (True, ())
    assert (found.record, found.rev, found.change) == (waiting.record, 2, "repaired")
    assert all(lines[node].proof is not None for node in ("province", "nation"))


async def test_the_certificate_verifies_off_line_and_with_any_other_byte_does_not(
    shared: Mesh, repaired: dict[str, Any]
):
    signed = await signed_certificate(shared, repaired["case"])
    found = said(Certificate, signed)
    rows = done(await shared.city.door().get("/v1/catalogue/parties"))["items"]
    (own,) = [row for row in rows if row["code"] == found.node]
    trusted = [key["public"] for key in own["keys"] if key["use"] == "node"]
    assert check(signed, trusted=trusted) == found
    whole = signed.model_dump()
    tried = 0
    for name, value in whole.items():
        for other in _otherwise(value):
            try:
                read = SignedText.model_validate(whole | {name: other})
            except ValueError:
                continue
            tried += 1
            with pytest.raises(Unverified):
                check(read, trusted=trusted)
    assert tried > 500


def _otherwise(text: str) -> list[str]:
    """The text with another byte, at each place in turn."""
    others = [(n, ord(text[n])) for n in range(len(text))]
    return [text[:n] + chr(other) + text[n + 1 :] for n, was in others for other in (was ^ 1, was + 1)]


async def test_a_repair_that_is_revoked_is_none_at_any_tier(shared: Mesh):
    record = await record_of(shared, 504)
    case = await filed(shared.city, "repair", record)
    await act(shared.city, case, action="approve", basis="示市监修〔2026〕2号")
    await shared.settled()
    assert await shown(shared, 504, record) == dict.fromkeys(UPWARDS, GONE)
    await act(shared.city, case, action="revoke", reason="整改材料系伪造", basis="示市监撤〔2026〕1号")
    await shared.settled()
    assert await shown(shared, 504, record) == dict.fromkeys(UPWARDS, SHOWN)
    for code in UPWARDS:
        rows = (await shared.revisions(record))[code]
        assert [row["change"] for row in rows] == ["accepted", "repaired", "reopened"], code
    seen = done(await shared.city.door("subject").get(f"/v1/cases/{case}"))
    assert (seen["state"], seen["effect"], seen["steps"][-1]["reason"]) == ("revoked", "done", "整改材料系伪造")
    told = await certificate(shared, case)
    assert (told.change, {line.holder for line in told.lines if line.outcome == "acknowledged"}) == (
        "reopened",
        {"province", "nation"},
    )
    newest = (await shared.revisions(record))["city"][-1]
    assert newest["state"] == "published"
    again = await shared.city.submit(enterprise(shared.city, "示市监罚〔2026〕504号", 504), item=LISTING)
    assert (again.status_code, again.json()["verdict"]) == (200, "unchanged")


async def test_a_repair_by_false_material_is_shown_for_the_longest_period_at_every_tier(shared: Mesh):
    """The rule is the shipped item's; in a sandbox what is not verified acts."""
    record, today = await record_of(shared, 505), shared.city.today
    decided = date.fromisoformat(enterprise(shared.city, "x", 505)["CF_JDRQ"])
    usual, longest = add_months(decided, 12), add_months(decided, 36)
    case = await filed(shared.city, "repair", record)
    await act(shared.city, case, action="approve", basis="示市监修〔2026〕3号")
    await shared.settled()
    revoked = {"action": "revoke", "reason": "整改材料系伪造", "basis": "示市监撤〔2026〕2号", "false_material": True}
    await act(shared.city, case, **revoked)  # type: ignore[arg-type]
    await shared.settled()
    for code in UPWARDS:
        ends = [(each["display_until"], each["false_material"]) for each in (await shared.revisions(record))[code]]
        assert ends == [(usual.isoformat(), False)] * 2 + [(longest.isoformat(), True)], code
        own = done(await shared[code].door("subject").get("/v1/me/file"))["records"]
        (mine,) = [each for each in own if each["record"] == record]
        assert (mine["display_until"], mine["false_material"]) == (longest.isoformat(), True), code
    again = {"kind": "repair", "record": record, "statement": "再次申请"}
    refused = await shared.city.door("subject").post("/v1/cases", json=again)
    assert (refused.status_code, refused.json()["code"]) == (409, "repair_barred")
    await shared.move_clock((usual - today).days + 1)
    try:
        assert await shown(shared, 505, record) == dict.fromkeys(UPWARDS, SHOWN)
        await shared.move_clock((longest - today).days)
        assert await shown(shared, 505, record) == dict.fromkeys(UPWARDS, GONE)
    finally:
        await shared.move_clock(0)
