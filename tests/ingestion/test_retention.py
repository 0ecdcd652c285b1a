"""What was kept for its term after it ended is deleted, round by round, with a purge record and word to readers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from itertools import permutations
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditmesh.chassis.bus.stream import read_stream
from creditmesh.chassis.caller import Caller
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Transient
from creditmesh.chassis.packing import FRAME
from creditmesh.chassis.service import Workplace
from creditmesh.ingestion import service
from creditmesh.ingestion.held_rows import HeldRowRounds
from creditmesh.ingestion.retention import RetentionRounds
from creditmesh.ingestion.store.purges import AT_ONCE
from creditmesh.ingestion.store.revisions import COLUMNS
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.events import RecordChanged, RecordPurged
from creditmesh.schemas.rules.calendar import add_months
from tests.ingestion.conftest import MARKET_CALLER, OFFICE, OFFICER, PENALTY, REAL, Catalogue, House, told
from tests.ingestion.entries import Feed, new_record
from tests.ingestion.rows import TODAY, items, penalty, person_penalty, resident
from tests.ingestion.test_cases import step
from tests.ingestion.test_copies import announce
from tests.ingestion.test_copies import codes as refusals
from tests.ingestion.test_one_decision import as_before, licence
from tests.ingestion.test_records import withdraw

ENDS = date(2026, 7, 10)
"""A warning is minor: three months from the decision."""
OVER = add_months(ENDS, 60)
ROW = {"CF_CFLB": "警告", "CF_JDRQ": "2026-04-10", "CF_NR_FK": ""}


@pytest.fixture
async def alone(house: House):
    """Nothing else is in the house; the catalogue is the shipped one, today."""
    before, directory = house.equipment, Catalogue()
    clock = Clock(lambda: directory.offset_days, real=lambda: REAL)
    house.equipment = replace(before, followed=directory, clock=clock)
    async with house.database.session() as session:
        await session.execute(
            "truncate ingestion.revision, ingestion.review, ingestion.purge, ingestion.closed, ingestion.undecided,"
            " ingestion.copy, bus.event_queue"
        )
        await session.execute("update ingestion.retention_round set day = '-infinity', part = 12")
    yield house
    house.equipment = before


async def submitted(house: House, number: int, **more: str) -> UUID:
    answer = await house.submit(penalty(number, **(ROW | more)))
    assert answer.status_code in {200, 201}, answer.text
    (line,) = answer.json()["lines"] if "lines" in answer.json() else [answer.json()]
    return UUID(line["record"])


async def a_licence(house: House, number: int, **more: str) -> UUID:
    row = licence(number, certificate=None, decision=f"示许〔2026〕{number}号", **more)
    answer = await house.submit(row, item="administrative_licence")
    return UUID(answer.json()["record"])


async def a_round(house: House, most: int = 1000, *, unread: bool = False) -> int:
    """A round, after everybody has read everything and it has been pruned."""
    if not unread:
        async with house.database.session() as session:
            await session.execute("truncate bus.event_queue")
    return await RetentionRounds(house.equipment, most=most).round()


async def there(house: House) -> set[UUID]:
    async with house.database.session() as session:
        return {row["record"] for row in await session.fetch("select record from ingestion.revision")}


async def purges(house: House) -> list[dict]:
    async with house.database.session() as session:
        return [dict(row) for row in await session.fetch("select * from ingestion.purge order by entry")]


async def test_a_record_is_deleted_on_the_day_its_term_is_over_and_leaves_a_purge_record(alone: House):
    record, later = await submitted(alone, 1), await submitted(alone, 2, CF_JDRQ="2026-04-11")
    alone.on(date.fromordinal(OVER.toordinal() - 1))
    assert await a_round(alone) == 0
    alone.on(OVER)
    assert await a_round(alone) == 1
    assert await there(alone) == {later}
    (left,) = await purges(alone)
    assert {name: left[name] for name in ("item", "number", "months", "until", "records", "revisions")} == {
        "item": PENALTY, "number": 1, "months": 60, "until": ENDS, "records": 1, "revisions": 1,
    }  # fmt: skip
    assert left["legal_date"] == OVER
    async with alone.database.session() as session:
        said = await session.fetch("select data from bus.event where type = 'record.purged'")
    assert record in {RecordPurged.model_validate_json(row["data"]).record for row in said}


async def test_a_round_is_made_of_turns_and_meets_every_record_once(alone: House):
    for number in range(1, 8):
        await submitted(alone, number)
    alone.on(OVER)
    assert await a_round(alone, most=2) == 7
    assert await there(alone) == set()
    assert sum(each["records"] for each in await purges(alone)) == 7


async def test_what_is_still_shown_or_has_no_end_is_kept_however_old(alone: House):
    fined = await submitted(alone, 1, CF_CFLB="罚款", CF_NR_FK="1", CF_NR="罚款1万元")
    open_ended = await a_licence(alone, 1, XK_YXQZI="2099-12-31")
    await a_licence(alone, 2, XK_YXQZI="2026-06-30")
    alone.on(add_months(date(2026, 4, 10), 71))
    assert await a_round(alone) == 1
    assert await there(alone) == {fined, open_ended}


def with_term(months: int, number: int = 1) -> Item:
    return items()[PENALTY].model_copy(update={"retention_months": months, "number": number})


async def test_a_shorter_term_reaches_what_is_stored_from_its_day_on_and_a_longer_one_does_not(alone: House):
    await submitted(alone, 1)
    directory = alone.equipment.followed
    alone.on(OVER)
    directory.tell("item", with_term(120), number=2)
    assert directory.retention(OVER)[PENALTY].months == {1: 60, 2: 120}
    directory.tell("item", with_term(12), number=3)
    alone.on(date.fromordinal(add_months(TODAY, 12).toordinal() - 1))
    assert await a_round(alone) == 0
    alone.on(add_months(TODAY, 12))
    assert await a_round(alone) == 1
    assert [(each["number"], each["months"]) for each in await purges(alone)] == [(3, 12)]


async def test_a_mistaken_term_deletes_nothing_at_once_neither_records_nor_held_rows(alone: House):
    record, directory = await submitted(alone, 1), alone.equipment.followed
    await alone.submit(person_penalty(71, CF_NR_FK="2000"))
    mistaken = add_months(ENDS, 40)
    alone.on(mistaken)
    directory.tell("item", with_term(6), number=2, effective=mistaken)
    for day, months in ((mistaken, 0), (add_months(mistaken, 6), 6)):
        alone.on(date.fromordinal(day.toordinal() - (1 if months else 0)))
        assert await a_round(alone) == await HeldRowRounds(alone.equipment, most=9).round() == 0
    directory.tell("item", with_term(60), number=3, effective=add_months(mistaken, 5))
    alone.on(add_months(mistaken, 6))
    assert await a_round(alone) == await HeldRowRounds(alone.equipment, most=9).round() == 0
    assert await there(alone) == {record}
    alone.on(OVER)
    assert await a_round(alone) == 1


async def test_a_shorter_term_that_is_published_again_counts_from_its_first_day(alone: House):
    await submitted(alone, 1)
    for number, day in enumerate((TODAY, add_months(TODAY, 4), add_months(TODAY, 8)), 2):
        alone.on(day)
        alone.equipment.followed.tell("item", with_term(12), number=number, effective=day)
    alone.on(add_months(TODAY, 12))
    assert await a_round(alone) == 1


async def test_a_row_whose_term_is_over_is_refused_so_that_a_nightly_file_does_not_bring_it_back(alone: House):
    alone.on(OVER)
    answer = await alone.submit(penalty(1, **ROW))
    assert "retention_over" in answer.text
    assert await there(alone) == set()


async def test_the_role_itself_deletes_no_revision(alone: House):
    await submitted(alone, 1)
    with pytest.raises(DatabaseError, match="InsufficientPrivilege"):
        async with alone.context() as context:
            await (await context.session()).execute("delete from ingestion.revision")
    assert len(await there(alone)) == 1


SHOWN = {"CF_CFLB": "罚款", "CF_NR_FK": "1", "CF_NR": "罚款1万元", "CF_JDRQ": "2026-11-20"}
"""A general one: on show for a year."""


@contextmanager
def stored(house: House, when: str) -> Iterator[None]:
    """What is sent herein is stored as it was until decision 33, or as it is."""
    with pytest.MonkeyPatch.context() as patch:
        if when == "before":
            as_before(patch, house.equipment.keys)
        yield


@pytest.mark.parametrize("when", ["now", "before"])
@pytest.mark.parametrize("decision", ["示市监处罚〔2026〕1号", "示市监处罚［2026］第1号"])
async def test_what_was_ended_and_deleted_is_not_imposed_anew_by_a_row_that_is_sent_again(
    alone: House, when: str, decision: str
):
    open_ended = licence(1, certificate=None, decision="示许［2026］1号", XK_YXQZI="2099-12-31")
    alone.equipment.followed.tell("item", with_term(6), number=2)
    with stored(alone, when):
        licensed = (await alone.submit(open_ended, item="administrative_licence")).json()["record"]
        fined = await submitted(alone, 1, **SHOWN, CF_WSH=decision)
    assert (await withdraw(alone, licensed)).status_code == 200
    (event,) = await alone.events(fined)
    await alone.deliver(step(fined, event.subject, "repair"))
    alone.on(add_months(TODAY, 6))
    assert await a_round(alone) == 1
    assert await there(alone) == {UUID(licensed)}
    again = await alone.submit(penalty(1, **(ROW | SHOWN | {"CF_WSH": decision})))
    assert (again.status_code, again.json()["errors"][0]["code"]) == (422, "record_deleted")
    alone.on(add_months(TODAY, 60))
    assert await a_round(alone) == 1
    again = await alone.submit([open_ended], item="administrative_licence")
    ((line,), _) = told(again)
    assert (line["verdict"], line["reasons"][0]["code"], line.get("record")) == ("refused", "record_deleted", None)
    assert await there(alone) == set()


async def test_what_cannot_be_compared_with_what_was_deleted_is_for_the_credit_office(alone: House):
    """Until decision 33 all certificates of a decision were one record: which of them had ended nobody knows."""
    rows = [licence(1, certificate=f"JY{each}", decision="示许〔2026〕1号") for each in (1, 2)]
    with stored(alone, "before"):
        record = (await alone.submit(rows[0], item="administrative_licence")).json()["record"]
    await withdraw(alone, record)
    alone.on(add_months(TODAY, 60))
    assert await a_round(alone) == 1
    verdicts, _ = told(await alone.submit(rows, item="administrative_licence"))
    assert [(each["verdict"], each["reasons"][0]["code"]) for each in verdicts] == [("held", "perhaps_deleted")] * 2
    assert await there(alone) == set()
    for caller, status in ((OFFICER, 403), (OFFICE, 201)):
        async with alone.client(caller) as client:
            answer = await client.post(f"/v1/reviews/{verdicts[1]['review']}/decision", json={"decision": "release"})
        assert answer.status_code == status, answer.text
    assert await there(alone) == {UUID(answer.json()["record"])}
    verdicts, _ = told(await alone.submit(rows, item="administrative_licence"))
    assert [each["verdict"] for each in verdicts] == ["held", "unchanged"]


async def reinstated(house: House, row: dict[str, str], *, caller: Caller = OFFICER, **more: Any) -> httpx.Response:
    body = {"fields": row, "basis": "示法行终〔2031〕1号"} | more
    async with house.client(caller) as client:
        return await client.post("/v1/items/administrative_licence/reinstatements", json=body)


async def withdrawn_and_deleted(house: House, row: dict[str, str]) -> None:
    record = (await house.submit(row, item="administrative_licence")).json()["record"]
    await withdraw(house, record)
    house.on(add_months(TODAY, 60))
    assert await a_round(house) == 1


async def test_a_decision_that_was_restored_after_its_withdrawn_record_was_deleted_is_taken_in_by_two_officers(
    alone: House,
):
    row = licence(1, certificate=None, decision="示许〔2026〕1号", XK_YXQZI="2099-12-31")
    await withdrawn_and_deleted(alone, row)
    assert (await reinstated(alone, row, caller=MARKET_CALLER)).json()["code"] == "officer_needed"
    assert (await reinstated(alone, row, basis="")).status_code == 422
    answer = await reinstated(alone, row)
    assert (answer.status_code, [each["code"] for each in answer.json()["reasons"]]) == (202, ["reinstated"])
    review = answer.json()["review"]
    assert (await reinstated(alone, row)).json()["review"] == review
    assert await there(alone) == set()
    (access,) = [each for each in await alone.accesses() if each["purpose"] == "reinstatement"][-1:]
    assert access["officer"] == OFFICER.officer
    again = await alone.submit(row, item="administrative_licence")
    assert (again.status_code, again.json()["errors"][0]["code"]) == (422, "record_deleted"), "a file opens nothing"
    async with alone.client(OFFICE) as client:
        seen = (await client.get(f"/v1/reviews/{review}")).json()
        assert (seen["reason"], seen["basis"]) == ("reinstated", "示法行终〔2031〕1号")
    for caller, status in ((OFFICER, 403), (OFFICE, 201)):
        async with alone.client(caller) as client:
            answer = await client.post(f"/v1/reviews/{review}/decision", json={"decision": "release"})
        assert answer.status_code == status, answer.text
    (event,) = await alone.events(answer.json()["record"])
    assert (event.change, event.reason, event.basis) == ("accepted", "reinstated", "示法行终〔2031〕1号")
    assert (await alone.submit(row, item="administrative_licence")).json()["verdict"] == "unchanged"
    assert (await reinstated(alone, row)).json()["code"] == "nothing_to_reinstate"


async def test_what_had_ended_by_its_period_or_a_case_or_was_not_deleted_is_reinstated_by_nobody(alone: House):
    repaired, expired, new = (
        licence(number, certificate=None, decision=f"示许〔2026〕{number}号", XK_YXQZI=until)
        for number, until in ((1, "2099-12-31"), (2, "2026-12-31"), (3, "2099-12-31"))
    )
    for row in (repaired, expired):
        record = (await alone.submit(row, item="administrative_licence")).json()["record"]
        (event,) = await alone.events(record)
        if row is repaired:
            await alone.deliver(step(UUID(record), event.subject, "repair"))
    alone.on(add_months(date(2027, 1, 1), 60))
    assert await a_round(alone) == 2
    for row, status, code in ((repaired, 422, "record_deleted"), (expired, 422, "retention_over")):
        answer = await reinstated(alone, row)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    # Nor under a new end of its own, for it is not what was withdrawn.
    answer = await reinstated(alone, expired | {"XK_YXQZI": "2099-12-31"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "record_deleted")
    answer = await reinstated(alone, new)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_reinstate")
    assert await there(alone) == set()


async def test_what_is_left_of_what_was_deleted_names_nobody(alone: House):
    await submitted(alone, 1)
    alone.on(OVER)
    assert await a_round(alone) == 1
    (left,) = await alone.fetch("select * from ingestion.closed")
    assert (set(left), left["state"]) == ({"part", "natural_key", "state"}, "published")


async def test_what_ended_by_itself_and_was_deleted_does_not_come_back_under_a_looser_rule(alone: House):
    directory, general = alone.equipment.followed, items()[PENALTY]
    longer = general.display.model_copy(update={"general_months": 36})
    directory.tell("item", with_term(6), number=2)
    await submitted(alone, 1, **SHOWN)
    directory.tell("item", with_term(6).model_copy(update={"display": longer}), number=3)
    alone.on(add_months(date(2026, 11, 20), 18))
    assert await a_round(alone) == 1
    again = await alone.submit(penalty(1, **(ROW | SHOWN)))
    assert again.json()["errors"][0]["code"] == "record_deleted"
    assert await there(alone) == set()


WALK = st.lists(
    st.tuples(st.sampled_from([6, 12, 60]), st.sampled_from([3, 12, 36]), st.integers(0, 9), st.booleans()),
    min_size=2,
    max_size=8,
)


@given(walk=WALK, when=st.sampled_from(["now", "before"]))
@settings(max_examples=25)
async def test_whatever_becomes_of_the_catalogue_what_was_deleted_never_comes_back(alone: House, walk: Any, when: str):
    """A catalogue that is changed at random, rounds, and a department that sends the same file on."""
    before, number, day = alone.equipment, alone.number(), TODAY
    directory = Catalogue()
    alone.equipment = replace(before, followed=directory, clock=Clock(lambda: directory.offset_days, real=lambda: REAL))
    row = penalty(number, **(ROW | SHOWN), CF_WSH=f"示市监处罚［2026］第{number}号")
    try:
        with stored(alone, when):
            record = UUID((await alone.submit(row)).json()["record"])
        gone = False
        for version, (kept, general, months, sends) in enumerate(walk, 2):
            item, day = items()[PENALTY], add_months(day, months)
            display = item.display.model_copy(update={"general_months": general})
            alone.on(day)
            update = {"retention_months": kept, "display": display, "number": version}
            directory.tell("item", item.model_copy(update=update), number=version, effective=day)
            await a_round(alone)
            gone = gone or not await alone.events(record)
            if sends:
                answer = await alone.submit(row)
                word = (answer.json().get("verdict"), answer.status_code)
                assert (word == (None, 422)) == (gone or "retention_over" in answer.text), answer.text
            assert len(await alone.fetch("select from ingestion.revision")) == (0 if gone else 1)
    finally:
        alone.equipment = before
        async with alone.database.session() as session:
            await session.execute("truncate ingestion.revision, ingestion.closed")


@pytest.mark.parametrize(("begins", "ends"), [("mark", "unmark"), (None, None)])
async def test_what_is_disputed_or_has_a_case_to_be_decided_is_not_deleted(
    alone: House, begins: str | None, ends: str | None
):
    record = await submitted(alone, 1)
    (event,) = await alone.events(record)
    begun = step(record, event.subject, begins, state="accepted")
    await alone.deliver(begun)
    alone.on(OVER)
    assert await a_round(alone) == 0
    ended = begun.model_copy(update={"state": "refused", "effect": ends})
    await alone.deliver(ended)
    alone.on(date.fromordinal(OVER.toordinal() + 1))
    assert await a_round(alone) == 1
    assert await alone.fetch("select from ingestion.undecided") == []


TOLD = """
with told as (
    insert into bus.event (stream, part, id, type, version, key, at, legal_date, data)
    values ('repair', 3, gen_random_uuid(), 'case.changed', 1, $1, now(), current_date, $2) returning id)
