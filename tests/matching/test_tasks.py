"""The inbox: whose tasks, for whom, in which state; answers; and that a task never outlives its ground."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4

import pytest

from creditmesh.chassis.context import Context, lock_key
from creditmesh.matching import service
from creditmesh.matching.naming import task_id
from creditmesh.schemas.events import RecordChanged, RecordPurged
from tests.matching.catalogue import BAR, BASIS, TODAY, a_record, item, measure, party, revised
from tests.matching.conftest import House, a_person, an_organisation, department, given
from tests.support.erasing import erase

NOT_DONE = {"outcome": "not_executed", "reason": "the procedure was closed before"}


async def inbox(house: House, party: str = "permits_office", *, state: str = "open", **more):
    found, cursor = [], None
    while True:
        params = {"state": state, "limit": 3} | more | ({} if cursor is None else {"cursor": cursor})
        answer = await house.get("/v1/tasks", department(party), **params)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if (cursor := answer.json()["next"]) is None:
            return found


async def answered(
    house: House, task: dict, party: str = "permits_office", *, key: str | None = None, etag: str | None = None, **body
):
    """An answer decided on that ETag; under a key on the task as it was given, else on the task as it is."""
    body = {"officer": "W-17"} | (body or {"outcome": "applied"})
    headers = {} if key is None else {"Idempotency-Key": key}
    if etag is None and key is None:
        etag = (await house.get(f"/v1/tasks/{task['id']}", department(party))).headers.get("etag")
    headers["If-Match"] = etag or f'"{task.get("answers", 0)}"'
    return await house.post(f"/v1/tasks/{task['id']}/feedback", body, department(party), headers=headers)


@asynccontextmanager
async def held(house: House, subject: UUID) -> AsyncIterator[None]:
    """The subject's lock, in the hands of somebody else."""
    async with house.database.session() as session, session.transaction():
        await session.execute("select pg_advisory_xact_lock($1, $2)", service.lock_class, lock_key(subject))
        yield


def by_measure(tasks: list[dict]) -> list[tuple[str, str]]:
    return sorted((task["measure"], task["role"]) for task in tasks)


async def sealed(house: House, subject, record, boss, **fields):
    ciphers = await house.equipment.vault.open([subject] if boss is None else [subject, boss])
    about = subject if boss is None else boss
    where = "subject" if boss is None else "representative"
    return [ciphers[about].seal(fields, object=record, field=where).model_dump()]


async def test_a_listing_makes_the_tasks_of_who_has_the_duty_and_of_nobody_else(house: House):
    firm, boss = await house.subject(an_organisation()), await house.subject(a_person())
    await house.load(a_record(firm, boss=boss))
    assert by_measure(await inbox(house)) == [("bar", "listed"), ("luxury", "listed"), ("luxury", "responsible")]
    spenders = [("elsewhere", "listed"), ("luxury", "listed"), ("luxury", "responsible")]
    assert by_measure(await inbox(house, "spenders")) == spenders
    assert by_measure(await inbox(house, "both")) == sorted([("bar", "listed"), *spenders])
    assert await inbox(house, "library") == await inbox(house, "unheard_of") == []


async def test_a_task_names_whom_it_is_for_and_they_find_that_in_their_log(house: House):
    firm, boss, record = await house.subject(an_organisation()), await house.subject(a_person()), uuid4()
    texts = await sealed(house, firm, record, boss, BOSS="殷沙盒", BOSS_ID="990000196001010011")
    await house.load(a_record(firm, record=record, boss=boss, sealed=texts, mark="disputed"))
    found = {(task["measure"], task["role"]): task for task in await inbox(house, "spenders", limit=50)}
    task = found["luxury", "responsible"]
    assert task["subject"] == {"kind": "natural_person", "name": "殷沙盒", "number": "990000196001010011"}
    assert found["luxury", "listed"]["subject"] == {
        "kind": "organisation", "name": "沙盒一号有限公司", "number": "91990000MA0000001R",
    }  # fmt: skip
    assert (task["record"], task["list"], task["origin"], task["mark"]) == (str(record), "black", "city", "disputed")
    assert (task["name"], task["name_zh"], task["nature"]) == ("luxury", "措施", "restriction")
    assert task["task"] == str(task_id(record=record, subject=boss, measure="luxury", party="spenders"))
    assert str(boss) not in str(found)
    for subject in (firm, boss):
        (access,) = await house.accesses_of(subject)
        assert (access.purpose, access.ground, access.outcome, access.party) == (
            "task", "statutory", "released", "spenders",
        )  # fmt: skip
        assert access.records == (record,)


