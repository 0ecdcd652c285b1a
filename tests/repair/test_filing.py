"""Filing: what the rules demand of the record and of the day, each refused with its remedy."""

import asyncio
from datetime import date
from typing import Any
from uuid import uuid4

import orjson
import pytest

from creditmesh.repair.filing import Record, earliest_repair
from creditmesh.schemas.catalogue import FieldSpec
from creditmesh.schemas.catalogue.item import SeverityRule
from creditmesh.schemas.events import RecordPurged
from creditmesh.schemas.rules.visibility import Law
from tests.repair.conftest import TODAY, House, department, office, person
from tests.repair.refusing import refused
from tests.repair.samples import REPAIRABLE, a_catalogue, items, tell


async def test_a_case_stands_as_it_was_filed(house: House):
    record = await house.record()
    answer = await house.file(record, "objection", outcome_wanted="correct")
    assert answer.status_code == 201
    shown = answer.json()
    assert answer.headers["location"] == f"/v1/cases/{shown['case']}"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "no-store"
    assert (shown["state"], shown["record"], shown["party"], shown["rev"]) == ("filed", str(record.record), "market", 1)
    assert (shown["statement"], shown["outcome_wanted"]) == ("罚款已缴清，违法行为已改正。", "correct")
    assert (shown["marking"], shown["effect"]) == ("none", None)
    (told,) = await house.told_of(shown["case"])
    assert (told["state"], told["kind"], told["effect"], told["subject"]) == (
        *("filed", "objection"), None, str(record.subject),
    )  # fmt: skip


async def test_a_record_about_somebody_else_looks_as_if_there_were_none_and_the_attempt_is_kept(house: House):
    record, stranger = await house.record(), await house.subject()
    theirs = await house.file(record.model_copy(update={"subject": stranger}))
    none = await house.file(record.model_copy(update={"record": uuid4()}))
    refused(theirs, 404, "not_found")
    refused(none, 404, "not_found")
    assert {**theirs.json(), "request_id": None} == {**none.json(), "request_id": None}
    (access,) = await house.accesses_of(record.subject)
    assert (access["purpose"], access["outcome"], access["reason"]) == ("case", "refused", "not_found")
    assert access["records"] == [str(record.record)]
    assert await house.accesses_of(stranger) == []


async def test_a_copy_is_disputed_at_its_origin_which_is_named(house: House):
    for kind in ("objection", "repair"):
        problem = refused(await house.file(await house.record(origin="town"), kind), 409, "not_the_origin")
        assert "town" in problem["detail"]
        assert "town" in problem["detail_zh"]


async def test_of_a_copy_nothing_is_kept_and_an_attempt_on_somebody_elses_is(house: House):
    record, stranger = await house.record(origin="town"), await house.subject()
    await house.next_revision(record, "marked", mark="disputed")
    refused(await house.file(record.model_copy(update={"subject": stranger})), 404, "not_found")
    (access,) = await house.accesses_of(record.subject)
    assert (access["outcome"], access["reason"], access["records"]) == ("refused", "not_found", [str(record.record)])
    async with house.database.session() as session:
        assert await session.fetchval("select count(*) from repair.record where record = $1", record.record) == 0


async def test_the_id_of_a_later_revision_of_a_copy_is_the_id_of_no_record(house: House):
    record, stranger = await house.record(origin="town"), await house.subject()
    later = await house.next_revision(record, "marked", mark="disputed")
    for who in (record.subject, stranger):
        asked = record.model_copy(update={"record": later.revision, "subject": who})
        refused(await house.file(asked), 404, "not_found")
    assert await house.accesses_of(record.subject) == []


async def test_whom_a_copy_names_is_told_its_origin(house: House):
    boss = await house.subject()
    related = [{"role": "legal_representative", "subject": boss, "part": 7}]
    record = await house.record(origin="town", kind="organisation", related=related)
    problem = refused(await house.file(record.model_copy(update={"subject": boss}), "objection"), 409, "not_the_origin")
    assert "town" in problem["detail"]


@pytest.mark.parametrize(
    "more",
    [
        {"state": "withdrawn", "change": "withdrawn"},
        {"display_until": date(2026, 5, 11)},
        {"display_from": date(2026, 5, 12)},
    ],
)
async def test_only_what_is_shown_can_be_objected_to(house: House, more: dict[str, Any]):
    refused(await house.file(await house.record(**more), "objection"), 409, "record_not_shown")