"""
ON_ITS_WAY = {
    "queue": TOLD + "insert into bus.event_queue (stream, part, type, event) "
                    "select 'repair', 3, 'case.changed', id from told",
    "stream": TOLD + ", head as (insert into bus.event_head values ('repair', 3, 1) on conflict (stream, part) "
                     "do update set number = 1) insert into bus.event_order (stream, part, number, type, event) "
                     "select 'repair', 3, 1, 'case.changed', id from told",
    "dead letter": "insert into ingestion.dead_letter (stream, part, number, id, type, version, key, at, legal_date, "
                   "data) values ('repair', 3, 1, gen_random_uuid(), 'case.changed', 1, $1, now(), current_date, $2)",
}  # fmt: skip
ARRIVED = {
    "queue": "delete from bus.event_queue where stream = 'repair'",
    "stream": "insert into ingestion.reader_position (stream, part, number) values ('repair', 3, 1)",
    "dead letter": "delete from ingestion.dead_letter where stream = 'repair'",
}


@pytest.mark.parametrize("where", list(ON_ITS_WAY))
async def test_no_record_is_deleted_while_word_of_its_case_is_on_its_way(alone: House, where: str):
    record, other = [await submitted(alone, number) for number in (1, 2)]
    (event,) = await alone.events(record)
    filed = step(record, event.subject, None, state="filed")
    alone.on(OVER)
    async with alone.database.session() as session:
        await session.execute("truncate bus.event_queue")
        try:
            await session.execute(ON_ITS_WAY[where], filed.key, filed.model_dump_json().encode())
            assert await a_round(alone, unread=True) == 1
            assert await there(alone) == {record}
            await session.execute("delete from bus.event_queue where stream <> 'repair'")
            alone.on(date.fromordinal(OVER.toordinal() + 1))
            assert await a_round(alone, unread=True) == 0
            await session.execute(ARRIVED[where])
            alone.on(date.fromordinal(OVER.toordinal() + 2))
            assert await a_round(alone, unread=True) == 1
        finally:
            for table in ("bus.event", "bus.event_queue", "bus.event_order", "ingestion.reader_position"):
                await session.execute(f"delete from {table} where stream = 'repair'")
            await session.execute("update bus.event_head set number = 0 where stream = 'repair'")
    assert other not in await there(alone)


async def test_a_case_that_is_heard_of_while_a_deletion_is_decided_keeps_its_record(alone: House):
    """The round has judged the record by then, and is about to delete it."""
    record = await submitted(alone, 1)
    async with alone.database.session() as session:
        await session.execute("truncate bus.event_queue")
        (row,) = await session.fetch("select part, subject, natural_key from ingestion.revision")
        await session.execute(
            "insert into ingestion.undecided (case_id, record) values (gen_random_uuid(), $1)", record
        )
        places = "array[$1::int], array[$2::uuid], array[$3::bytea]"
        purge = f"select record from ingestion.purge({places}, '{{1}}', '{{0}}', $4, $5)"
        given = [*row.values(), [ENDS], OVER]
        assert await session.fetch(purge, *given) == []
        await session.execute("truncate ingestion.undecided")
        assert [each["record"] for each in await session.fetch(purge, *given)] == [record]


async def test_the_codes_of_a_body_go_with_its_last_record(alone: House):
    rows = [
        penalty(8001, **ROW),
        penalty(8001, **(ROW | {"CF_WSH": "示市监处罚〔2026〕8002号", "CF_JDRQ": "2026-05-10"})),
        penalty(8003, **ROW),
    ]
    for row in rows:
        assert (await alone.submit(row)).status_code == 201
    firms = {each["subject"] for each in await alone.fetch("select subject from ingestion.revision")}
    assert await codes_of(alone, firms) == 2
    alone.on(OVER)
    assert await a_round(alone) == 2
    assert await codes_of(alone, firms) == 1, "the code of who still has a record stays"
    alone.on(add_months(OVER, 1))
    assert await a_round(alone) == 1
    assert await codes_of(alone, firms) == 0


async def codes_of(house: House, firms: set[UUID]) -> int:
    return len(await house.fetch("select from ingestion.whole_code where subject = any($1)", list(firms)))


async def test_a_case_that_waits_for_its_subject_keeps_no_record(alone: House):
    record = await submitted(alone, 1)
    (event,) = await alone.events(record)
    filed = step(record, event.subject, None, state="filed")
    await alone.deliver(filed, filed.model_copy(update={"state": "returned"}))
    alone.on(OVER)
    assert await a_round(alone) == 1


async def test_a_record_that_was_withdrawn_while_it_was_disputed_is_deleted_after_its_term(alone: House):
    record = await submitted(alone, 1)
    (event,) = await alone.events(record)
    begun = step(record, event.subject, "mark")
    await alone.deliver(begun)
    await withdraw(alone, str(record), rev=2)
    await alone.deliver(begun.model_copy(update={"state": "closed", "effect": None}))
    alone.on(OVER)
    assert await a_round(alone) == 1


async def test_an_end_that_todays_law_brought_forward_counts_from_the_day_of_that_law(alone: House):
    record = await a_licence(alone, 1, XK_YXQZI="2099-12-31", XK_JDRQ="2020-01-02", XK_YXQZ="2020-01-02")
    known = items()["administrative_licence"]
    kinds = tuple(kind for kind in known.kinds if kind != "organisation")
    alone.equipment.followed.tell("item", known.model_copy(update={"kinds": kinds}), number=2)
    last = date.fromordinal(add_months(TODAY, 60).toordinal() - 1)
    for day in (TODAY, last):
        alone.on(day)
        assert await a_round(alone) == 0
    assert await there(alone) == {record}
    alone.on(add_months(TODAY, 60))
    assert await a_round(alone) == 1


async def test_nothing_is_deleted_by_a_catalogue_that_is_not_the_newest(alone: House):
    record = await submitted(alone, 1)
    alone.on(OVER)
    await announce(alone, alone.equipment.followed.number + 1)
    try:
        with pytest.raises(Transient):
            await a_round(alone)
        assert await there(alone) == {record}
    finally:
        await announce(alone, 0)
    assert await a_round(alone) == 1


async def test_the_function_itself_takes_no_negative_term(alone: House):
    record = await submitted(alone, 1, **SHOWN)
    call = """
        select count(*) from ingestion.revision cross join lateral
        ingestion.purge(array[part], array[subject], array[natural_key], array[1], array[-60],
                        array[date '2027-11-20'], date '2026-11-22')
    """
    async with alone.database.session() as session:
        await session.execute("truncate bus.event_queue")
    with pytest.raises(DatabaseError, match="CheckViolation"):
        async with alone.context() as context:
            await (await context.session()).value(call)
    assert await there(alone) == {record}


async def test_a_record_stays_until_every_reader_has_read_of_it(alone: House):
    record = await submitted(alone, 1)
    alone.on(OVER)
    assert await a_round(alone, unread=True) == 0
    async with alone.database.session() as session:
        epoch = await session.fetchval("select bus.lead()")
        await session.fetch("select * from bus.order_queued($1, 100)", epoch)
        (place,) = await session.fetch(
            "select o.part, o.number from bus.event_order o join ingestion.revision r on r.id = o.event"
        )
        of = "(reader, stream, part, number, at) values ('ingestion', 'ingestion', $1, $2, now())"
        await session.execute(f"insert into bus.event_reader {of}", place["part"], place["number"] - 1)
        try:
            alone.on(date.fromordinal(OVER.toordinal() + 1))
            assert await a_round(alone, unread=True) == 0
            (event,) = await read_stream(
                Session(session, None), "ingestion", after={place["part"]: place["number"] - 1}, n=1
            )
            assert event.read(RecordChanged).record == record
            position = "(stream, part, number) values ('ingestion', $1, $2)"
            await session.execute(f"insert into ingestion.reader_position {position}", *place.values())
            alone.on(date.fromordinal(OVER.toordinal() + 2))
            assert await a_round(alone, unread=True) == 1
        finally:
            await session.execute("delete from bus.event_reader where stream = 'ingestion'")
            await session.execute("delete from ingestion.reader_position where stream = 'ingestion'")


async def test_a_day_has_one_round_that_goes_on_where_it_was_left(alone: House):
    for number in range(1, 8):
        await submitted(alone, number)
    alone.on(OVER)
    async with alone.database.session() as session:
        await session.execute("truncate bus.event_queue")
    ends = 0
    while ends < 6:  # and then this process ends
        turn = await RetentionRounds(alone.equipment, most=1)._turn()
        assert turn is not None
        ends += turn.ends_part
    (stands,) = await alone.fetch("select day, part from ingestion.retention_round")
    assert (stands["day"], stands["part"]) == (OVER, 6)
    left = len(await there(alone))  # what stands in the other half of the parts
    alone.on(date.fromordinal(OVER.toordinal() + 1))
    async with alone.database.session() as session, session.transaction():
        await session.execute("select from ingestion.retention_round for update")
        assert await a_round(alone) == 0
    assert await a_round(alone) == left
    assert await RetentionRounds(alone.equipment, most=1)._turn() is None


async def test_whom_any_revision_named_is_told_with_the_record(alone: House):
    named = {"CF_FR_ZJLX": "身份证"}
    record = await submitted(alone, 1, **named, CF_FR_ZJHM=resident(1))
    await submitted(alone, 1, **named, CF_FR_ZJHM=resident(2))
    nobody = await submitted(alone, 2)
    people = {who for event in await alone.events(record) for who in event.named}
    assert len(people) == 2
    alone.on(OVER)
    assert await a_round(alone) == 2
    said = await alone.fetch("select data from bus.event where type = 'record.purged'")
    heard = {each.record: each for row in said if (each := RecordPurged.model_validate_json(row["data"]))}
    assert (set(heard[record].named), heard[nobody].named) == (people, ())


@pytest.fixture
def weighed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes of bodies in each answer of the database."""
    watch, answers = Session._watched, list[int]()

    async def noted(session: Session, doing: str, work: Any) -> Any:
        found = await watch(session, doing, work)
        values = (value for row in found for value in row) if isinstance(found, list) else ()
        flat = (each for value in values for each in (value if isinstance(value, list) else [value]))
        answers.append(sum(len(each) for each in flat if isinstance(each, bytes) and len(each) > 100))
        return found

    monkeypatch.setattr(Session, "_watched", noted)
    return answers