async def test_a_listed_person_is_named_to_who_must_act(house: House):
    person, record = await house.subject(a_person()), uuid4()
    texts = await sealed(house, person, record, None, NAME="沈沙盒", ID="990000196001010011")
    await house.load(a_record(person, kind="natural_person", record=record, sealed=texts, fields={"DOC": "x"}))
    (task,) = await inbox(house)
    assert (task["measure"], task["subject"]["name"], task["subject"]["number"]) == (
        "bar", "沈沙盒", "990000196001010011",
    )  # fmt: skip


async def test_pages_have_every_task_once_and_no_subjects_id(house: House):
    for _ in range(4):
        firm, boss = await house.subject(an_organisation()), await house.subject(a_person())
        await house.load(a_record(firm, boss=boss))
    whole = await inbox(house, limit=200)
    assert len(whole) == 12
    for limit in (1, 2, 5):
        assert [task["id"] for task in await inbox(house, limit=limit)] == [task["id"] for task in whole]
    assert [task["id"] for task in whole] == sorted(task["id"] for task in whole)


async def test_an_answer_is_kept_told_and_moves_the_task(house: House):
    firm = await house.subject(an_organisation())
    change = a_record(firm)
    await house.load(change)
    task = next(task for task in await inbox(house) if task["measure"] == "bar")
    answer = await answered(house, task, **NOT_DONE)
    assert answer.status_code == 201, answer.text
    assert answer.json()["task"] == task["task"]
    told = (await house.answers())[-1]
    assert (str(told.task), told.subject, told.record, told.rev) == (task["task"], firm, change.record, 1)
    assert (told.list, told.measure, told.party, told.outcome, told.officer) == (
        "black", "bar", "permits_office", "not_executed", "W-17",
    )  # fmt: skip
    assert [each["measure"] for each in await inbox(house)] == ["luxury"]
    (kept,) = await inbox(house, state="answered")
    assert (kept["id"], kept["answer"]["outcome"], kept["answer"]["reason"]) == (
        task["id"], "not_executed", NOT_DONE["reason"],
    )  # fmt: skip
    assert (await answered(house, task, outcome="applied")).status_code == 201
    (kept,) = await inbox(house, state="answered")
    assert kept["answer"]["outcome"] == "applied"
    assert len(await inbox(house, "both", limit=50)) == 3  # another's answer is not theirs