async def test_of_a_withdrawn_item_nothing_is_shown(house: House):
    directory = a_catalogue()
    tell(directory, "item", items()[0], state="withdrawn", on=date(2026, 5, 1))
    house.follow(directory)
    refused(await house.file(await house.record(), "objection"), 409, "record_not_shown")


async def test_a_record_that_has_ended_is_not_repaired(house: House):
    refused(await house.file(await house.record(state="repaired", change="repaired")), 409, "record_not_shown")


async def test_an_item_that_is_not_repaired_says_so(house: House):
    refused(await house.file(await house.record(item="verdict")), 422, "not_repairable")
    assert (await house.file(await house.record(item="verdict"), "objection")).status_code == 201


@pytest.mark.parametrize(
    ("severity", "decided_on", "earliest"),
    [
        ("minor", date(2026, 5, 11), date(2026, 5, 11)),
        ("general", date(2026, 3, 5), date(2026, 6, 5)),
        ("serious", date(2026, 3, 5), date(2027, 3, 5)),
        (None, date(2026, 3, 5), date(2026, 6, 5)),
        # Three months after 30 November: February has no 30th.
        ("general", date(2025, 11, 30), date(2026, 2, 28)),
    ],
)
async def test_a_repair_waits_for_the_minimum_period_and_is_told_its_first_day(
    house: House, severity: Any, decided_on: date, earliest: date
):
    record = await house.record(severity=severity, decided_on=decided_on)
    house.on(date.fromordinal(earliest.toordinal() - 1))
    problem = refused(await house.file(record), 422, "too_early")
    assert earliest.isoformat() in problem["detail"]
    assert earliest.isoformat() in problem["detail_zh"]
    assert problem["errors"][0]["pointer"] == "/record"
    house.on(earliest)
    assert (await house.file(record)).status_code == 201


def test_the_first_day_counts_from_the_decision_and_not_from_the_display():
    values = dict.fromkeys(Record.__slots__, None) | {"severity": "serious", "decided_on": date(2024, 2, 29)}
    record = Record(**values)  # type: ignore[arg-type]
    assert earliest_repair(record, REPAIRABLE, law=Law(as_of=TODAY)) == date(2025, 2, 28)


async def test_one_case_of_a_kind_at_a_time(house: House):
    record = await house.record()
    await house.filed(record)
    refused(await house.file(record), 409, "case_open")
    case = await house.filed(record, "objection")
    await house.acted(case, department(), "accept")
    refused(await house.file(record, "objection"), 409, "case_open")
    await house.acted(case, department(), "refuse", reason="属实")
    await house.filed(record, "objection")


