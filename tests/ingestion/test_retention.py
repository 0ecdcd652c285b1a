"""What was kept for its term after it ended is deleted, round by round, with a purge record and word to readers."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from creditmesh.chassis.clock import Clock
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.service import Workplace
from creditmesh.ingestion import service
from creditmesh.ingestion.held_rows import HeldRowRounds
from creditmesh.ingestion.retention import RetentionRounds
from creditmesh.schemas.events import RecordPurged
from creditmesh.schemas.rules.calendar import add_months
from tests.ingestion.conftest import OFFICER, PENALTY, REAL, Catalogue, House
from tests.ingestion.rows import TODAY, items, penalty, person_penalty
from tests.ingestion.test_one_decision import licence

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
        await session.execute("truncate ingestion.revision, ingestion.review, ingestion.purge, bus.event_queue")
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


async def a_round(house: House, most: int = 1000) -> int:
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