async def test_what_was_applied_is_withdrawn_when_its_ground_ends_until_it_is_lifted(house: House):
    firm = await house.subject(an_organisation())
    change = a_record(firm)
    await house.load(change)
    bar, luxury = await inbox(house)
    assert (await answered(house, bar, outcome="lifted")).status_code == 409
    await answered(house, bar)
    await answered(house, luxury, **NOT_DONE)
    ended = revised(change, state="withdrawn", reason="removed")
    await house.load(ended)
    assert await inbox(house) == await inbox(house, state="answered") == []
    (task,) = await inbox(house, state="withdrawn")
    assert (task["id"], task["state"], task["subject"]["name"]) == (bar["id"], "withdrawn", "沙盒一号有限公司")
    assert (await house.get(f"/v1/tasks/{bar['id']}")).json()["state"] == "withdrawn"
    assert (await house.get(f"/v1/tasks/{luxury['id']}")).status_code == 404
    assert (await answered(house, bar, outcome="applied")).status_code == 409
    assert (await answered(house, luxury, outcome="lifted")).status_code == 404
    assert (await answered(house, bar, outcome="lifted")).status_code == 201
    (task,) = await inbox(house, state="closed")
    assert (task["state"], task["subject"], task["answer"]["outcome"]) == ("closed", None, "lifted")
    assert (await answered(house, bar, outcome="lifted")).status_code == 409
    assert await inbox(house, state="withdrawn") == []
    await house.load(revised(ended, state="published", mark=None))
    assert by_measure(await inbox(house)) == [("bar", "listed")]  # its ground came back: it is to be answered anew
    assert by_measure(await inbox(house, state="answered")) == [("luxury", "listed")]


async def test_what_was_applied_is_to_be_lifted_even_when_its_record_is_deleted(house: House):
    firm = await house.subject(an_organisation())
    change = a_record(firm)
    await house.load(change)
    bar, luxury = await inbox(house)
    await answered(house, bar)
    await answered(house, luxury, **NOT_DONE)
    await house.load(revised(change, state="withdrawn", reason="removed"))
    await house.purge(RecordPurged(record=change.record, subject=firm, item=change.item))
    (left,) = await house.fetch("select measure, data from matching.feedback where record = $1", change.record)
    assert left["measure"] == bar["measure"]
    kept = RecordChanged.model_validate_json(left["data"])
    assert (kept.fields, kept.severity) == ({"NAME": "沙盒一号有限公司", "CODE": "91990000MA0000001R"}, None)
    assert await lifted_forgotten(house, TODAY + timedelta(days=9)) == 0
    (task,) = await inbox(house, state="withdrawn")
    assert (task["id"], task["subject"]["name"]) == (bar["id"], "沙盒一号有限公司")
    for _ in range(2):
        again = await answered(house, task, key=f"lifted-{change.record}", officer="W-17", outcome="lifted")
        assert again.status_code == 201, again.text
    assert await inbox(house, state="withdrawn") == []
    assert await lifted_forgotten(house, date(2000, 1, 1)) == 0
    assert await lifted_forgotten(house, date(2100, 1, 1)) == 1
    assert await house.fetch("select from matching.feedback where record = $1", change.record) == []


async def lifted_forgotten(house: House, before: date) -> int:
    """Prune as if keys were kept until that day: of how many tasks the answers went."""
    context = Context(house.equipment)
    try:
        given = {"before": datetime.combine(before, time(), UTC), "most": 1000}
        ((gone, _),) = await (await context.session()).fetch(service.prunes[-1].statement, given)
        await context.commit()
    finally:
        await context.rollback()
    return gone


async def test_of_whom_a_deleted_record_named_nothing_stays_but_what_says_who_they_are(house: House):
    firm, boss, record = await house.subject(an_organisation()), await house.subject(a_person()), uuid4()
    said = {"BOSS": "殷沙盒", "BOSS_ID": "990000196001010011", "OTHER": "与本人有关的其他内容"}
    texts = await sealed(house, firm, record, boss, **said)
    change = a_record(firm, record=record, boss=boss, sealed=texts)
    await house.load(change)
    luxury = next(each for each in await inbox(house) if each["role"] == "responsible")
    await answered(house, luxury)
    await house.load(revised(change, state="withdrawn", reason="removed"))
    await house.purge(RecordPurged(record=record, subject=firm, item=change.item, named=(boss,)))
    (task,) = await inbox(house, state="withdrawn")
    assert task["subject"]["number"] == "990000196001010011"
    (left,) = await house.fetch("select data from matching.feedback where record = $1", record)
    kept = RecordChanged.model_validate_json(left["data"])
    (text,) = kept.sealed
    ciphers = await house.equipment.vault.open([boss])
    assert ciphers[boss].unseal(text, object=record, field=text.field) == {k: said[k] for k in ("BOSS", "BOSS_ID")}
    assert (kept.fields, kept.related) == ({}, ())


