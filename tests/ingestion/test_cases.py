"""A case's step does to a record of this node what it says, once, as one revision that names the case."""

from itertools import product
from typing import Any
from uuid import UUID

import pytest

from creditmesh.schemas.events import CaseChanged
from tests.ingestion.conftest import OFFICER, House
from tests.ingestion.entries import Feed, new_record
from tests.ingestion.rows import items, penalty, person_penalty, resident
from tests.ingestion.test_records import correct, withdraw

EFFECTS = ["mark", "unmark", "repair", "withdraw"]


async def made(house: House, row: dict[str, str]) -> tuple[UUID, UUID]:
    """The record of a row and its subject."""
    record = UUID((await house.submit(row)).json()["record"])
    (event,) = await house.events(record)
    return record, event.subject


def step(record: UUID, subject: UUID, effect: str | None, **more: Any) -> CaseChanged:
    values: dict[str, Any] = {
        "case": new_record(),
        "kind": "repair" if effect == "repair" else "objection",
        "subject": subject,
        "record": record,
        "state": "accepted" if effect == "mark" else "approved",
        "effect": effect,
        "party": "credit_office",
        "officer": "O-7",
        "basis": "示信修〔2026〕3号",
    }
    return CaseChanged(**(values | more))


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        ("mark", ("marked", "published", "disputed", None)),
        ("repair", ("repaired", "repaired", None, None)),
        ("withdraw", ("withdrawn", "withdrawn", None, "objection_upheld")),
    ],
)
async def test_an_effect_is_one_revision_that_says_who_and_why(house: House, effect: str, said: tuple[str | None, ...]):
    record, subject = await made(house, person_penalty(house.number()))
    told = step(record, subject, effect)
    await house.deliver(told)
    first, event = await house.events(record)
    assert (event.rev, event.change, event.state, event.mark, event.reason) == (2, *said)
    assert (event.case, event.officer, event.basis, event.party) == (told.case, "O-7", told.basis, first.party)
    assert (event.fields, event.sealed, event.submission) == (first.fields, first.sealed, None)
    (row,) = await house.fetch("select id, state, mark, rev from ingestion.revision where id = $1", event.revision)
    assert (row["state"], row["mark"], row["rev"]) == (event.state, event.mark, 2)
    queued = await house.fetch("select event from bus.event_queue where event = $1", event.revision)
    assert len(queued) == 1


async def test_an_effect_that_is_told_again_changes_nothing(house: House):
    record, subject = await made(house, penalty(house.number()))
    for effect, revisions in (("mark", 2), ("unmark", 3), ("repair", 4)):
        told = step(record, subject, effect)
        await house.deliver(told, told)
        await house.deliver(told)
        assert len(await house.events(record)) == revisions
    assert [event.mark for event in await house.events(record)] == [None, "disputed", None, None]


@pytest.mark.parametrize(("ended", "effect"), [*product(["repair", "withdraw"], EFFECTS)])
async def test_a_record_that_has_ended_is_left_as_it_is(house: House, ended: str, effect: str):
    record, subject = await made(house, penalty(house.number()))
    await house.deliver(step(record, subject, "mark"), step(record, subject, ended))
    before = await house.events(record)
    await house.deliver(step(record, subject, effect))
    assert await house.events(record) == before


async def test_a_step_without_an_effect_or_of_a_record_nobody_has_does_nothing(house: House):
    record, subject = await made(house, penalty(house.number()))
    before = await house.count()
    await house.deliver(
        step(record, subject, None), step(new_record(), subject, "withdraw"), step(record, subject, "unmark")
    )
    assert await house.count() == before


async def test_a_case_of_somebody_whom_the_record_only_names_finds_it_too(house: House):
    number = house.number()
    record, _ = await made(house, penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number)))
    (event,) = await house.events(record)
    await house.deliver(step(record, event.related[0].subject, "mark"))
    assert [each.mark for each in await house.events(record)] == [None, "disputed"]


async def test_a_batch_of_steps_is_taken_in_its_order(house: House):
    one, other = [await made(house, penalty(house.number())) for _ in range(2)]
    await house.deliver(
        step(*one, "mark"), step(*other, "mark"), step(*one, "unmark"), step(*other, "withdraw"), step(*one, "mark")
    )
    assert [event.change for event in await house.events(one[0])] == ["accepted", "marked", "unmarked", "marked"]
    assert [event.change for event in await house.events(other[0])] == ["accepted", "marked", "withdrawn"]


async def test_a_copy_is_its_origins_to_change(province: House):
    feed, record = Feed(province), new_record()
    await province.deliver(feed.key(), feed.entry(penalty(province.number()), record=record))
    before = await province.events(record)
    for effect in ("mark", "repair", "withdraw"):
        await province.deliver(step(record, before[0].subject, effect))
    assert await province.events(record) == before


