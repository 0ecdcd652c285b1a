"""Held rows wait sealed for a named officer, who releases them into their record or refuses them."""

import asyncio
from uuid import UUID, uuid4

import httpx
import pytest

from creditmesh.ingestion import service as ingestion
from creditmesh.ingestion.migrations.ingestion_0006_refused_rows import REFUSED
from creditmesh.ingestion.operations.records import candidates
from tests.ingestion.conftest import MARKET_CALLER, OFFICE, OFFICER, PENALTY, House, department, told
from tests.ingestion.rows import TODAY, penalty, person_penalty, resident
from tests.support.postgres import Postgres

STORED = """
insert into ingestion.review (id, at, legal_date, party, item, item_version, lane, row, rev, subject, fingerprint,
                              mac_key, mac_alg, reasons, sealed, state, verdict)
values ($1, now(), current_date, 'market', 'penalty', 1, 'live', 1, 0, $1, $2, 'k', 'a', '[]', '[1]', $3, $4)
"""


async def held(house: House, row: dict[str, str] | None = None) -> tuple[str, dict[str, str]]:
    row = row or penalty(house.number(), CF_NR_FK="2000")
    answer = await house.submit(row)
    assert answer.status_code == 202, answer.text
    return answer.json()["review"], row


async def decide(house: House, review: str, decision: str = "release", *, caller=OFFICER, **more) -> httpx.Response:
    headers = more.pop("headers", {})
    async with house.client(caller) as client:
        return await client.post(f"/v1/reviews/{review}/decision", json={"decision": decision} | more, headers=headers)


async def revisions(house: House) -> int:
    return (await house.count())[0]


async def test_a_held_row_is_no_record_until_an_officer_releases_it(house: House):
    before = await revisions(house)
    review, row = await held(house)
    assert await revisions(house) == before
    answer = await decide(house, review, note="已核对纸质文书")
    assert (answer.status_code, answer.json()["verdict"], answer.json()["rev"]) == (201, "accepted", 1)
    record = answer.json()["record"]
    assert answer.headers["location"] == f"/v1/records/{record}"
    (event,) = await house.events(record)
    assert (event.officer, event.party, event.fields["CF_NR_FK"]) == ("W-17", "market_regulation", "2000")
    assert event.submission is not None
    (stored,) = await house.fetch("select * from ingestion.review where id = $1", UUID(review))
    assert (stored["state"], stored["officer"], stored["note"]) == ("released", "W-17", "已核对纸质文书")
    again = await house.submit(row)
    assert (again.status_code, again.json()["reasons"][0]["code"]) == (200, "same")


async def test_a_held_row_whose_number_is_none_is_not_released(house: House):
    """As rows that were held for such a number by an earlier version, which knew no fillers."""
    row = person_penalty(house.number(), CF_NR_FK="2000", CF_XDR_ZJLX="护照", CF_XDR_ZJHM="SAMPLE0001")
    review, _ = await held(house, row)
    directory = house.equipment.followed
    words = directory.code_set("number_filler", on=TODAY)
    value = words.values[0].model_copy(update={"aliases": (*words.values[0].aliases, "sample-0001")})
    directory.tell("code_set", words.model_copy(update={"values": (value, *words.values[1:])}), number=2)
    try:
        answer = await decide(house, review)
    finally:
        directory.tell("code_set", words, number=3)
    assert (answer.status_code, answer.json()["code"]) == (422, "refused")
    assert [(e["code"], e["pointer"]) for e in answer.json()["errors"]] == [("number_filler", "/CF_XDR_ZJHM")]
    assert "SAMPLE0001" not in answer.text
    (stored,) = await house.fetch("select state from ingestion.review where id = $1", UUID(review))
    assert stored["state"] == "held"