async def test_a_discharge_outlives_the_deletion_of_its_record(house: House):
    firm, boss = await house.subject(an_organisation()), await house.subject(a_person())
    change = a_record(firm, boss=boss)
    discharged = revised(change, change="discharged", about=boss)
    ended = revised(discharged, change="withdrawn", state="withdrawn", about=None)
    await house.load(change, discharged, ended)
    await house.purge(RecordPurged(record=change.record, subject=firm, item=change.item, named=(boss,)))
    await house.load(revised(ended, change="reopened", state="published"))
    mine = [task for task in await inbox(house, limit=200) if task["record"] == str(change.record)]
    assert by_measure(mine) == [("bar", "listed"), ("luxury", "listed")]


@pytest.mark.parametrize("end", ["expired", "item", "measure", "list", "duty", "repaired"])
async def test_every_end_of_a_ground_withdraws_the_task_at_once(house: House, end: str):
    firm = await house.subject(an_organisation())
    change = a_record(firm)
    await house.load(change)
    bar = (await inbox(house))[0]
    await answered(house, bar)
    match end:
        case "expired":
            house.on(change.display_until)
        case "item":
            house.catalogue.withdraw("item", "default")
        case "measure":
            house.catalogue.withdraw("measure", "bar")
        case "list":
            house.catalogue.withdraw("list", "black")
        case "duty":
            house.catalogue.tell("measure", measure("bar", "black", duties=("spending",)))
        case "repaired":
            await house.load(revised(change, state="repaired"))
    assert [task["id"] for task in await inbox(house, state="withdrawn")] == [bar["id"]]
    assert "bar" not in {task["measure"] for task in await inbox(house)}


async def test_a_measure_changes_the_inbox_from_its_day_on_and_not_before(house: House):
    firm = await house.subject(an_organisation())
    await house.load(a_record(firm))
    before = by_measure(await inbox(house))
    later = TODAY + timedelta(days=7)
    house.catalogue.tell("measure", measure("more", "black"), effective=later)
    house.catalogue.withdraw("measure", "bar", on=later)
    assert by_measure(await inbox(house)) == before
    house.on(later)
    assert by_measure(await inbox(house)) == [("luxury", "listed"), ("more", "listed")]
    assert {task["since"] for task in await inbox(house)} == {TODAY.isoformat(), later.isoformat()}
    house.catalogue.tell("measure", measure("luxury", "grey"), effective=later)
    assert by_measure(await inbox(house)) == [("more", "listed")]


async def test_a_measure_whose_basis_is_not_in_force_applies_to_nobody(house: House):
    await house.load(a_record(await house.subject(an_organisation())))
    ended = BASIS[0].model_copy(update={"in_force_until": TODAY - timedelta(days=1)})
    house.catalogue.tell("measure", BAR.model_copy(update={"basis": (ended,)}))
    assert by_measure(await inbox(house)) == [("luxury", "listed")]


async def test_a_correction_to_another_representative_moves_the_task_and_keeps_whom_to_release(house: House):
    firm, old, new = [await house.subject(each) for each in (an_organisation(), a_person(), a_person())]
    record = uuid4()
    texts = await sealed(house, firm, record, old, BOSS="殷沙盒")
    change = a_record(firm, record=record, boss=old, sealed=texts)
    await house.load(change)
    mine = next(task for task in await inbox(house) if task["role"] == "responsible")
    await answered(house, mine)
    texts = await sealed(house, firm, record, new, BOSS="沈沙盒")
    await house.load(revised(change, boss=new, sealed=texts))
    (other,) = [task for task in await inbox(house) if task["role"] == "responsible"]
    assert (other["subject"]["name"], other["id"] == mine["id"]) == ("沈沙盒", False)
    (left,) = await inbox(house, state="withdrawn")
    assert (left["id"], left["subject"]["name"]) == (mine["id"], "殷沙盒")
    rows = await house.fetch("select subject from matching.standing where record = $1", record)
    assert {row["subject"].bytes for row in rows} == {firm.bytes, new.bytes}


