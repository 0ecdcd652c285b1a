"""What was decided here under a number that the node's feed has for another is written once more, above, and once."""

from typing import Any
from uuid import UUID

import pytest

from creditmesh.ingestion import operations
from creditmesh.schemas.events import RecordChanged, RevisionOutnumbered
from tests.ingestion.conftest import House
from tests.ingestion.entries import Feed, new_record
from tests.ingestion.rows import penalty
from tests.ingestion.test_cases import step
from tests.ingestion.test_records import correct, withdraw


async def outnumbered(house: House, revision: RecordChanged, *, above: int) -> None:
    async with house.context(None) as ctx:
        asked = RevisionOutnumbered(record=revision.record, revision=revision.revision, above=above)
        await operations.write_above(ctx, [asked])


async def decided(house: House, *words: str) -> tuple[str, dict[str, str]]:
    """A record that is corrected to each of these words in turn."""
    row = penalty(house.number())
    record = str((await house.submit(row)).json()["record"])
    for rev, said in enumerate(words, start=1):
        answer = await correct(house, record, row | {"CF_WFXW": said}, rev=rev)
        assert answer.is_success, answer.text
    return record, row


def said(events: list[RecordChanged]) -> list[tuple[int, str, Any]]:
    return [(each.rev, each.change, each.fields.get("CF_WFXW")) for each in events]


async def test_what_was_decided_is_the_next_revision_above_both_and_told_twice_is_one(house: House):
    record, _ = await decided(house, "一")
    before = await house.events(record)
    for _ in range(2):
        await outnumbered(house, before[1], above=5)
        after = await house.events(record)
        assert said(after)[1:] == [(2, "corrected", "一"), (6, "corrected", "一")]
    assert after[-1].revision not in {each.revision for each in before}, "it is a revision of its own"
    assert after[-1].sealed == before[1].sealed
    assert (after[-1].reason, after[-1].party, after[-1].state) == (before[1].reason, before[1].party, "published")


async def test_what_the_department_decided_since_stands_and_goes_by_its_own_number(house: House):
    record, row = await decided(house, "一")
    first = await house.events(record)
    assert (await correct(house, record, row | {"CF_WFXW": "二"}, rev=2)).is_success
    await outnumbered(house, first[1], above=2)
    assert [each.rev for each in await house.events(record)] == [1, 2, 3], "revision 3 is above what the feed has"
    await outnumbered(house, first[1], above=3)
    assert said(await house.events(record))[3:] == [(4, "corrected", "二")], "and what it replaced is not written again"


async def test_a_withdrawal_stays_whatever_is_to_be_written_above(house: House):
    record, _ = await decided(house, "一")
    (_, corrected) = await house.events(record)
    assert (await withdraw(house, record, rev=2)).is_success
    await outnumbered(house, corrected, above=2)
    assert [each.rev for each in await house.events(record)] == [1, 2, 3]
    await outnumbered(house, corrected, above=4)
    newest = (await house.events(record))[-1]
    assert (newest.rev, newest.change, newest.state) == (5, "withdrawn", "withdrawn")


async def test_a_mark_that_came_since_is_kept_by_the_content_that_is_written_again(house: House):
    record, _ = await decided(house, "一")
    (_, corrected) = await house.events(record)
    async with house.context(None) as ctx:
        await operations.apply_cases(ctx, [step(UUID(record), corrected.subject, "mark")])
    await outnumbered(house, corrected, above=2)
    content, marked = (await house.events(record))[3:]
    assert (content.rev, content.change, content.fields["CF_WFXW"], content.mark) == (4, "corrected", "一", "disputed")
    assert (marked.rev, marked.change, marked.mark) == (5, "marked", "disputed")


async def test_a_mark_that_is_written_again_shows_nothing_of_a_record_that_is_withheld_meanwhile(house: House):
    """What corrected it in the lost time came back and cannot be made again."""
    record = str((await house.submit(penalty(house.number()))).json()["record"])
    (first,) = await house.events(record)
    await house.deliver(step(UUID(record), first.subject, "mark"))
    own, marked = Feed(house, peer="city"), (await house.events(record))[-1]
    await house.deliver(own.entry_of(None, UUID(record), rev=3, change="corrected"))
    withheld = (await house.events(record))[-1]
    assert (withheld.change, withheld.state) == ("withheld", "withheld")
    await outnumbered(house, marked, above=withheld.rev)
    newest = (await house.events(record))[-1]
    assert (newest.rev, newest.change) == (withheld.rev + 1, "marked")
    assert (newest.state, newest.mark) == ("withheld", "disputed")


@pytest.mark.parametrize("which", ["unknown", "deleted"])
async def test_what_is_not_here_is_not_written(house: House, which: str):
    record, _ = await decided(house, "一")
    (_, corrected) = await house.events(record)
    if which == "deleted":
        async with house.database.session() as session:
            await session.execute("delete from ingestion.revision where record = $1", UUID(record))
    else:
        corrected = corrected.model_copy(update={"revision": new_record()})
    before = await house.events(record)
    await outnumbered(house, corrected, above=5)
    assert await house.events(record) == before
