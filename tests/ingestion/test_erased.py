"""Rows and records about somebody who was erased: nothing can be stored of them, and nobody else waits for that."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from creditmesh.chassis.caller import OPERATOR
from creditmesh.ingestion import operations
from creditmesh.ingestion.eraser import Eraser
from creditmesh.ingestion.operations.erasing import UnknownRecords
from creditmesh.ingestion.operations.subjects import identity_of
from creditmesh.ingestion.store import closing
from creditmesh.schemas.erasures import ErasureIn, ErasureOut
from creditmesh.schemas.events import HolderChanged
from creditmesh.schemas.subject import SubjectIn
from tests.ingestion.conftest import REAL, House, told
from tests.ingestion.rows import penalty, person_penalty, resident
from tests.ingestion.test_records import correct, read
from tests.ingestion.test_reviews import decide
from tests.support.erasing import erase


async def erased(house: House, row: dict[str, str]) -> str:
    """A record made of this row, whose subject was erased since."""
    record = (await house.submit(row)).json()["record"]
    await erase(house.database, house.equipment.vault, (await house.events(record))[0].subject)
    return record


async def test_a_row_about_somebody_who_was_erased_is_refused_and_the_others_are_taken(house: House):
    gone, other = person_penalty(house.number()), person_penalty(house.number())
    await erased(house, gone)
    again = gone | {"CF_WSH": "示市监处罚〔2026〕9001号"}
    firm = penalty(house.number(), CF_FR_ZJLX="身份证", CF_FR_ZJHM=gone["CF_XDR_ZJHM"])
    verdicts, _ = told(await house.submit([again, other, firm]))
    assert [each["verdict"] for each in verdicts] == ["refused", "accepted", "refused"]
    assert {each["code"] for verdict in verdicts for each in verdict.get("reasons", ())} == {"subject_erased"}
    answer = await house.submit(again)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "subject_erased")


async def test_a_record_of_somebody_who_was_erased_is_read_without_what_was_sealed_and_not_corrected(house: House):
    row = person_penalty(house.number())
    record = await erased(house, row)
    answer = await read(house, record)
    assert answer.status_code == 200
    assert "CF_XDR_ZJHM" not in answer.json()["fields"]
    assert answer.json()["fields"]["CF_WSH"] == row["CF_WSH"]
    answer = await correct(house, record, row | {"BZ": "新"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "subject_erased")


async def test_a_held_row_of_somebody_who_was_erased_is_shown_empty_and_not_released(house: House):
    number = resident(house.number())
    row = person_penalty(house.number(), CF_XDR_ZJHM=number, CF_NR_FK="2000")
    review = (await house.submit(row)).json()["review"]
    (kept,) = await house.fetch("select subject from ingestion.review where id = $1", UUID(review))
    await erase(house.database, house.equipment.vault, kept["subject"])
    assert (await decide(house, review)).status_code == 422
    assert (await decide(house, review, "refuse")).status_code == 200


BY = {"ground": "order", "basis": "（2026）示01行终8号", "officer": "Reviewer Lan"}
LONG_AGO = """
    update vault.subject set closed_at = closed_at - interval '1 hour' where closed_at is not null;
    update ingestion.closing set look_at = now();
    update ingestion.erasing set try_at = now();
"""


def whom(number: str) -> dict[str, Any]:
    return {"kind": "natural_person", "document": {"type": "resident_id", "number": number}}


async def erase_person(house: House, number: str, **more: Any) -> ErasureOut:
    person = whom(number)
    async with house.context(OPERATOR) as ctx:
        return await operations.erase_person(ctx, ErasureIn(person=person, confirmed=True, **BY, **more))


async def considered(house: House, number: str) -> ErasureOut:
    async with house.context(OPERATOR) as ctx:
        return await operations.erase_person(ctx, ErasureIn(person=whom(number), **BY))


ERASED = """
    select r.record, r.subject, r.rev, r.item, r.party from ingestion.revision r
     where r.state = 'erased' and r.record in (select record from ingestion.erasing)