async def test_a_record_whose_item_is_collected_no_more_is_still_marked_and_repaired(house: House):
    record, subject = await made(house, penalty(house.number()))
    item = items()["administrative_penalty"]
    house.equipment.followed.tell("item", item, state="withdrawn", number=2)
    try:
        await house.deliver(step(record, subject, "mark"), step(record, subject, "repair"))
    finally:
        house.equipment.followed.tell("item", item)
    assert [event.change for event in await house.events(record)] == ["accepted", "marked", "repaired"]


async def test_a_mark_stays_while_departments_correct_and_the_repaired_is_closed_to_them(house: House):
    row = penalty(house.number())
    record, subject = await made(house, row)
    await house.deliver(step(record, subject, "mark"))
    assert (await house.submit(row | {"BZ": "补充"})).json()["verdict"] == "corrected"
    await house.deliver(step(record, subject, "repair"))
    assert (await house.submit(row | {"BZ": "新"})).json()["errors"][0]["code"] == "record_closed"
    assert [(event.mark, event.case is None) for event in await house.events(record)] == [
        (None, True),
        ("disputed", False),
        ("disputed", True),
        ("disputed", False),
    ]


async def test_a_case_that_withdrew_a_record_is_not_undone_by_its_party(house: House):
    row = penalty(house.number())
    record, subject = await made(house, row)
    await house.deliver(step(record, subject, "mark"), step(record, subject, "withdraw"))
    before = await house.events(record)
    assert [(event.change, event.mark) for event in before] == [
        ("accepted", None), ("marked", "disputed"), ("withdrawn", None),
    ]  # fmt: skip
    answer = await correct(
        house, str(record), row, rev=3, caller=OFFICER, reason="reopened", basis="示市监恢〔2026〕1号"
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "record_closed")
    assert await house.events(record) == before


@pytest.mark.parametrize(("effect", "mark"), [("repair", "disputed"), ("withdraw", None)])
async def test_what_a_case_ended_is_open_again_as_it_was_by_that_case_alone(
    house: House, effect: str, mark: str | None
):
    row = penalty(house.number())
    record, subject = await made(house, row)
    ended = step(record, subject, effect)
    await house.deliver(step(record, subject, "mark"), ended)
    await house.deliver(step(record, subject, "reopen", state="revoked"))
    assert len(await house.events(record)) == 3
    revoked = ended.model_copy(update={"effect": "reopen", "state": "revoked", "basis": "示信撤〔2026〕1号"})
    await house.deliver(revoked, revoked)
    first, _, _, event = await house.events(record)
    assert (event.change, event.state, event.mark, event.reason) == ("reopened", "published", mark, "reopened")
    assert (event.case, event.officer, event.basis) == (ended.case, "O-7", "示信撤〔2026〕1号")
    assert (event.fields, event.sealed, event.display_until) == (first.fields, first.sealed, first.display_until)
    assert (await house.submit(row)).json()["reasons"][0]["code"] == "same"
    assert (await house.submit(row | {"BZ": "新"})).json()["verdict"] == "corrected"


@pytest.mark.parametrize(
    ("effect", "status", "said"),
    [
        ("repair", 409, ["accepted", "withdrawn", "repaired"]),
        ("withdraw", 409, ["accepted", "withdrawn", "withdrawn"]),
        ("discharge", 201, ["accepted", "withdrawn", "discharged", "reopened"]),
    ],
)
async def test_what_was_decided_holds_although_its_party_withdrew_the_record_first(
    house: House, effect: str, status: int, said: list[str]
):
    number = house.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    record, subject = await made(house, row)
    (event,) = await house.events(record)
    await withdraw(house, str(record))
    told = step(record, event.named[0] if effect == "discharge" else subject, effect)
    await house.deliver(told, told)
    answer = await correct(
        house, str(record), row, rev=3, caller=OFFICER, reason="reopened", basis="示市监恢〔2026〕1号"
    )
    assert (answer.status_code, [each.change for each in await house.events(record)]) == (status, said)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    ("effect", "said"),
    [
        ("repair", ["accepted", "withdrawn", "repaired", "withdrawn"]),
        ("withdraw", ["accepted", "withdrawn", "withdrawn", "withdrawn"]),
        ("discharge", ["accepted", "withdrawn", "discharged"]),
    ],
)
async def test_what_its_party_withdrew_is_withdrawn_again_when_what_was_decided_is_revoked(
    house: House, effect: str, said: list[str], *, at_once: bool
):
    number = house.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    record, subject = await made(house, row)
    (event,) = await house.events(record)
    await withdraw(house, str(record))
    told = step(record, event.named[0] if effect == "discharge" else subject, effect)
    revoked = told.model_copy(update={"effect": "reopen", "state": "revoked", "basis": "示信撤〔2026〕1号"})
    for each in [(told, revoked)] if at_once else [(told,), (revoked,)]:
        await house.deliver(*each)
    events = await house.events(record)
    assert [each.change for each in events] == said
    assert (events[-1].state, events[-1].case if effect != "discharge" else None) == ("withdrawn", None)
    answer = await correct(
        house, str(record), row, rev=len(said), caller=OFFICER, reason="reopened", basis="示市监恢〔2026〕1号"
    )
    assert answer.status_code == 201