_REVISION = {"id": "g.id", "rev": "g.rev"}
_RECORD = {"id": "g.id", "record": "g.id", "natural_key": "decode(md5(g.rev::text), 'hex')"}


@pytest.mark.parametrize(("other", "count"), [(_REVISION, 1), (_RECORD, 5 * AT_ONCE)])
async def test_no_answer_grows_with_the_records_of_a_turn_or_their_revisions(
    alone: House, weighed: list[int], other: dict[str, str], count: int
):
    record = await submitted(alone, 1, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(1))
    (first,) = await alone.events(record)
    async with alone.database.session() as session:
        await session.execute(
            f"""insert into ingestion.revision ({", ".join(COLUMNS)})
                select {", ".join(other.get(name, f"r.{name}") for name in COLUMNS)} from ingestion.revision r
                 cross join lateral (
                       select rev, gen_random_uuid() as id from generate_series(2, {5 * AT_ONCE}) rev) g"""
        )
        body = await session.fetchval("select max(length(data)) from ingestion.revision")
    weighed.clear()
    alone.on(OVER)
    assert await a_round(alone) == count
    assert 0 < max(weighed) <= 2 * AT_ONCE * body
    said = await alone.fetch("select data from bus.event where type = 'record.purged'")
    purged = [each for row in said if (each := RecordPurged.model_validate_json(row["data"])).record == record]
    assert [each.named for each in purged] == [tuple(first.named)]


