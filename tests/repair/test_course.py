"""The course of a case: each step by each actor in each state is allowed, or refused with exactly this problem."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from creditmesh.schemas.events import RecordChanged
from tests.repair.conftest import TODAY, House, department, office, person
from tests.repair.refusing import refused
from tests.repair.samples import a_catalogue, without_appeal

OVER = date(2026, 12, 1)
"""After every deadline of a case refused today."""
STATES = ["filed", "returned", "accepted", "approved", "refused", "refused, time over", "refused for good", "appealed",
          "closed"]  # fmt: skip
ACTIONS = ["accept", "return", "approve", "refuse", "appeal", "revoke"]
ALLOWED = {
    ("filed", "accept", "body"): "accepted",
    ("filed", "accept", "office"): "accepted",
    ("filed", "return", "body"): "returned",
    ("filed", "return", "office"): "returned",
    ("accepted", "approve", "body"): "approved",
    ("accepted", "refuse", "body"): "refused",
    ("refused", "appeal", "subject"): "appealed",
    ("appealed", "approve", "office"): "approved",
    ("approved", "revoke", "body"): "revoked",
    ("appealed", "refuse", "office"): "refused",
}
EFFECTS = {
    "repair": {"approve": "repair", "revoke": "reopen"},
    "objection": {"accept": "mark", "approve": "withdraw", "refuse": "unmark", "appeal": "mark", "revoke": "reopen"},
}
BODIES: dict[str, dict[str, Any]] = {
    "accept": {},
    "return": {"missing": ["statement"]},
    "approve": {"basis": "示信修〔2026〕3号"},
    "refuse": {"reason": "材料与事实不符"},
    "appeal": {"reason": "已履行完毕"},
    "revoke": {"reason": "整改材料系伪造", "basis": "示信撤〔2026〕1号"},
}


def expected(state: str, action: str, actor: str) -> tuple[int, str]:
    """The refusal of what is not allowed."""
    if actor in {"stranger", "other department"}:
        return 404, "not_found"
    if action == "appeal":
        if actor != "subject":
            return 403, "not_the_subject"
        return 409, "appeal_over" if state in {"refused, time over", "refused for good"} else "wrong_state"
    if actor == "subject":
        return 403, "not_for_the_subject"
    body, decides = actor.startswith("body"), action in {"approve", "refuse", "revoke"}
    offices = state == "appealed" or (action, state) == ("revoke", "refused for good")
    if decides and body == offices:
        return 403, "not_the_office" if body else "not_the_body"
    return (403, "officer_needed") if actor.endswith("system") else (409, "wrong_state")


def content(kind: str, action: str) -> dict[str, Any]:
    return BODIES[action] | ({"remedy": "withdraw"} if (kind, action) == ("objection", "approve") else {})


async def brought_to(house: House, kind: str, state: str) -> tuple[str, RecordChanged]:
    """A new case in that state."""
    record = await house.record()
    case = await house.filed(record, kind)
    await house.with_documents(case, record.subject)
    way: list[tuple[str, Any]] = {
        "filed": [],
        "returned": [("return", department())],
        "accepted": [("accept", department())],
        "approved": [("accept", department()), ("approve", department())],
        "refused": [("accept", department()), ("refuse", department())],
        "refused, time over": [("accept", department()), ("refuse", department())],
        "appealed": [("accept", department()), ("refuse", department()), ("appeal", person(record.subject))],
        "refused for good": [
            ("accept", office()), ("refuse", department()), ("appeal", person(record.subject)), ("refuse", office()),
        ],
        "closed": [],
    }[state]  # fmt: skip
    for action, caller in way:
        await house.acted(case, caller, action, **content(kind, action))
    if state == "approved":
        change = "repaired" if kind == "repair" else "withdrawn"
        await house.next_revision(record, change, case=UUID(case))
    if state == "closed":
        await house.next_revision(record, "withdrawn")
    if state == "refused, time over":
        house.on(OVER)
    return case, record


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", ["repair", "objection"])
async def test_each_step_by_each_actor_in_each_state(house: House, kind: str, state: str):
    case, record = await brought_to(house, kind, state)
    stranger = await house.subject()
    tried = 0
    for action in ACTIONS:
        for actor, caller in actors(record, stranger).items():
            if (state, action, actor) in ALLOWED:
                continue
            answer = await house.act(case, caller, action, **content(kind, action))
            refused(answer, *expected(state, action, actor))
            tried += 1
    assert tried > 25
    shown = (await house.get(f"/v1/cases/{case}", person(record.subject))).json()
    assert shown["state"] == {"refused, time over": "closed", "refused for good": "refused"}.get(state, state)
    told = len(await house.told_of(case))
    assert told == await house.steps(case), "no refused step told anything"


def actors(record: RecordChanged, stranger: Any) -> dict[str, Any]:
    return {
        "subject": person(record.subject),
        "stranger": person(stranger),
        "body": department(),
        "body's system": department(officer=None),
        "other department": department("transport"),
        "office": office(),
        "office's system": office(officer=None),
    }


@pytest.mark.parametrize("kind", ["repair", "objection"])
@pytest.mark.parametrize(("state", "action", "actor"), ALLOWED)
async def test_each_allowed_step_leads_where_it_should_and_does_what_it_should(
    house: House, kind: str, state: str, action: str, actor: str
):
    case, record = await brought_to(house, kind, state)
    caller = actors(record, None)[actor]
    shown = await house.acted(case, caller, action, **content(kind, action))
    assert shown["state"] == ALLOWED[state, action, actor]
    assert shown["final"] is (state == "appealed" and action == "refuse")
    (*_, last) = await house.told_of(case)
    assert last["state"] == shown["state"]
    assert last["effect"] == EFFECTS[kind].get(action)
    assert (last["party"], last["officer"]) == (caller.party, caller.officer)
    assert last["basis"] == BODIES[action].get("basis")
    step = shown["steps"][-1]
    assert (step["action"], step["party"], step["reason"]) == (action, caller.party, BODIES[action].get("reason"))
    assert step["legal_date"] == TODAY.isoformat()


async def test_a_refused_repair_changes_nothing_but_its_own_log(house: House):
    case, record = await brought_to(house, "repair", "refused for good")
    assert [step["effect"] for step in await house.told_of(case)] == [None] * 5
    shown = (await house.get(f"/v1/cases/{case}", person(record.subject))).json()
    assert (shown["marking"], shown["effect"]) == ("none", None)
    refused(await house.get(f"/v1/cases/{case}/certificate", person(record.subject)), 404, "no_certificate")


async def test_what_is_missing_is_listed_once_and_all_of_it(house: House):
    record = await house.record()
    case = await house.filed(record)
    forgotten = await house.act(case, department(), "return", missing=["proof"])
    assert [e["code"] for e in refused(forgotten, 422, "documents_missing")["errors"]] == ["commitment"]
    shown = await house.acted(case, department(), "return", missing=["proof", "commitment"])
    assert (shown["state"], shown["missing"], shown["due"]) == ("returned", ["proof", "commitment"], None)
    await house.add(case, record.subject, "proof")
    shown = (await house.get(f"/v1/cases/{case}", department())).json()
    assert (shown["state"], shown["missing"]) == ("returned", ["commitment"])
    house.on(date(2026, 5, 20))
    await house.add(case, record.subject, "commitment")
    shown = (await house.get(f"/v1/cases/{case}", department())).json()
    assert (shown["state"], shown["missing"], shown["due"]) == ("filed", [], "2026-05-25")
    assert [step["action"] for step in shown["steps"]] == ["file", "return", "complete"]
    refused(await house.act(case, department(), "return", missing=["statement"]), 409, "returned_before")
    await house.acted(case, department(), "accept")


async def test_a_document_from_before_the_return_is_not_what_it_was_returned_for(house: House):
    record = await house.record()
    case = await house.filed(record)
    await house.with_documents(case, record.subject)
    await house.acted(case, office(), "return", missing=["proof"])
    assert (await house.add(case, record.subject, "proof")).status_code == 200
    assert (await house.get(f"/v1/cases/{case}", office())).json()["state"] == "returned"
    await house.add(case, record.subject, "proof", b"%PDF-2.0\nthe better one\n%%EOF")
    assert (await house.get(f"/v1/cases/{case}", office())).json()["state"] == "filed"


async def test_a_repair_is_accepted_with_proof_and_commitment_only(house: House):
    record = await house.record()
    case = await house.filed(record)
    await house.add(case, record.subject, "proof")
    problem = refused(await house.act(case, department(), "accept"), 422, "documents_missing")
    assert [(e["code"], e["detail_zh"]) for e in problem["errors"]] == [("commitment", "缺少信用承诺书。")]


@pytest.mark.parametrize(
    ("action", "more", "fields"),
    [
        ("refuse", {}, ["reason"]),
        ("refuse", {"reason": "x", "remedy": "withdraw"}, ["remedy"]),
        ("refuse", {"missing": ["proof"]}, ["reason", "missing"]),
        ("approve", {}, ["remedy"]),
        ("approve", {"remedy": "withdraw", "missing": ["proof"]}, ["missing"]),
    ],
)
async def test_a_step_says_what_it_must_and_nothing_that_means_nothing(
    house: House, action: str, more: dict[str, Any], fields: list[str]
):
    case, _ = await brought_to(house, "objection", "accepted")
    problem = refused(await house.act(case, department(), action, **more), 422, "step_incomplete")
    assert [error["pointer"].strip("/") for error in problem["errors"]] == fields


async def test_an_objection_upheld_as_corrected_needs_a_correction_since_it_was_filed(house: House):
    record = await house.next_revision(await house.record(), "corrected")
    case = await house.filed(record, "objection")
    await house.acted(case, department(), "accept")
    marked = await house.next_revision(record, "marked", mark="disputed", case=case)
    refused(await house.act(case, department(), "approve", remedy="corrected"), 422, "not_corrected")
    corrected = await house.next_revision(marked, "corrected")
    await house.next_revision(corrected, "marked")
    shown = await house.acted(case, department(), "approve", remedy="corrected")
    assert (shown["state"], shown["steps"][-1]["effect"]) == ("approved", "unmark")


async def test_a_repair_is_not_approved_before_the_minimum_period(house: House):
    case, record = await brought_to(house, "repair", "accepted")
    await house.next_revision(record, "corrected", severity="serious")
    problem = refused(await house.act(case, department(), "approve"), 422, "too_early")
    assert "2027-01-05" in problem["detail"]
    assert (await house.told_of(case))[-1]["effect"] is None


async def test_where_nothing_can_be_appealed_a_refusal_is_final(house: House):

    house.follow(a_catalogue(procedures=without_appeal("repair")))
    case, record = await brought_to(house, "repair", "refused")
    shown = (await house.get(f"/v1/cases/{case}", person(record.subject))).json()
    assert (shown["state"], shown["final"], shown["appeal_until"], shown["appeal_open"]) == (
        *("refused", True), None, False,
    )  # fmt: skip
    refused(await house.act(case, person(record.subject), "appeal"), 409, "appeal_over")


async def test_an_appeal_waits_for_the_other_case_and_needs_a_record(house: House):
    case, record = await brought_to(house, "objection", "refused")
    other = await house.filed(record, "objection")
    refused(await house.act(case, person(record.subject), "appeal"), 409, "case_open")
    await house.next_revision(record, "withdrawn")
    assert (await house.get(f"/v1/cases/{other}", office())).json()["state"] == "closed"
    refused(await house.act(case, person(record.subject), "appeal"), 409, "record_not_shown")


async def test_a_step_needs_the_state_it_was_decided_on(house: House):
    record = await house.record()
    case = await house.filed(record)
    await house.with_documents(case, record.subject)
    read = await house.get(f"/v1/cases/{case}", department())
    assert read.headers["etag"] == '"1"'
    refused(await house.act(case, department(), "accept", etag="none"), 400, "bad_if_match")
    stale = await house.act(case, department(), "accept", etag='"7"')
    refused(stale, 412, "stale")
    assert stale.headers["etag"] == '"1"'
    for never in ('W/"1"', '"01"'):
        refused(await house.act(case, department(), "accept", etag=never), 412, "stale")
    accepted = await house.act(case, department(), "accept", etag='"1"')
    assert (accepted.status_code, accepted.headers["etag"]) == (200, '"2"')
    refused(await house.act(case, department(), "accept", etag='"1"'), 412, "stale")