async def test_what_its_party_withdrew_no_case_opens(house: House):
    record, subject = await made(house, penalty(house.number()))
    await withdraw(house, str(record))
    await house.deliver(step(record, subject, "reopen", state="revoked"))
    assert len(await house.events(record)) == 2


async def test_a_party_does_not_take_a_mark_off_by_withdrawing_and_reopening(house: House):
    row = penalty(house.number())
    record, subject = await made(house, row)
    await house.deliver(step(record, subject, "mark"))
    assert (await withdraw(house, str(record), rev=2)).status_code == 200
    answer = await correct(
        house, str(record), row, rev=3, caller=OFFICER, reason="reopened", basis="示市监恢〔2026〕1号"
    )
    assert answer.status_code == 201
    assert [(event.change, event.mark) for event in await house.events(record)][1:] == [
        ("marked", "disputed"), ("withdrawn", "disputed"), ("reopened", "disputed"),
    ]  # fmt: skip
    await house.deliver(step(record, subject, "unmark"))
    assert (await house.events(record))[-1].mark is None


@pytest.mark.parametrize(("kind", "mark"), [("repair", "disputed"), ("objection", None)])
async def test_a_named_persons_case_ends_the_record_for_them_alone(house: House, kind: str, mark: str | None):
    number = house.number()
    record, subject = await made(house, penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number)))
    (first,) = await house.events(record)
    (boss,) = first.named
    await house.deliver(step(record, subject, "mark"))
    told = step(record, boss, "discharge", kind=kind)
    await house.deliver(told)
    event = (await house.events(record))[-1]
    assert (event.rev, event.change, event.about, event.state, event.mark) == (3, "discharged", boss, "published", mark)
    assert (event.case, event.fields, event.related) == (told.case, first.fields, first.related)
    await house.deliver(step(record, subject, "unmark" if mark else "mark"))
    assert (await house.events(record))[-1].about is None


async def lost(house: House) -> tuple[UUID, UUID, dict[str, str], dict[str, str]]:
    """A record of this node whose correction cannot be made again after a restore; what it said, and what was lost."""
    row = penalty(house.number())
    record, subject = await made(house, row)
    own, said = Feed(house, peer="city"), row | {"BZ": "补充"}
    await house.deliver(own.entry_of(None, record, rev=2, change="corrected"))
    newest = (await house.events(record))[-1]
    assert (newest.rev, newest.change, newest.state) == (2, "withheld", "withheld")
    return record, subject, row, said


@pytest.mark.parametrize(("effect", "state"), [("repair", "repaired"), ("withdraw", "withdrawn")])
async def test_a_record_whose_content_was_lost_is_marked_and_ended_by_its_case(house: House, effect: str, state: str):
    record, subject, _, _ = await lost(house)
    ended = step(record, subject, effect)
    await house.deliver(step(record, subject, "mark"), ended)
    assert [(each.change, each.state) for each in (await house.events(record))[2:]] == [
        ("marked", "withheld"),
        (state, state),
    ]
    await house.deliver(ended.model_copy(update={"effect": "reopen", "state": "revoked"}))
    newest = (await house.events(record))[-1]
    assert (newest.change, newest.state, newest.case) == ("withheld", "withheld", ended.case), "not what it said before"


async def test_a_mark_on_a_record_whose_content_was_lost_is_taken_away(house: House):
    record, subject, row, _ = await lost(house)
    await house.deliver(step(record, subject, "mark"), step(record, subject, "unmark"))
    newest = (await house.events(record))[-1]
    assert (newest.change, newest.state, newest.mark) == ("unmarked", "withheld", None)
    assert (await correct(house, str(record), row, rev=4)).json()["verdict"] == "corrected"


async def test_a_row_that_says_what_was_lost_makes_the_record_whole_and_an_older_one_does_not(house: House):
    record, _, row, said = await lost(house)
    older = (await house.submit(row)).json()
    assert (older["verdict"], older["reasons"][0]["code"]) == ("unchanged", "superseded")
    assert (await house.events(record))[-1].state == "withheld"
    newer = (await house.submit(said)).json()
    assert (newer["verdict"], newer["record"]) == ("corrected", str(record))
    assert (await house.events(record))[-1].state == "published"
