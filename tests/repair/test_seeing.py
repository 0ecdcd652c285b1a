"""Who may see which case, and that every look and every refused attempt is in the person's log."""

from typing import Any
from uuid import uuid4

import pytest

from tests.repair.conftest import House, department, office, person
from tests.repair.refusing import refused


async def test_every_look_is_an_access_of_the_person(house: House):
    record = await house.record()
    case = await house.filed(record)
    digest = (await house.add(case, record.subject, "proof")).json()["digest"]
    before = len(await house.accesses_of(record.subject))
    looks: list[tuple[str, Any]] = [
        (f"/v1/cases/{case}", department()),
        (f"/v1/cases/{case}", office()),
        (f"/v1/cases/{case}", person(record.subject)),
        (f"/v1/cases/{case}/evidence/{digest}", department()),
        ("/v1/me/cases", person(record.subject)),
    ]
    for path, caller in looks:
        assert (await house.get(path, caller)).status_code == 200
    kept = (await house.accesses_of(record.subject))[before:]
    assert [(a["purpose"], a["ground"], a["caller"], a["party"], a["officer"], a["outcome"]) for a in kept] == [
        (*("case", "statutory", "department", "market", "Officer Qin"), "released"),
        (*("case", "statutory", "office", "credit_office", "Reviewer Lan"), "released"),
        ("case", "self", "subject", None, None, "released"),
        (*("case", "statutory", "department", "market", "Officer Qin"), "released"),
        ("case", "self", "subject", None, None, "released"),
    ]
    assert all(a["items"] == ["penalty"] and a["records"] == [str(record.record)] for a in kept)


async def test_anothers_case_looks_as_if_there_were_none_and_the_attempt_is_kept(house: House):
    record, stranger = await house.record(), await house.subject()
    case = await house.filed(record)
    digest = (await house.add(case, record.subject, "proof")).json()["digest"]
    for caller in (person(stranger), department("transport")):
        for tail in ("", f"/evidence/{digest}", "/certificate"):
            before = len(await house.accesses_of(record.subject))
            theirs = await house.get(f"/v1/cases/{case}{tail}", caller)
            nobodys = await house.get(f"/v1/cases/{uuid4()}{tail}", caller)
            refused(theirs, 404, "not_found")
            assert {**theirs.json(), "request_id": None} == {**nobodys.json(), "request_id": None}
            kept = (await house.accesses_of(record.subject))[before:]
            assert [(a["outcome"], a["reason"], a["party"]) for a in kept] == [("refused", "not_found", caller.party)]


async def test_a_credential_for_other_items_reads_and_does_nothing_of_this_one(house: House):
    record = await house.record(party="narrow")
    case = await house.filed(record)
    caller = department("narrow", items=frozenset({"verdict"}))
    refused(await house.get(f"/v1/cases/{case}", caller), 403, "outside_credential")
    refused(await house.act(case, caller, "accept"), 403, "outside_credential")
    assert [a["reason"] for a in (await house.accesses_of(record.subject))[-2:]] == ["outside_credential"] * 2
    page = (await house.get("/v1/cases", caller)).json()
    assert (page["items"], page["partial"]) == ([], True)
    assert (await house.get("/v1/cases", department("narrow"))).json()["partial"] is False


async def test_a_department_lists_what_is_on_its_records_and_an_office_everything(house: House):
    mine = await house.filed(await house.record(party="listing"))
    record = await house.record(party="listing")
    second = await house.filed(record, "objection", statement="not in a list")
    other = await house.filed(await house.record(party="unlisted"))

    async def listed(caller: Any, **params: Any) -> list[str]:
        cases: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            answer = await house.get("/v1/cases", caller, limit=1, **params, **cursor)
            assert answer.status_code == 200, answer.text
            assert "not in a list" not in answer.text
            cases += [entry["case"] for entry in answer.json()["items"]]
            if answer.json()["next"] is None:
                return cases
            cursor = {"cursor": answer.json()["next"]}

    assert await listed(department("listing")) == [mine, second]
    assert await listed(department("listing"), kind="objection") == [second]
    assert await listed(department("listing"), state="accepted") == []
    assert await listed(department("nobody")) == []
    assert {mine, second, other} <= set(await listed(office()))
    assert (await house.accesses_of(record.subject))[-1]["records"] == [str(record.record)]
    refused(await house.get("/v1/cases", office(), cursor="!"), 400, "bad_cursor")
    refused(await house.get("/v1/cases", office(), state="open"), 422, "invalid")


async def test_a_person_lists_their_own_newest_first(house: House):
    record = await house.record()
    first, second = await house.filed(record), await house.filed(record, "objection")
    page = (await house.get("/v1/me/cases", person(record.subject), limit=1)).json()
    rest = (await house.get("/v1/me/cases", person(record.subject), cursor=page["next"])).json()
    assert [entry["case"] for entry in (*page["items"], *rest["items"])] == [second, first]
    assert rest["next"] is None
    nobodys = (await house.get("/v1/me/cases", person(await house.subject()))).json()
    assert nobodys == {"items": [], "next": None, "partial": False, "unreadable": []}


@pytest.mark.parametrize("path", ["/v1/cases", "/v1/cases/{}", "/v1/cases/{}/certificate"])
async def test_a_bureau_has_no_business_here(house: House, path: str):
    bureau = type(office())(
        kind="bureau", party="bureau_a", credential="b", scopes=frozenset({"cases:handle", "me:read", "cases:file"})
    )
    refused(await house.get(path.format(uuid4()), bureau), 403, "forbidden")