async def test_a_discharged_person_has_no_task_and_no_restriction_by_it_whatever_comes_after(house: House):
    firm, who = await house.subject(an_organisation()), a_person()
    boss = await house.subject(who)
    change = a_record(firm, boss=boss)
    await house.load(change)
    mine = next(task for task in await inbox(house) if task["role"] == "responsible")
    await answered(house, mine)
    discharged = revised(change, change="discharged", about=boss)
    corrected = revised(discharged, change="corrected", about=None)
    for batch in ((discharged,), (corrected,), (discharged,)):
        await house.load(*batch)
        assert {task["role"] for task in await inbox(house)} == {"listed"}
        assert [task["id"] for task in await inbox(house, state="withdrawn")] == [mine["id"]]
    screened = await house.post("/v1/screenings", given(who), params={"matter": "permit", "officer": "W-17"})
    assert screened.json()["designations"] == []


async def test_a_discharge_in_the_batch_that_begins_the_record_is_one_all_the_same(house: House):
    firm, boss = await house.subject(an_organisation()), await house.subject(a_person())
    change = a_record(firm, boss=boss)
    discharged = revised(change, change="discharged", about=boss)
    await house.load(change, discharged, revised(discharged, change="corrected", about=None))
    assert {task["role"] for task in await inbox(house)} == {"listed"}


async def test_a_task_of_another_party_looks_as_if_there_were_none(house: House):
    firm = await house.subject(an_organisation())
    await house.load(a_record(firm))
    bar = next(task for task in await inbox(house) if task["measure"] == "bar")
    nobodys = f"{uuid4()}.{'0' * 12}.bar"
    for method in ("get", "feedback"):
        shown = []
        for name in (bar["id"], nobodys, "x", "' or 1=1"):
            if method == "get":
                answer = await house.get(f"/v1/tasks/{name}", department("spenders"))
            else:
                answer = await answered(house, {"id": name}, "spenders")
            assert answer.status_code == 404
            shown.append({key: value for key, value in answer.json().items() if key != "request_id"})
        assert all(each == shown[0] for each in shown)
    assert await house.answers() == [] or (await house.answers())[-1].record != bar["record"]
    attempts = [each for each in await house.accesses_of(firm) if each.party == "spenders"]
    assert [(each.outcome, each.reason, each.items) for each in attempts] == [
        ("refused", "not_found", ("default",))
    ] * 3


async def test_who_tries_a_task_that_is_no_more_is_in_the_persons_log(house: House):
    firm = await house.subject(an_organisation())
    change = a_record(firm)
    await house.load(change)
    task = (await inbox(house))[0]
    await house.load(revised(change, state="withdrawn"))
    assert (await house.get(f"/v1/tasks/{task['id']}")).status_code == 404
    assert [each.reason for each in await house.accesses_of(firm) if each.outcome == "refused"] == ["not_found"]


