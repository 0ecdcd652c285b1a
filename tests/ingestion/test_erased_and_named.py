"""Who is being erased and is named meanwhile; whom held rows name; what cannot be read; a person of two subjects."""

import time
from uuid import UUID

import pytest

from creditmesh.chassis.caller import OPERATOR
from creditmesh.chassis.packing import unpack
from creditmesh.chassis.vault.asked_for import KnownSubjects
from creditmesh.chassis.vault.ciphers import Ciphers
from creditmesh.chassis.vault.subjects import REMEMBERED
from creditmesh.ingestion import operations
from creditmesh.ingestion.eraser import Eraser
from creditmesh.schemas.events import RecordPurged
from tests.ingestion.conftest import MARKET_CALLER, House
from tests.ingestion.rows import penalty, person_penalty, resident
from tests.ingestion.test_copies import codes, new_record, opened_feed
from tests.ingestion.test_erased import erase_person, key_of, made, turned, whom
from tests.ingestion.test_reviews import decide

DAMAGED = "update ingestion.revision set data = decode('28b52ffd0001', 'hex') where id = $1"


@pytest.fixture
async def alone(house: House) -> House:
    return await _alone(house)


@pytest.fixture
async def above(province: House) -> House:
    return await _alone(province)


async def _alone(house: House) -> House:
    async with house.database.session() as session:
        await session.execute("truncate ingestion.erasing, ingestion.closing")
    return house


def forget(house: House) -> None:
    """This process has nobody in memory, as long after it used them."""
    vault = house.equipment.vault
    vault._subjects = KnownSubjects(10 * REMEMBERED, seconds=time.monotonic)
    vault._ciphers = Ciphers(vault._ask, vault._keys, remember=REMEMBERED, seconds=time.monotonic)


async def closed(house: House, *, remembered: bool = False) -> tuple[str, UUID]:
    """Somebody who is closed, and whose key is to go: their number and subject; this process has both in memory?"""
    number = resident(house.number())
    _, subject = await made(house, person_penalty(house.number(), CF_XDR_ZJHM=number))
    await erase_person(house, number)
    await turned(house)
    await turned(house)
    assert await key_of(house, subject) == (True, True, True)
    if not remembered:
        forget(house)
    return number, subject


@pytest.mark.parametrize("names", ["about them", "a firm of theirs"])
async def test_an_entry_that_names_who_is_closed_is_accepted_and_their_key_stays(above: House, names: str):
    number, subject = await closed(above)
    row = person_penalty(above.number(), CF_XDR_ZJHM=number)
    if names != "about them":
        row = penalty(above.number(), CF_FR_ZJLX="身份证", CF_FR_ZJHM=number)
    record, feed = new_record(), await opened_feed(above)
    assert await codes(above, feed.entry(row, record=record)) == []
    for _ in range(3):
        await turned(above)
    (event,) = await above.events(record)
    assert subject in {event.subject, *event.named}
    assert await key_of(above, subject) == (True, False, True)


async def test_a_row_about_who_is_closed_is_accepted_and_a_rehearsal_says_so_and_opens_nobody(alone: House):
    number, subject = await closed(alone)
    row = person_penalty(alone.number(), CF_XDR_ZJHM=number)
    rehearsed = await alone.submit(row, dry_run=True)
    assert (rehearsed.status_code, rehearsed.json()["verdict"]) == (200, "accepted"), rehearsed.text
    assert await key_of(alone, subject) == (True, True, True)
    assert (await alone.submit(row)).status_code == 201
    assert await key_of(alone, subject) == (True, False, True)


async def test_a_key_goes_in_its_time_however_often_rows_are_sent_that_are_refused(alone: House):
    number = resident(alone.number())
    row = person_penalty(alone.number(), CF_XDR_ZJHM=number)
    _, subject = await made(alone, row)
    await erase_person(alone, number)
    stood = []
    for _ in range(3):
        await turned(alone)
        stood.append(await key_of(alone, subject))
        forget(alone)
        if stood[-1][0]:
            answer = await alone.submit(row)
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "record_deleted")
    assert stood == [(True, False, True), (True, True, True), (False, True, False)]


