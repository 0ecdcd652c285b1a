"""What was kept for its term after it ended is deleted, round by round, with a purge record and word to readers."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from creditmesh.chassis.bus.stream import read_stream
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Transient
from creditmesh.chassis.service import Workplace
from creditmesh.ingestion import service
from creditmesh.ingestion.held_rows import HeldRowRounds
from creditmesh.ingestion.retention import RetentionRounds
from creditmesh.ingestion.store.revisions import COLUMNS
from creditmesh.schemas.events import RecordChanged, RecordPurged
from creditmesh.schemas.rules.calendar import add_months
from tests.ingestion.conftest import OFFICER, PENALTY, REAL, Catalogue, House
from tests.ingestion.rows import TODAY, items, penalty, person_penalty, resident
from tests.ingestion.test_cases import step
from tests.ingestion.test_copies import announce
from tests.ingestion.test_one_decision import licence
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
            "truncate ingestion.revision, ingestion.review, ingestion.purge, ingestion.closed, bus.event_queue"
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
        told = await session.fetch("select data from bus.event where type = 'record.purged'")
    assert record in {RecordPurged.model_validate_json(row["data"]).record for row in told}


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


async def test_a_shorter_term_reaches_what_is_stored_and_a_longer_one_does_not(alone: House):
    await submitted(alone, 1)
    shorter = items()[PENALTY].model_copy(update={"retention_months": 12})
    longer = items()[PENALTY].model_copy(update={"retention_months": 120})
    directory = alone.equipment.followed
    alone.on(OVER)
    directory.tell("item", longer, number=2)
    assert directory.retention(OVER)[PENALTY].months == {1: 60, 2: 120}
    directory.tell("item", shorter, number=3)
    assert directory.retention(OVER)[PENALTY].months == {1: 12, 2: 12, 3: 12}
    alone.on(add_months(ENDS, 12))
    assert await a_round(alone) == 1
    assert [(each["number"], each["months"]) for each in await purges(alone)] == [(3, 12)]


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


async def test_what_was_ended_and_deleted_is_not_imposed_anew_by_a_row_that_is_sent_again(alone: House):
    open_ended = licence(1, certificate=None, decision="示许〔2026〕1号", XK_YXQZI="2099-12-31")
    licensed = (await alone.submit(open_ended, item="administrative_licence")).json()["record"]
    assert (await withdraw(alone, licensed)).status_code == 200
    alone.equipment.followed.tell("item", items()[PENALTY].model_copy(update={"retention_months": 3}), number=2)
    fined = await submitted(alone, 1, **SHOWN)
    (event,) = await alone.events(fined)
    await alone.deliver(step(fined, event.subject, "repair"))
    alone.on(add_months(TODAY, 3))
    assert await a_round(alone) == 1
    assert await there(alone) == {UUID(licensed)}
    assert "record_closed" in (await alone.submit(penalty(1, **(ROW | SHOWN)))).text
    alone.on(add_months(TODAY, 61))
    assert await a_round(alone) == 1
    assert "record_closed" in (await alone.submit(open_ended, item="administrative_licence")).text
    assert await there(alone) == set()
    told = await alone.fetch("select record, state from ingestion.closed")
    assert {(row["record"], row["state"]) for row in told} == {(UUID(licensed), "withdrawn"), (fined, "repaired")}


async def test_what_ended_by_itself_leaves_nothing_that_names_its_subject(alone: House):
    await submitted(alone, 1)
    alone.on(OVER)
    assert await a_round(alone) == 1
    assert await alone.fetch("select * from ingestion.closed") == []


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
    told = await alone.fetch("select data from bus.event where type = 'record.purged'")
    heard = {each.record: each for row in told if (each := RecordPurged.model_validate_json(row["data"]))}
    assert (set(heard[record].named), heard[nobody].named) == (people, ())


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


async def test_held_rows_that_nobody_decided_within_their_term_are_refused_and_blanked(alone: House):
    rows = [person_penalty(number, CF_NR_FK="2000") for number in (71, 72, 73)]
    reviews = [(await alone.submit(row)).json()["review"] for row in rows]
    alone.on(date.fromordinal(add_months(TODAY, 60).toordinal() - 1))
    assert await HeldRowRounds(alone.equipment, most=2).round() == 0
    alone.on(add_months(TODAY, 60))
    assert await HeldRowRounds(alone.equipment, most=2).round() == 3
    stored = await alone.fetch("select state, verdict, sealed, officer from ingestion.review")
    assert [tuple(row.values()) for row in stored] == [("refused", "refused", "[]", None)] * 3
    async with alone.client(OFFICER) as client:
        shown = (await client.get(f"/v1/reviews/{reviews[0]}")).json()
    assert (shown["state"], shown["officer"], shown["fields"]) == ("refused", None, {})
    assert "期限内未审核" in shown["note"]
    assert await HeldRowRounds(alone.equipment, most=2).round() == 0


async def test_the_unit_that_ends_held_rows_runs_in_every_process(alone: House):
    workplace = Workplace(**dict.fromkeys(Workplace.__dataclass_fields__) | {"equipment": alone.equipment, "turn": 9})
    assert [unit.name for unit in service.units(workplace)] == ["retention", "held-rows"]