async def test_of_twelve_answers_to_one_task_at_once_one_stands(house: House):
    firm = await house.subject(an_organisation())
    await house.load(a_record(firm))
    task = (await inbox(house))[0]
    bodies = [{"outcome": "applied"} if place % 2 else NOT_DONE for place in range(12)]
    async with held(house, firm):  # until some have read the task and wait for its subject
        asking = [asyncio.create_task(answered(house, task, etag='"0"', **body)) for body in bodies]
        waiting = "select count(*) > 1 as several from pg_locks where locktype = 'advisory' and not granted"
        while not (await house.fetch(waiting))[0]["several"]:  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.01)
    answers = await asyncio.gather(*asking)
    assert sorted(answer.status_code for answer in answers) == [201, *[412] * 11]
    stale = next(answer for answer in answers if answer.status_code == 412)
    assert (stale.json()["code"], stale.headers["etag"]) == ("stale", '"1"')
    (stood,) = [answer.json()["outcome"] for answer in answers if answer.status_code == 201]
    read = await house.get(f"/v1/tasks/{task['id']}")
    assert (read.json()["answer"]["outcome"], read.json()["answers"], read.headers["etag"]) == (stood, 1, '"1"')
    assert (await answered(house, read.json(), outcome="applied")).status_code == 201


async def test_an_answer_names_the_state_it_was_decided_on(house: House):
    await house.load(a_record(await house.subject(an_organisation())))
    task = (await inbox(house))[0]
    answer = await house.post(f"/v1/tasks/{task['id']}/feedback", {"outcome": "applied", "officer": "W-17"})
    assert (answer.status_code, answer.json()["code"]) == (428, "if_match_needed")


async def test_a_credential_limited_to_items_sees_and_answers_the_tasks_of_those_alone(house: House):
    firm, other = await house.subject(an_organisation()), await house.subject(an_organisation())
    change = a_record(firm)
    await house.load(change, a_record(other, item="honour"))
    task = next(task for task in await inbox(house) if task["item"] == "default")
    narrow = department(items=frozenset({"honour"}))
    answer = {"outcome": "applied", "officer": "W-17"}
    headers = {"If-Match": '"0"'}

    async def listed(state: str) -> set[str]:
        page = (await house.get("/v1/tasks", narrow, state=state)).json()
        assert page["partial"] is True
        return {each["item"] for each in page["items"]}

    assert (await house.get("/v1/tasks")).json()["partial"] is False
    seen = await house.accesses_of(firm)
    assert await listed("open") <= {"honour"}
    assert await house.accesses_of(firm) == seen
    for refused in (
        await house.get(f"/v1/tasks/{task['id']}", narrow),
        await house.post(f"/v1/tasks/{task['id']}/feedback", answer, narrow, headers=headers),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "outside_credential")
    kept = (await house.accesses_of(firm))[len(seen) :]
    assert [(each.outcome, each.reason, each.items) for each in kept] == [
        ("refused", "outside_credential", ("default",))
    ] * 2
    assert (await answered(house, task)).status_code == 201
    await house.load(revised(change, state="repaired"))
    assert await inbox(house, state="withdrawn")
    assert await listed("withdrawn") == set()


async def test_a_repeated_answer_is_kept_once_even_if_the_task_is_gone(house: House):
    change = a_record(await house.subject(an_organisation()))
    await house.load(change)
    bar, luxury = await inbox(house)
    key = str(uuid4())
    first = await answered(house, bar, key=key, **NOT_DONE)
    again = await answered(house, bar, key=key, **NOT_DONE)
    assert (first.json(), first.status_code) == (again.json(), again.status_code)
    assert again.headers["idempotency-replayed"] == "true"
    assert (await answered(house, bar, key=key, outcome="applied")).status_code == 422
    assert (await answered(house, luxury, key=key, **NOT_DONE)).status_code == 422
    await house.load(revised(change, state="repaired"))
    assert (await answered(house, bar, key=key, **NOT_DONE)).json() == first.json()
    (kept,) = await house.fetch("select count(*) from matching.feedback")
    assert kept["count"] == 1


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"outcome": "not_applicable", "officer": "W-17"}, 422, ""),
        ({"outcome": "not_executed", "officer": "W-17", "reason": " "}, 422, "/reason"),
        ({"outcome": "applied"}, 422, "/officer"),
        ({"outcome": "done", "officer": "W-17"}, 422, "/outcome"),
        ({"outcome": "applied", "officer": "W-17", "points": 100}, 422, "/points"),
        ({}, 422, "/outcome"),
    ],
)
async def test_an_answer_that_lacks_something_is_refused_with_its_place(house: House, body, status, pointer):
    await house.load(a_record(await house.subject(an_organisation())))
    task = (await inbox(house))[0]
    answer = await house.post(f"/v1/tasks/{task['id']}/feedback", body, headers={"If-Match": '"0"'})
    assert answer.status_code == status
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}
    assert len(await inbox(house)) == 2