@pytest.mark.parametrize("which", ["newest", "first"])
@pytest.mark.parametrize("damage", [FRAME + b"\x00" * 20, b'{"display_until": '])
async def test_a_record_that_cannot_be_read_is_kept_and_told_and_the_others_are_deleted(
    alone: House, which: str, damage: bytes
):
    records = [await submitted(alone, number) for number in range(1, 8)]
    await submitted(alone, 4, CF_SY="另一事由")
    (kept,) = records[3:4]
    newest = "desc" if which == "newest" else "asc"
    async with alone.database.session() as session:
        await session.execute(
            f"""update ingestion.revision r set data = $2 from (
                       select part, id from ingestion.revision where record = $1 order by rev {newest} limit 1) b
                 where r.part = b.part and r.id = b.id""",
            kept, damage,
        )  # fmt: skip
    alone.on(OVER)
    alone.equipment.stopped.clear()
    async with alone.database.session() as session:
        await session.execute("truncate bus.event_queue")
    rounds = RetentionRounds(alone.equipment, most=1000)
    assert await rounds.round() == 6
    assert await there(alone) == {kept}
    assert alone.equipment.stopped == {"retention": f"1 records cannot be read and are kept: {kept}"}
    async with alone.database.session() as session:
        await session.execute("delete from ingestion.revision where record = $1", kept)
    alone.on(date.fromordinal(OVER.toordinal() + 1))
    await rounds.round()
    assert alone.equipment.stopped == {}