"""


async def answered(house: House) -> None:
    """This node is told of the ends of what is erased, and no department is."""
    for row in await house.fetch(ERASED):
        await house.deliver(
            HolderChanged(
                **row, change="erased", holder=house.equipment.node.code, kind="node", outcome="unshared", at=REAL
            )
        )


async def turned(house: House, *, told: bool = True) -> tuple[int, int]:
    """A turn of the unit after everybody has read everything, long after the one before; `told`: of holders too."""
    if told:
        await answered(house)
    async with house.database.session() as session:
        await session.execute("truncate bus.event_queue")
        await session.execute(LONG_AGO)
    return await Eraser(house.equipment).turn()


async def key_of(house: House, subject: UUID) -> tuple[bool, bool, bool]:
    """Whether the person has a key, is closed, and is found by a number."""
    (row,) = await house.fetch(
        "select wrapped is not null as key, closed_at is not null as closed,"
        " exists (select from vault.identity i where i.subject = s.id) as known from vault.subject s where id = $1",
        subject,
    )
    return row["key"], row["closed"], row["known"]


async def made(house: House, row: dict[str, str]) -> tuple[UUID, UUID]:
    record = (await house.submit(row)).json()["record"]
    return UUID(record), (await house.events(record))[0].subject


@pytest.fixture
async def alone(house: House) -> House:
    async with house.database.session() as session:
        await session.execute("truncate ingestion.erasing, ingestion.closing")
    return house


async def test_a_record_that_is_erased_ends_is_deleted_and_the_key_goes_when_nobody_can_have_it(alone: House):
    number = resident(alone.number())
    record, subject = await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=number))
    other, _ = await made(alone, person_penalty(alone.number()))
    assert [each.pending for each in (await considered(alone, number)).records] == [()], "nobody is told of no order"
    found = await erase_person(alone, number)
    assert [(each.record, each.rev) for each in found.records] == [(record, 2)]
    entry = await entry_of(alone, found)
    assert (entry.records, entry.key, entry.complete) == (found.records, "goes", False)
    assert (found.key, found.complete) == ("goes", False), "the order answers what stands"
    assert [each.pending for each in found.records] == [("city",)]
    *_, end = await alone.events(record)
    assert (end.change, end.state, end.reason, end.basis) == ("erased", "erased", "order", None)
    assert await Eraser(alone.equipment).turn() == (0, 0), "somebody has still to read it"
    assert (await turned(alone))[0] == 1
    assert (await alone.events(record), len(await alone.events(other))) == ([], 1)
    assert await key_of(alone, subject) == (True, False, True)
    await turned(alone)
    assert await key_of(alone, subject) == (True, True, True)
    assert await Eraser(alone.equipment).turn() == (0, 0), "a process may have the key still"
    entry = await entry_of(alone, found)
    assert [(each.deleted, each.pending) for each in entry.records] == [(True, ())]
    assert (entry.key, entry.key_destroyed_at, entry.complete) == ("goes", None, False), "all but the key is gone"
    assert await turned(alone) == (0, 1)
    assert await key_of(alone, subject) == (False, True, False)
    entry = await entry_of(alone, found)
    assert (entry.key, entry.complete) == ("destroyed", True)
    assert entry.key_destroyed_at is not None


async def test_the_end_of_a_key_is_written_down_of_an_order_that_no_record_was_about(alone: House):
    number = resident(alone.number())
    async with alone.context(OPERATOR) as ctx:
        (subject,) = await ctx.vault.resolve([identity_of(ctx, SubjectIn.model_validate(whom(number)))])
    found = await erase_person(alone, number)
    assert (found.records, found.key) == ((), "goes")
    assert (await entry_of(alone, found)).complete is False
    for _ in range(2):
        await turned(alone)
    assert (await entry_of(alone, found)).complete is True
    assert await key_of(alone, subject) == (False, True, False)


async def test_an_order_that_was_under_way_before_its_key_was_seen_to_hears_of_its_end(alone: House):
    number = resident(alone.number())
    await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=number))
    order = await erase_person(alone, number)
    async with alone.database.session() as session:
        await session.execute("truncate ingestion.closing")
    assert (await entry_of(alone, order)).complete is False
    await turned(alone)
    assert (await entry_of(alone, order)).key == "goes"
    for _ in range(2):
        await turned(alone)
    ended = await entry_of(alone, order)
    assert (ended.key, ended.complete) == ("destroyed", True)
    assert ended.key_destroyed_at is not None


async def test_two_who_destroy_the_keys_of_one_order_at_once_write_its_end_once(alone: House):
    number = resident(alone.number())
    await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=number))
    order, people = (await erase_person(alone, number)).erasure, [uuid4(), uuid4()]
    pool = alone.database.pool("ingestion")
    async with pool.session() as first, pool.session() as second:
        await first.begin()
        await first.execute("delete from ingestion.closing")
        await closing.close(first, [(each, 3, None) for each in people], seconds=0, erasure=order)
        await first.commit()
        await first.begin()
        await second.begin()
        await closing.closed(first, people[:1], at=REAL)
        later = asyncio.create_task(closing.closed(second, people[1:], at=REAL))
        assert not (await asyncio.wait([later], timeout=0.2))[0], "it waits for the other"
        await first.commit()
        await later
        await second.commit()
    assert len(await alone.fetch("select from ingestion.erased_key where erasure = $1", order)) == 1


async def test_an_order_that_leaves_another_record_is_complete_without_the_key(alone: House):
    number = resident(alone.number())
    row = person_penalty(alone.number(), CF_XDR_ZJHM=number)
    record, _ = await made(alone, row)
    await made(alone, row | {"CF_WSH": f"示市监处罚〔2026〕{alone.number()}号"})
    found = await erase_person(alone, number, records=(record,))
    await turned(alone)
    entry = await entry_of(alone, found)
    assert (found.key, entry.key, entry.complete) == ("stays", "stays", True)


async def test_an_order_says_that_the_key_stays_for_a_held_row_that_it_leaves(alone: House):
    number = resident(alone.number())
    row = person_penalty(alone.number(), CF_XDR_ZJHM=number)
    record, subject = await made(alone, row)
    held = person_penalty(alone.number(), CF_XDR_ZJHM=number, CF_NR_FK="2000")
    assert (await alone.submit(held)).json()["verdict"] == "held"
    found = await erase_person(alone, number, records=(record,))
    assert (found.held_rows, found.key) == (0, "stays")
    for _ in range(4):
        await turned(alone)
    assert await key_of(alone, subject) == (True, False, True)
    assert (await entry_of(alone, found)).key == "stays"


async def test_a_second_order_does_not_say_that_a_key_stays_for_what_is_on_its_way_out(alone: House):
    number = resident(alone.number())
    row = person_penalty(alone.number(), CF_XDR_ZJHM=number)
    first, subject = await made(alone, row)
    await made(alone, row | {"CF_WSH": f"示市监处罚〔2026〕{alone.number()}号"})
    assert (await erase_person(alone, number, records=(first,))).key == "stays"
    assert (await erase_person(alone, number)).key == "goes"
    for _ in range(3):
        await turned(alone)
    assert await key_of(alone, subject) == (False, True, False)


@pytest.mark.parametrize("deleted", [False, True])
async def test_an_order_is_given_again_where_some_of_its_records_are_erased_already(alone: House, *, deleted: bool):
    """As after a restore, which erases again what the nodes above know of, and nothing else."""
    number = resident(alone.number())
    row = person_penalty(alone.number(), CF_XDR_ZJHM=number)
    shared, _ = await made(alone, row)
    unshared, _ = await made(alone, row | {"CF_WSH": f"示市监处罚〔2026〕{alone.number()}号"})
    other, _ = await made(alone, person_penalty(alone.number()))
    await erase_person(alone, number, records=(shared,))
    if deleted:
        assert (await turned(alone))[0] == 1
    with pytest.raises(UnknownRecords) as refused:
        await erase_person(alone, number, records=(shared, other, unshared))
    assert [each.pointer for each in refused.value.errors] == ["/records/1"]
    found = await erase_person(alone, number, records=(shared, unshared))
    assert ([each.record for each in found.records], found.erased_before) == ([unshared], (shared,))
    *_, end = await alone.events(unshared)
    assert end.change == "erased"
    again = await erase_person(alone, number, records=(shared, unshared))
    assert (again.records, set(again.erased_before)) == ((), {shared, unshared})


async def entry_of(house: House, found: ErasureOut) -> ErasureOut:
    assert found.erasure is not None
    async with house.context(OPERATOR) as ctx:
        return await operations.erasure_of(ctx, found.erasure)


async def test_who_is_closed_is_opened_again_where_something_was_accepted_with_a_key_in_memory(alone: House):
    number = resident(alone.number())
    _, subject = await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=number))
    await erase_person(alone, number)
    await turned(alone)
    await turned(alone)
    assert await key_of(alone, subject) == (True, True, True)
    record, again = await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=number))
    assert again == subject, "this process has number and key in memory"
    assert await key_of(alone, subject) == (True, False, True), "opened in the row's own transaction"
    await turned(alone)
    assert await key_of(alone, subject) == (True, False, True)
    assert len(await alone.events(record)) == 1


@pytest.mark.parametrize("needs", ["named", "department"])
async def test_a_key_stays_while_another_record_names_the_person_or_a_measure_is_to_be_lifted(alone: House, needs: str):
    number = resident(alone.number())
    record, subject = await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=number))
    if needs == "named":
        firm = penalty(alone.number(), CF_FR_ZJLX="身份证", CF_FR_ZJHM=number)
        assert (await alone.submit(firm)).status_code == 201
    found = await erase_person(alone, number)
    assert (found.named_in, found.key) == ((1, "stays") if needs == "named" else (0, "goes"))

    def told_department(outcome: str) -> HolderChanged:
        return HolderChanged(
            subject=subject, record=record, rev=2, change="erased", holder="finance", kind="department",
            outcome=outcome, at=REAL, item=found.records[0].item, party="market_regulation", task=uuid4(),
        )  # fmt: skip

    if needs == "department":
        await alone.deliver(told_department("told"))
        assert (await entry_of(alone, found)).key == "stays", "before the record is deleted too"
    for _ in range(3):
        await turned(alone)
    assert await alone.events(record) == []
    assert await key_of(alone, subject) == (True, False, True)
    assert (await entry_of(alone, found)).complete is (needs == "named")
    if needs == "department":
        await alone.deliver(told_department("acknowledged"))
        for _ in range(2):
            await turned(alone)
        assert await key_of(alone, subject) == (False, True, False)


async def test_a_key_waits_until_it_is_known_which_departments_have_to_lift(alone: House):
    number = resident(alone.number())
    record, subject = await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=number))
    found = await erase_person(alone, number)
    for _ in range(4):
        await turned(alone, told=False)
    assert await alone.events(record) == []
    assert await key_of(alone, subject) == (True, False, True), "who holds it was never said"
    (said,) = found.records
    await alone.deliver(
        HolderChanged(
            subject=subject, record=record, rev=2, change="erased", holder="city", kind="node", outcome="unshared",
            at=REAL, item=said.item, party=said.party,
        )
    )  # fmt: skip
    for _ in range(2):
        await turned(alone)
    assert await key_of(alone, subject) == (False, True, False)


async def test_held_rows_about_the_person_are_blanked_and_who_comes_later_is_somebody_new(alone: House):
    number = resident(alone.number())
    row = person_penalty(alone.number(), CF_XDR_ZJHM=number, CF_NR_FK="2000")
    review = (await alone.submit(row)).json()["review"]
    found = await erase_person(alone, number)
    assert (found.records, found.held_rows, found.key) == ((), 1, "goes")
    assert await entry_of(alone, found) == found
    (kept,) = await alone.fetch("select state, sealed, subject from ingestion.review where id = $1", UUID(review))
    assert (kept["state"], kept["sealed"]) == ("expired", "[]")
    for _ in range(2):
        await turned(alone)
    assert await key_of(alone, kept["subject"]) == (False, True, False)
    assert (await entry_of(alone, found)).key == "destroyed"


async def test_an_erased_record_is_opened_by_nothing_and_its_row_is_refused_while_it_is_known(alone: House):
    number = resident(alone.number())
    row = person_penalty(alone.number(), CF_XDR_ZJHM=number)
    record, _ = await made(alone, row)
    await made(alone, row | {"CF_WSH": f"示市监处罚〔2026〕{alone.number()}号"})
    found = await erase_person(alone, number, records=(record,))
    assert ([each.record for each in found.records], found.key) == ([record], "stays")
    answer = await correct(alone, str(record), row | {"BZ": "新"}, rev=2, reason="reopened", basis="示字1号")
    assert (answer.status_code, answer.json()["code"]) == (409, "record_closed")
    await turned(alone)
    again = await alone.submit(row)
    assert (again.status_code, again.json()["errors"][0]["code"]) == (422, "record_deleted")


async def test_an_order_that_is_given_while_the_person_is_looked_at_waits_and_not_in_a_circle(alone: House):
    number = resident(alone.number())
    _, subject = await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=number))
    await erase_person(alone, number)
    await turned(alone)
    async with alone.database.session() as session:
        await session.execute(LONG_AGO)
    order = ErasureIn(person=whom(number), confirmed=True, **BY)
    async with alone.context(OPERATOR) as ctx:
        await ctx.lock([subject])
        looking = asyncio.create_task(Eraser(alone.equipment).turn())
        assert not (await asyncio.wait([looking], timeout=0.5))[0], "it waits for the order"
        found = await operations.erase_person(ctx, order)
    assert await looking == (0, 0), "the order says when it is looked at again"
    assert (found.records, found.key) == ((), "goes")