async def test_a_task_is_due_on_the_tenth_working_day_or_says_why_not(house: House):
    house.on(date(2026, 5, 6))  # the ninth, a Saturday, is worked
    await house.load(a_record(await house.subject(an_organisation())))
    house.on(date(2026, 5, 11))
    task = (await inbox(house))[0]
    assert (task["since"], task["age_days"], task["due"], task["due_note"]) == ("2026-05-06", 5, "2026-05-19", None)
    assert await inbox(house, due_before="2026-05-19") == []
    assert len(await inbox(house, due_before="2026-05-20")) == 2
    house.on(date(2035, 5, 11))
    open_end = a_record(await house.subject(an_organisation()), display_until=None)
    await house.load(open_end)
    task = (await inbox(house))[0]
    assert task["due"] is None
    assert task["due_note"]
    assert not task["due_note_zh"].isascii()


@pytest.mark.parametrize("day", ["2055-01-01", "9999-12-31", "0001-01-01", "1999-06-01"])
async def test_a_due_day_beyond_the_calendar_is_refused(house: House, day: str):
    answer = await house.get("/v1/tasks", due_before=day)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/query/due_before"]


async def test_an_older_revision_again_changes_nothing(house: House):
    firm, boss = await house.subject(an_organisation()), await house.subject(a_person())
    change = a_record(firm, boss=boss)
    ended = revised(revised(change), state="repaired", boss=None)
    await house.load(change, ended)
    await house.load(revised(change, boss=boss, rev=2))
    assert await inbox(house) == []
    rows = await house.fetch("select subject, rev, state from matching.standing where record = $1", change.record)
    assert [(row["rev"], row["state"]) for row in rows] == [(3, "repaired")]


async def test_an_item_that_lists_nobody_any_more_leaves_no_rows(house: House):
    firm, boss = await house.subject(an_organisation()), await house.subject(a_person())
    change = a_record(firm, boss=boss)
    await house.load(change)
    house.catalogue.tell("item", item("default", nature="neutral", number=2))
    await house.load(revised(change, item_version=2))
    assert await house.fetch("select 1 from matching.standing where record = $1", change.record) == []


async def test_what_is_neither_adverse_nor_listed_is_not_kept(house: House):
    firm = await house.subject(an_organisation())
    await house.load(a_record(firm, item="licence"), a_record(firm, item="penalty", boss=firm))
    rows = await house.fetch("select item, role, list from matching.standing")
    assert [tuple(row.values()) for row in rows] == [("penalty", "listed", None)]


async def test_a_person_who_was_erased_is_no_longer_named(house: House):
    person, record = await house.subject(a_person()), uuid4()
    texts = await sealed(house, person, record, None, NAME="沈沙盒")
    await house.load(a_record(person, kind="natural_person", record=record, sealed=texts, fields={}))
    await erase(house.database, house.equipment.vault, person)
    (task,) = await inbox(house)
    assert (task["subject"]["name"], task["subject"]["number"]) == (None, None)


async def test_a_department_whose_row_is_inactive_has_no_open_tasks(house: House):
    await house.load(a_record(await house.subject(an_organisation())))
    bar = (await inbox(house))[0]
    await answered(house, bar)
    gone = party("permits_office", 1, "permits").model_copy(update={"active": False})
    house.catalogue.tell("party", gone)
    assert await inbox(house) == []
    assert len(await inbox(house, "both")) == 3