async def test_what_a_turn_costs_grows_with_its_records_and_not_with_their_square(alone: House):
    await submitted(alone, 1)
    same = {"id": "g.id", "record": "g.id", "natural_key": "decode(md5(g.n::text), 'hex')"}
    async with alone.database.session() as session:
        await session.execute("truncate bus.event_queue")
        await session.execute(
            f"""insert into ingestion.revision ({", ".join(COLUMNS)})
                select {", ".join(same.get(name, f"r.{name}") for name in COLUMNS)} from ingestion.revision r
                 cross join lateral (select n, gen_random_uuid() as id from generate_series(1, 5999) n) g"""
        )
        async with session.transaction():
            await session.execute("set local statement_timeout = '5s'")  # a quarter of a second is enough
            gone = await session.fetchval(
                """select count(*)
                     from (select array_agg(part) as parts, array_agg(subject) as subjects,
                                  array_agg(natural_key) as keys, array_agg(1) as numbers, array_agg(60) as months,
                                  array_agg(date '2020-01-01') as ended from ingestion.revision) a
                    cross join lateral ingestion.purge(parts, subjects, keys, numbers, months, ended, $1)""",
                TODAY,
            )
    assert gone == 6000
    assert await there(alone) == set()


async def test_held_rows_that_nobody_decided_within_their_term_are_blanked_and_may_be_sent_again(alone: House):
    rows = [person_penalty(number, CF_NR_FK="2000") for number in (71, 72, 73)]
    reviews = [(await alone.submit(row)).json()["review"] for row in rows]
    alone.on(date.fromordinal(add_months(TODAY, 60).toordinal() - 1))
    assert await HeldRowRounds(alone.equipment, most=2).round() == 0
    alone.equipment.followed.tell("item", with_term(84), number=2)  # else the row itself is over
    alone.on(add_months(TODAY, 60))
    assert await HeldRowRounds(alone.equipment, most=2).round() == 3
    stored = await alone.fetch("select state, verdict, sealed, officer from ingestion.review")
    assert [tuple(row.values()) for row in stored] == [("expired", None, "[]", None)] * 3
    async with alone.client(OFFICER) as client:
        shown = (await client.get(f"/v1/reviews/{reviews[0]}")).json()
        assert (shown["state"], shown["officer"], shown["fields"]) == ("expired", None, {})
        assert len((await client.get("/v1/reviews?state=expired")).json()["items"]) == 3
        decided = await client.post(f"/v1/reviews/{reviews[0]}/decision", json={"decision": "release"})
        assert (decided.status_code, decided.json()["code"]) == (409, "already_decided")
        assert "重新报送" in decided.json()["detail_zh"]
    assert await HeldRowRounds(alone.equipment, most=2).round() == 0
    for again in (rows[0], [rows[0]], rows[0]):
        answer = await alone.submit(again)
        line = told(answer)[0][0] if isinstance(again, list) else answer.json()
        assert (line["verdict"], line["review"] == reviews[0]) == ("held", False)
    assert len(await alone.fetch("select from ingestion.review where state = 'held'")) == 1