async def test_the_same_held_row_is_the_same_review(house: House):
    review, row = await held(house)
    before = await house.count()
    again = await house.submit(row)
    assert (again.status_code, again.json()["review"]) == (202, review)
    verdicts, _ = told(await house.submit([row, row]))
    assert {each["review"] for each in verdicts} == {review}
    assert (await house.count())[2] == before[2]


async def test_only_a_named_officer_decides(house: House):
    review, _ = await held(house)
    answer = await decide(house, review, caller=MARKET_CALLER)
    assert (answer.status_code, answer.json()["code"]) == (403, "officer_needed")
    unscoped = department(officer="W-17", scopes=frozenset({"records:read"}))
    assert (await decide(house, review, caller=unscoped)).status_code == 403
    assert (await house.fetch("select state from ingestion.review where id = $1", UUID(review)))[0]["state"] == "held"


async def test_a_refused_row_stays_refused(house: House):
    review, row = await held(house)
    answer = await decide(house, review, "refuse", note="金额有误")
    assert (answer.status_code, answer.json()["verdict"]) == (200, "refused")
    again = await house.submit(row)
    assert again.status_code == 422
    assert [error["code"] for error in again.json()["errors"]] == ["fine_unit", "review_refused"]
    assert (await house.submit(row | {"CF_NR_FK": "0.2"})).status_code == 201


async def test_a_review_is_decided_once(house: House):
    review, _ = await held(house)
    answers = await asyncio.gather(*(decide(house, review, word) for word in ("release", "refuse", "release")))
    assert sorted(answer.status_code for answer in answers)[1:] == [409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"already_decided"}


async def test_a_decision_under_a_key_is_answered_alike(house: House):
    for decision, status in (("release", 201), ("refuse", 200)):
        review, _ = await held(house)
        headers = {"Idempotency-Key": f"d-{review}"}
        first = await decide(house, review, decision, headers=headers)
        again = await decide(house, review, decision, headers=headers)
        assert (first.status_code, again.status_code) == (status, status)
        assert first.json() == again.json()
        assert again.headers["idempotency-replayed"] == "true"


async def test_a_held_row_never_rolls_back_what_came_after_it(house: House):
    number = house.number()
    review, row = await held(house, penalty(number, CF_NR_FK="2000"))
    assert (await house.submit(row | {"CF_NR_FK": "0.2"})).status_code == 201
    answer = await decide(house, review)
    assert (answer.status_code, answer.json()["code"]) == (409, "overtaken")
    assert (await house.fetch("select state from ingestion.review where id = $1", UUID(review)))[0]["state"] == "held"
    assert (await decide(house, review, "refuse")).status_code == 200


async def test_a_held_correction_is_released_into_its_record(house: House):
    row = penalty(house.number())
    record = (await house.submit(row)).json()["record"]
    async with house.client() as client:
        answer = await client.post(
            f"/v1/records/{record}/corrections",
            json={"fields": row | {"CF_NR_FK": "2000"}, "reason": "changed", "basis": "示市监更正〔2026〕9号"},
            headers={"If-Match": '"1"'},
        )
    released = await decide(house, answer.json()["review"])
    assert (released.status_code, released.json()["record"], released.json()["rev"]) == (201, record, 2)
    _, event = await house.events(record)
    assert (event.change, event.reason, event.basis, event.officer) == (
        "corrected",
        "changed",
        "示市监更正〔2026〕9号",
        "W-17",
    )