async def test_what_is_accepted_with_number_and_key_in_memory_is_whole_for_a_process_that_has_neither(alone: House):
    number, subject = await closed(alone, remembered=True)
    answer = await alone.submit(person_penalty(alone.number(), CF_XDR_ZJHM=number))
    (event,) = await alone.events(answer.json()["record"])
    assert event.subject == subject
    assert await key_of(alone, subject) == (True, False, True), "it is opened in the transaction of the row"
    forget(alone)
    assert set(await alone.equipment.vault.open_left({each.about for each in event.sealed})) == {subject}


@pytest.mark.parametrize("remembered", [True, False])
async def test_a_held_row_about_who_is_closed_opens_them(alone: House, *, remembered: bool):
    number, subject = await closed(alone, remembered=remembered)
    answer = await alone.submit(person_penalty(alone.number(), CF_XDR_ZJHM=number, CF_NR_FK="2000"))
    assert answer.json()["verdict"] == "held"
    assert await key_of(alone, subject) == (True, False, True)


async def test_what_is_sealed_of_who_is_closed_is_read_by_whoever_reads_it(alone: House):
    _, subject = await closed(alone)
    for _ in range(2):
        assert set(await alone.equipment.vault.open_left([subject])) == {subject}
    assert len(alone.equipment.vault._ciphers) == 0, "and kept in memory by nobody"


async def test_a_key_stays_while_a_held_row_names_the_person_and_goes_when_it_is_decided(alone: House):
    number = resident(alone.number())
    _, subject = await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=number))
    firm = penalty(alone.number(), CF_FR_ZJLX="身份证", CF_FR_ZJHM=number, CF_NR_FK="2000")
    review = (await alone.submit(firm)).json()["review"]
    found = await erase_person(alone, number)
    assert (found.key, found.named_in, found.held_rows) == ("stays", 1, 0)
    for _ in range(3):
        await turned(alone)
    assert await key_of(alone, subject) == (True, False, True)
    forget(alone)
    assert (await decide(alone, review, "refuse")).status_code == 200
    for _ in range(2):
        await turned(alone)
    assert await key_of(alone, subject) == (False, True, False)


async def test_a_held_row_that_names_who_was_erased_is_released_as_its_party_filled_it_in(alone: House):
    number = resident(alone.number())
    _, subject = await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=number))
    firm = penalty(alone.number(), CF_FR_ZJLX="身份证", CF_FR_ZJHM=number, CF_NR_FK="2000")
    review = (await alone.submit(firm)).json()["review"]
    await erase_person(alone, number)
    for _ in range(3):
        await turned(alone)
    forget(alone)
    released = await decide(alone, review)
    assert released.status_code == 201, released.text
    (event,) = await alone.events(released.json()["record"])
    assert event.named == (subject,)
    named = await alone.fetch("select record from ingestion.named where subject = $1", subject)
    assert [each["record"] for each in named] == [UUID(released.json()["record"])], "the held row names nobody any more"


async def test_an_order_is_carried_out_of_a_record_that_cannot_be_read_and_forgets_whom_it_named(alone: House):
    number, other = resident(alone.number()), resident(alone.number())
    row = person_penalty(alone.number(), CF_XDR_ZJHM=number)
    record, subject = await made(alone, row)
    whole, _ = await made(alone, row | {"CF_WSH": f"示市监处罚〔2026〕{alone.number()}号"})
    _, named = await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=other))
    async with alone.database.session() as session:
        await session.execute(DAMAGED, record)
        await session.execute("insert into ingestion.named (subject, record) values ($1, $2)", named, record)
    found = await erase_person(alone, number)
    assert {(each.record, each.rev) for each in found.records} == {(record, 2), (whole, 2)}
    (kept,) = await alone.fetch("select data from ingestion.revision where record = $1 and rev = 2", record)
    assert b'"change":"erased"' in unpack(kept["data"])
    assert (await turned(alone))[0] == 2
    assert await alone.fetch("select from ingestion.named where record = $1", record) == []
    purged = await alone.fetch("select data from bus.event where type = 'record.purged'")
    said = {each.record: each.named for each in (RecordPurged.model_validate_json(row["data"]) for row in purged)}
    assert said[record] == (named,)
    for _ in range(2):
        await turned(alone)
    assert await key_of(alone, subject) == (False, True, False)