async def test_no_held_row_ends_by_a_catalogue_that_is_not_the_newest(alone: House):
    await alone.submit(person_penalty(71, CF_NR_FK="2000"))
    alone.on(add_months(TODAY, 60))
    await announce(alone, alone.equipment.followed.number + 1)
    try:
        with pytest.raises(Transient):
            await HeldRowRounds(alone.equipment, most=9).round()
    finally:
        await announce(alone, 0)
    assert await HeldRowRounds(alone.equipment, most=9).round() == 1


async def test_the_units_that_end_held_rows_and_erase_run_in_every_process(alone: House):
    workplace = Workplace(**dict.fromkeys(Workplace.__dataclass_fields__) | {"equipment": alone.equipment, "turn": 9})
    assert [unit.name for unit in service.units(workplace)] == ["retention", "held-rows", "eraser"]


@pytest.mark.parametrize(
    ("ended", "change", "codes", "left"),
    [
        (None, "corrected", ["retention_over"], []),
        ("withheld", "corrected", ["retention_over"], []),
        ("withdrawn", "reopened", [], ["reopened"]),
    ],
)
async def test_a_copy_that_ended_by_this_nodes_law_and_was_deleted_is_not_brought_back_by_its_origin(
    province: House, ended: Any, change: Any, codes: list[str], left: list[str]
):
    telling, feed, record = province.equipment.followed, Feed(province), new_record()
    assert isinstance(telling, Catalogue)
    row = penalty(province.number(), **(ROW | SHOWN))
    try:
        telling.tell("item", with_term(6, 2), number=2)
        await province.deliver(feed.key(), feed.entry(row, record=record))
        if ended is not None:
            await province.deliver(feed.entry(row, record=record, rev=2, change=ended))
        province.on(add_months(date(2026, 11, 20), 18))
        async with province.database.session() as session:
            await session.execute("truncate bus.event_queue")
            await session.execute("update ingestion.retention_round set day = '-infinity', part = 12")
        await RetentionRounds(province.equipment, most=1000).round()
        assert await province.events(record) == []
        told = await refusals(province, feed.entry(row | {"BZ": "新"}, record=record, rev=3, change=change))
        assert (told, [event.change for event in await province.events(record)]) == (codes, left)
    finally:
        telling.tell("item", items()[PENALTY], number=3)
        province.on(TODAY)