async def test_two_at_once_are_one_case(house: House):
    record = await house.record()
    answers = await asyncio.gather(*(house.file(record) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    told = [data for data in await house.emitted("case.changed") if data["record"] == str(record.record)]
    assert [data["state"] for data in told] == ["filed"]


async def test_without_a_procedure_nothing_is_filed(house: House):
    house.follow(a_catalogue(procedures=()))
    refused(await house.file(await house.record()), 409, "no_procedure")


async def test_a_field_that_nobody_asked_for_is_refused_and_no_word_comes_back(house: House):
    record = await house.record()
    answer = await house.file(record, statement="x" * 4001, subject=str(uuid4()))
    problem = refused(answer, 422, "invalid")
    assert {error["pointer"] for error in problem["errors"]} == {"/statement", "/subject"}
    assert "xxx" not in answer.text


async def test_a_key_files_once_and_a_replay_shows_the_case_as_it_stands(house: House):
    record = await house.record()
    first = await house.file(record, "objection", key="filing")
    assert "idempotency-replayed" not in first.headers
    case = first.json()["case"]
    await house.acted(case, department(), "accept")
    again = await house.file(record, "objection", key="filing")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert (again.json()["case"], again.json()["state"]) == (case, "accepted")
    refused(await house.file(record, "objection", key="filing", outcome_wanted="add"), 422, "idempotency_key_reused")
    assert len(await house.told_of(case)) == 2


async def test_equal_filings_under_one_key_at_once_are_one_case(house: House):
    record = await house.record()
    answers = await asyncio.gather(*(house.file(record, key="at once") for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["case"] for answer in answers}) == 1
    assert sorted("idempotency-replayed" in answer.headers for answer in answers) == [False, *[True] * 5]


async def test_a_step_under_a_key_is_taken_once(house: House):
    case = await house.filed(await house.record(), "objection")
    answers = await asyncio.gather(
        *(house.act(case, department(), "accept", etag='"1"', key="accepting") for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["etag"] for answer in answers} == {'"2"'}
    assert len(await house.told_of(case)) == 2
    other = await house.act(case, department(), "accept", etag='"2"', key="accepting")
    refused(other, 422, "idempotency_key_reused")


@pytest.mark.parametrize("caller", [department(), office()])
async def test_only_a_subject_files(house: House, caller: Any):
    async with house.client(caller) as client:
        body = {"kind": "repair", "record": str(uuid4()), "statement": "x"}
        refused(await client.post("/v1/cases", json=body), 403, "forbidden")


async def test_reading_and_filing_are_scopes_of_their_own(house: House):
    record = await house.record()
    case = await house.filed(record)
    reader = person(record.subject)
    for scope, path in (("cases:file", f"/v1/cases/{case}"), ("cases:file", "/v1/me/cases")):
        lacking = type(reader)(kind="subject", subject=reader.subject, credential="c", scopes=frozenset({scope}))
        problem = refused(await house.get(path, lacking), 403, "forbidden")
        assert "me:read" in problem["detail"]


async def test_a_record_that_was_deleted_is_forgotten_unless_a_case_was_about_it(house: House):
    silent, disputed = await house.record(), await house.record()
    case = (await house.file(disputed)).json()["case"]
    for record in (silent, disputed):
        await house.hear(RecordPurged(record=record.record, subject=record.subject, item=record.item))
    refused(await house.file(silent), 404, "not_found")
    shown = await house.get(f"/v1/cases/{case}", person(disputed.subject))
    assert (shown.status_code, shown.json()["record"]) == (200, str(disputed.record))


async def test_what_the_rule_of_today_ended_is_past_objecting_to(house: House):
    record, directory = await house.record(), a_catalogue()
    house.follow(directory)
    item = directory.item(record.item, on=TODAY)
    shorter = item.display.model_copy(update={"by": "months", "months": 1})
    tell(directory, "item", item.model_copy(update={"display": shorter}))
    refused(await house.file(record, "objection", outcome_wanted="correct"), 409, "record_not_shown")


async def test_what_todays_rule_rates_milder_is_repaired_as_early_as_that_says(house: House):
    """It was stored as serious, and as such it may be repaired on the day on which it is shown no more: never."""
    kinds = FieldSpec(code="KINDS", name="Kinds", name_zh="种类", type="codes", codes="penalty_kind")
    item = items()[0]
    item = item.model_copy(
        update={
            "code": "graded",
            "fields": (*item.fields, kinds),
            "roles": item.roles.model_copy(update={"penalty_kinds": "KINDS"}),
            "severity": (SeverityRule(severity="serious"),),
        }
    )
    directory = a_catalogue()
    house.follow(directory)
    tell(directory, "item", item)
    light, grave = [
        await house.record(item="graded", severity="serious", fields={"DOC": "1", "KINDS": said})
        for said in ("warning", "revocation")
    ]
    milder = (SeverityRule(severity="serious", penalty_kinds=("revocation",)),)
    assert refused(await house.file(light), 422, "too_early")["detail"].startswith("File it again on 2027-01-05")
    tell(directory, "item", item.model_copy(update={"severity": milder}))
    assert (await house.file(light)).status_code == 201
    assert "2027-01-05" in refused(await house.file(grave), 422, "too_early")["detail"]
    async with house.database.session() as session:
        kept = "select fields from repair.record where record = $1"
        assert orjson.loads(await session.fetchval(kept, light.record)) == {"KINDS": "warning"}, "nothing else is kept"
    await house.hear(RecordPurged(record=light.record, subject=light.subject, item=light.item))
    async with house.database.session() as session:
        assert orjson.loads(await session.fetchval(kept, light.record)) == {}