async def test_a_party_finds_its_records_beside_one_that_cannot_be_read_which_is_named(alone: House):
    number = resident(alone.number())
    row = person_penalty(alone.number(), CF_XDR_ZJHM=number)
    record, _ = await made(alone, row)
    whole, _ = await made(alone, row | {"CF_WSH": f"示市监处罚〔2026〕{alone.number()}号"})
    async with alone.database.session() as session:
        await session.execute(DAMAGED, record)
    async with alone.client(MARKET_CALLER) as client:
        answer = await client.post("/v1/records/searches", json={"subject": whom(number)})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert [each["record"] for each in said["items"]] == [str(whole)]
    assert (said["unreadable"], said["partial"]) == ([str(record)], True)
    *_, access = await alone.accesses()
    assert set(access["records"]) == {str(record), str(whole)}, "what is told to be there is in the log"


async def test_a_person_of_two_subjects_is_erased_as_both_and_is_found_by_neither(alone: House):
    number, before = resident(alone.number()), resident(alone.number())
    record, subject = await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=number))
    other_record, other = await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=before))
    async with alone.database.session() as session:
        await session.execute("insert into vault.split (kept, other) values ($1, $2)", subject, other)
    found = await erase_person(alone, number)
    assert {each.record for each in found.records} == {record, other_record}
    for _ in range(3):
        await turned(alone)
    assert await key_of(alone, subject) == (False, True, False)
    assert await key_of(alone, other) == (False, True, False)
    accesses = [each for each in await alone.accesses() if each["purpose"] == "erasure"]
    assert {each["subject"] for each in accesses[-2:]} == {str(subject), str(other)}


async def test_an_erased_record_that_somebody_has_still_to_read_is_tried_more_and_more_seldom(alone: House):
    number = resident(alone.number())
    await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=number))
    await erase_person(alone, number)
    waits = "select tries, extract(epoch from try_at - clock_timestamp()) as seconds from ingestion.erasing"
    for tries, seconds in ((1, 1), (2, 2), (3, 4), (4, 8)):
        assert await Eraser(alone.equipment).turn() == (0, 0)
        (row,) = await alone.fetch(waits)
        assert row["tries"] == tries
        assert seconds - 1 < row["seconds"] <= seconds
        assert await Eraser(alone.equipment).turn() == (0, 0)
        assert (await alone.fetch(waits))[0]["tries"] == tries, "not tried again at once"
        async with alone.database.session() as session:
            await session.execute("update ingestion.erasing set try_at = now()")
    async with alone.database.session() as session:
        await session.execute("update ingestion.erasing set tries = 10")
    await Eraser(alone.equipment).turn()
    (row,) = await alone.fetch(waits)
    assert (row["tries"], 50 < row["seconds"] <= 60) == (10, True), "however long it waits"


async def test_the_list_of_erasures_does_not_say_whether_they_are_complete(alone: House):
    number = resident(alone.number())
    await made(alone, person_penalty(alone.number(), CF_XDR_ZJHM=number))
    found = await erase_person(alone, number)
    async with alone.context(OPERATOR) as ctx:
        (listed, *_) = await operations.list_erasures(ctx)
        one = await operations.erasure_of(ctx, found.erasure)
    assert listed.erasure == found.erasure
    assert listed.complete is None
    assert one.complete is False