KEYS: list[tuple[str, ...]] = [(), ("XK_WSH", "XK_XKBH"), ("XK_XKBH",), ("XK_WSH", "XK_XKWS")]


@pytest.mark.parametrize(("before", "after"), list(permutations(KEYS, 2)))
@pytest.mark.parametrize("ended", ["by a case", "deleted"])
async def test_what_has_ended_does_not_come_back_where_the_item_tells_records_apart_otherwise(
    alone: House, before: tuple[str, ...], after: tuple[str, ...], ended: str
):
    row = licence(1, certificate="JY1", decision="示许〔2026〕1号", XK_YXQZI="2099-12-31", XK_XKWS="示准〔2026〕1号")
    item, followed = items()["administrative_licence"], alone.equipment.followed
    followed.tell("item", item.model_copy(update={"number": 2, "natural_key": before}), number=2)
    record = (await alone.submit(row, item="administrative_licence")).json()["record"]
    (event,) = await alone.events(record)
    if ended == "deleted":
        await withdraw(alone, record)
        alone.on(add_months(TODAY, 60))
        assert await a_round(alone) == 1
    else:
        await alone.deliver(step(UUID(record), event.subject, "withdraw"))
    followed.tell("item", item.model_copy(update={"number": 3, "natural_key": after}), number=3)
    ((line,), _) = told(await alone.submit([row], item="administrative_licence"))
    codes = {"deleted": {"record_deleted", "perhaps_deleted"}, "by a case": {"record_closed", "record_ended"}}[ended]
    assert line["verdict"] in {"refused", "held", "unchanged"}, line
    assert line["reasons"][0]["code"] in codes
    assert await there(alone) == (set() if ended == "deleted" else {UUID(record)})


async def test_a_held_row_that_is_deleted_with_its_record_names_nobody_any_more(alone: House):
    named = {"CF_FR_ZJLX": "身份证", "CF_FR_ZJHM": resident(1)}
    record = await submitted(alone, 1, **named)
    alone.on(date.fromordinal(OVER.toordinal() - 5))
    held = await alone.submit(penalty(1, **(ROW | named | {"CF_JDRQ": "2026-04-11"})))
    assert held.json()["verdict"] == "held", held.text
    names = "select record from ingestion.named where record = any($1)"
    rows = [record, UUID(held.json()["review"])]
    assert {row["record"] for row in await alone.fetch(names, rows)} == set(rows)
    alone.on(OVER)
    assert await a_round(alone) == 1
    assert await alone.fetch("select from ingestion.review where id = $1", rows[1]) == []
    assert await alone.fetch(names, rows) == []