async def test_the_list_says_why_and_not_what(house: House):
    row = person_penalty(house.number(), CF_XDR_MC="未见之名", CF_NR_FK="2000")
    review, _ = await held(house, row)
    before = len(await house.accesses())
    async with house.client() as client:
        found, cursor = [], None
        while True:
            page = (
                await client.get("/v1/reviews", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
            ).json()
            found += page["items"]
            if (cursor := page["next"]) is None:
                break
    (entry,) = [each for each in found if each["review"] == review]
    assert [reason["code"] for reason in entry["reasons"]] == ["fine_unit"]
    assert len({each["review"] for each in found}) == len(found)
    assert "未见之名" not in str(found)
    assert row["CF_XDR_ZJHM"] not in str(found)
    assert len(await house.accesses()) == before


async def test_looking_at_a_held_row_is_an_access(house: House):
    row = person_penalty(house.number(), CF_NR_FK="2000")
    review, _ = await held(house, row)
    before = len(await house.accesses())
    async with house.client(OFFICER) as client:
        answer = await client.get(f"/v1/reviews/{review}")
    assert answer.json()["fields"] == row
    (access,) = (await house.accesses())[before:]
    (stored,) = await house.fetch("select subject from ingestion.review where id = $1", UUID(review))
    assert (access["subject"], access["purpose"], access["officer"]) == (str(stored["subject"]), "review", "W-17")


async def test_reviews_are_the_partys_own_and_the_offices(house: House):
    review, _ = await held(house)
    other = department("transport", officer="T-1")
    async with house.client(other) as client:
        assert (await client.get(f"/v1/reviews/{review}")).status_code == 404
        assert review not in (await client.get("/v1/reviews", params={"limit": 200})).text
    assert (await decide(house, review, caller=other)).status_code == 404
    assert (await decide(house, str(uuid4()))).status_code == 404
    async with house.client(OFFICE) as client:
        assert review in (await client.get("/v1/reviews", params={"limit": 200})).text
    released = await decide(house, review, caller=OFFICE)
    assert released.status_code == 201
    (event,) = await house.events(released.json()["record"])
    assert (event.party, event.officer) == ("market_regulation", "O-1")


async def test_somebody_elses_held_row_is_not_there_and_the_person_sees_who_tried(house: House):
    review, _ = await held(house, person_penalty(house.number(), CF_NR_FK="2000"))
    (stored,) = await house.fetch("select subject from ingestion.review where id = $1", UUID(review))
    other = department("transport", officer="T-1")
    limited = department(officer="W-17", items=frozenset({"administrative_licence"}), credential="limited")
    before = len(await house.accesses())
    for caller, status in ((other, 404), (limited, 403)):
        async with house.client(caller) as client:
            assert (await client.get(f"/v1/reviews/{review}")).status_code == status
            page = await client.get("/v1/reviews", params={"limit": 200})
            assert (review in page.text, page.json()["partial"]) == (False, caller is limited)
        assert (await decide(house, review, caller=caller)).status_code == status
    assert [
        (each["subject"], each["party"], each["purpose"], each["outcome"], each["reason"])
        for each in (await house.accesses())[before:]
    ] == [
        (str(stored["subject"]), "transport", "review", "refused", "not_found"),
        (str(stored["subject"]), "transport", "review", "refused", "not_found"),
        (str(stored["subject"]), "market_regulation", "review", "refused", "not_authorised"),
        (str(stored["subject"]), "market_regulation", "review", "refused", "not_authorised"),
    ]


async def test_a_decided_row_is_shown_no_more(house: House):
    for decision in ("release", "refuse"):
        review, row = await held(house)
        async with house.client(OFFICER) as client:
            assert (await client.get(f"/v1/reviews/{review}")).json()["fields"] == row
            await decide(house, review, decision)
            before = len(await house.accesses())
            answer = (await client.get(f"/v1/reviews/{review}")).json()
        assert (answer["fields"], answer["officer"]) == ({}, "W-17")
        assert {each["outcome"] for each in (await house.accesses())[before:]} == {"nothing"}


async def test_what_a_refused_row_said_is_kept_no_longer(house: House):
    row = person_penalty(house.number(), CF_NR_FK="2000")
    review, _ = await held(house, row)
    kept = "select subject, fingerprint, reasons, row from ingestion.review where id = $1"
    before = await house.fetch(kept, UUID(review))
    await decide(house, review, "refuse", note="金额有误")
    (stored,) = await house.fetch("select * from ingestion.review where id = $1", UUID(review))
    assert stored["sealed"] == "[]"
    assert [stored[name] for name in before[0]] == list(before[0].values())
    async with house.client(OFFICER) as client:
        shown = (await client.get(f"/v1/reviews/{review}")).json()
    assert (shown["state"], shown["officer"], shown["note"]) == ("refused", "W-17", "金额有误")
    assert [reason["code"] for reason in shown["reasons"]] == ["fine_unit"]
    assert (await house.submit(row)).json()["errors"][-1]["code"] == "review_refused"
    late = await decide(house, review)
    assert (late.status_code, late.json()["code"]) == (409, "already_decided")


async def test_a_row_that_finds_its_record_closed_is_refused_and_kept_no_longer(house: House):
    number = house.number()
    record = (await house.submit(penalty(number))).json()["record"]
    review, _ = await held(house, penalty(number, CF_NR_FK="2000"))
    async with house.client() as client:
        headers = {"If-Match": '"1"'}
        await client.post(f"/v1/records/{record}/withdrawal", json={"reason": "error"}, headers=headers)
    await house.fetch("update ingestion.review set rev = 2 where id = $1", UUID(review))
    assert (await decide(house, review)).json()["verdict"] == "refused"
    (stored,) = await house.fetch("select state, sealed from ingestion.review where id = $1", UUID(review))
    assert tuple(stored.values()) == ("released", "[]")


async def test_what_stands_refused_is_blanked_by_the_upgrade_and_nothing_else_is(postgres: Postgres):
    database = await postgres.database(node="city", packages=[ingestion])
    ids = {state: uuid4() for state in ("held", "released", "refused")}
    async with database.session() as session:
        for state, review in ids.items():
            verdict = {"released": "accepted", "refused": "refused"}.get(state)
            await session.execute(STORED, review, str(review).encode(), state, verdict)
        await session.execute(REFUSED)
        left = {each["id"]: each["sealed"] for each in await session.fetch("select id, sealed from ingestion.review")}
    assert left == {ids["held"]: "[1]", ids["released"]: "[1]", ids["refused"]: "[]"}


async def test_a_held_row_of_an_item_that_is_out_of_force_is_shown_no_more(house: House):
    review, _ = await held(house)
    directory = house.equipment.followed
    item = directory.item("administrative_penalty", on=house.equipment.clock.legal_date())
    directory.tell("item", item, state="withdrawn", number=2)
    try:
        async with house.client(OFFICER) as client:
            assert (await client.get(f"/v1/reviews/{review}")).json()["fields"] == {}
        assert (await decide(house, review)).status_code == 404
    finally:
        directory.tell("item", item, number=3)
    assert (await decide(house, review)).status_code == 201


async def test_a_row_that_is_doubted_only_now_but_was_accepted_before_is_unchanged(house: House):
    number = house.number()
    review, row = await held(house, penalty(number, CF_NR_FK="2000"))
    await decide(house, review)
    other = department(credential="x")
    assert (await house.submit(row, caller=other)).status_code == 200


async def test_how_a_held_row_was_recognised_before_is_made_once(house: House, monkeypatch: pytest.MonkeyPatch):
    number = resident(house.number())
    doubtful = [penalty(house.number(), CF_NR_FK="2000") for _ in range(3)]
    named = [person_penalty(house.number(), CF_XDR_MC=name, CF_XDR_ZJHM=number) for name in ("韩某巳", "杨某午")]
    made: list[object] = []
    text_of = candidates.former_fingerprint_text
    monkeypatch.setattr(candidates, "former_fingerprint_text", lambda *given: made.append(given) or text_of(*given))
    verdicts, _ = told(await house.submit([*doubtful, *named]))
    assert [each["verdict"] for each in verdicts] == ["held"] * 3 + ["accepted", "held"]
    versions = [each for each in house.equipment.followed.versions("item", PENALTY) if each.state == "published"]
    assert len(made) == 5 * len(versions)
