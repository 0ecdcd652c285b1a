"""What a page costs where the rules of its items have changed, and most of what is there has ended by them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date
from uuid import UUID

import pytest

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.matching.operations.designations import on_list
from creditmesh.matching.operations.tasks import inbox_page
from creditmesh.matching.store import designations, judging
from creditmesh.matching.store.judging import AT_ONCE, LOOKED
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.events import RecordChanged
from tests.matching.catalogue import ITEMS, TODAY, a_record
from tests.matching.conftest import PARTS, House, an_organisation, department
from tests.support.statements import sent_by

LIMIT = 10
ENDED = 3 * LOOKED // 2
_FILL = f"""
    insert into matching.standing
    select n % {PARTS}, gen_random_uuid(), gen_random_uuid(), rev, role, handle, kind, item, list, nature, origin,
           state, mark, decided_on, display_from, display_until, since, at, home, body, responsible
      from matching.standing, generate_series(1, {ENDED}) n where record = $1
"""
_ANSWER = """
    insert into matching.feedback
           (part, id, party, task, record, subject, handle, measure, list, role, rev, since, outcome, officer, at, data)
    select part, gen_random_uuid(), 'permits_office', gen_random_uuid(), record, subject, handle, 'bar', list, role,
           rev, since, 'applied', 'W-17', at, '{}'
      from matching.standing
"""
_READ = """
    select sum(idx_tup_fetch + seq_tup_read) from pg_stat_xact_user_tables
     where relname like 'standing\\_%' or relname like 'feedback\\_%'
"""
Ask = Callable[[Context, str | None], Awaitable[Page]]


def a_period(house: House, months: int) -> None:
    """The item is shown for so long from today on."""
    display = ITEMS["default"].display.model_copy(update={"months": months})
    house.catalogue.tell("item", ITEMS["default"].model_copy(update={"display": display}), effective=TODAY)


@pytest.fixture
async def stand(house: House) -> set[str]:
    """The records of two who stand under a period of two months, beside many who do not; `bar` was applied to all."""
    ended = a_record(await house.subject(an_organisation()), decided_on=date(2026, 1, 5))
    fresh = [a_record(await house.subject(an_organisation()), decided_on=date(2026, 5, 1)) for _ in range(2)]
    await house.load(ended, *fresh)
    async with house.database.session() as session:
        await session.execute(_FILL, ended.record)
        await session.execute(_ANSWER)
        await session.execute("analyze matching.standing, matching.feedback")
    return {str(each.record) for each in fresh}


async def told(house: House, ask: Ask) -> list[str]:
    """All of a list by its records; no page takes more statements than it may look at, nor begins at the front."""
    context, found, pages, read, after = Context(house.equipment, caller=department()), [], [], [], None
    try:
        session: Session = await context.session()
        while not pages or after is not None:
            before = await session.value(_READ) or 0
            async with sent_by(session) as sent:
                pages.append(page := await ask(context, after))
            read.append(await session.value(_READ) - before)
            after = page.next
            found += [str(each.record) for each in page.items]
            assert len([each for each in sent if "matching.standing" in each]) <= 1 + LOOKED // AT_ONCE
    finally:
        await context.rollback()
    assert len(pages) > ENDED // (LOOKED + AT_ONCE)
    assert any(len(page.items) < LIMIT for page in pages[:-1])
    assert read[-1] < read[0] / 2, f"the pages read {read} rows"
    return found


def tasks(state: str) -> Ask:
    return lambda context, after: inbox_page(context, state, due_before=None, after=after, limit=LIMIT)


async def test_a_page_of_a_list_looks_so_far_and_the_next_goes_on_from_there(house: House, stand: set[str]):
    a_period(house, 2)
    found = await told(house, lambda context, after: on_list(context, "black", after=after, limit=LIMIT))
    assert sorted(found) == sorted(stand)


@pytest.mark.parametrize("state", ["open", "answered"])
async def test_a_page_of_an_inbox_looks_so_far_and_the_next_goes_on_from_there(
    house: House, stand: set[str], state: str
):
    a_period(house, 2)
    assert sorted(await told(house, tasks(state))) == sorted(stand)


async def test_tasks_whose_ground_stands_under_other_rules_too_are_not_all_looked_at_for_one_page(
    house: House, stand: set[str]
):
    a_period(house, 24)
    assert await told(house, tasks("withdrawn")) == []


@pytest.mark.parametrize("state", ["withdrawn", "closed"])
async def test_answers_to_tasks_that_are_in_another_state_are_not_all_looked_at_for_one_page(
    house: House, stand: set[str], state: str
):
    assert await told(house, tasks(state)) == []


async def test_while_many_rows_are_judged_others_have_the_process(house: House, monkeypatch: pytest.MonkeyPatch):
    subject = await house.subject(an_organisation())
    change = a_record(subject)
    await house.load(change)
    async with house.database.session() as session:
        await session.execute(
            _FILL.replace(f"n % {PARTS}", "part").replace("(), gen_random_uuid()", "(), subject"), change.record
        )
    a_period(house, 24)
    turns, during, read = 0, list[int](), judging.SaidReader.read

    def noted(reader: judging.SaidReader, record: UUID, data: bytes | None) -> RecordChanged | None:
        during.append(turns)
        return read(reader, record, data)

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(judging.SaidReader, "read", noted)
    context, waiting = Context(house.equipment, caller=department()), asyncio.create_task(other())
    try:
        found, _ = await designations.visible_of(
            await context.session(),
            {subject: context.part(str(subject))},
            items=["default"],
            law=house.catalogue.law(TODAY),
        )
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await context.rollback()
    assert len(found) == len(during) == ENDED + 1
    assert max(Counter(during).values()) <= judging.SLICE
