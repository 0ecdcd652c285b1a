"""What is told of a record anew, whatever is held of it, becomes what stands here."""

import pytest

from creditmesh.ingestion.operations.copying import comparing
from tests.ingestion.conftest import House
from tests.ingestion.entries import new_record
from tests.ingestion.pages import SentEntry
from tests.ingestion.rows import penalty, resident
from tests.ingestion.test_copies import codes, opened_feed
from tests.support.bodies import alter

TOLD = """
select r.rev, r.id, r.record from bus.event_queue q join ingestion.revision r on (r.part, r.id) = (q.part, q.event)
 where q.type = 'record.changed' order by q.id
"""
OTHERWISE = "it says otherwise"
DONE = {
    "all is gone": ("delete from ingestion.revision where record = $1", "delete from ingestion.copy where record = $1"),
    "its revisions are gone": ("delete from ingestion.revision where record = $1",),
    "its whereabouts are gone": ("delete from ingestion.copy where record = $1",),
    "its newest is gone": ("delete from ingestion.revision where record = $1 and rev = 4",),
    "its first is gone": ("delete from ingestion.revision where record = $1 and rev = 1",),
    OTHERWISE: (),
}
"""What happens to a copy behind the node's back."""


def anew(*entries: SentEntry, replaced: SentEntry | None = None) -> list[SentEntry]:
    """The same, told anew, one of them without what was replaced."""
    return [
        each.model_copy(update={"anew": True} | ({"replaced": True, "body": None} if each is replaced else {}))
        for each in entries
    ]


@pytest.mark.parametrize("what", DONE)
async def test_all_that_the_feed_says_stands_again_above_whatever_was_told(province: House, what: str):
    feed, record, number = await opened_feed(province), new_record(), province.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    said = [
        feed.entry(row, record=record),
        feed.entry(row, record=record, rev=2, change="discharged", role="legal_representative"),
        feed.entry(row | {"CF_WFXW": "未按时公示"}, record=record, rev=3, change="corrected"),
        feed.entry(row, record=record, rev=4, change="marked"),
    ]
    assert await codes(province, *said) == []
    before = await province.events(record)
    async with province.database.session() as session:
        for statement in DONE[what]:
            await session.execute(statement, record)
        if what == OTHERWISE:
            await alter(session, record, {"CF_WFXW": "未公示"}, field="fields")
        await session.execute("delete from bus.event_queue")
    assert await codes(province, *anew(*said)) == []
    after = await province.events(record)
    told = await province.fetch(TOLD)
    assert [each["record"] for each in told] == [record] * 4
    assert all(each["id"] != record for each in told), "an event of that id was told before"
    assert [each["rev"] for each in told] == sorted(each["rev"] for each in told)
    assert told[-1]["rev"] == after[-1].rev > before[-1].rev, "who reads it takes the newer number"
    assert [each.change for each in after[-4:]] == ["accepted", "discharged", "corrected", "marked"]
    for stands, stood in zip(after[-4:], before, strict=True):
        assert stands.origin_rev == stood.rev
        for name in ("revision", "change", "state", "mark", "fields", "about", "related", "subject"):
            assert getattr(stands, name) == getattr(stood, name), name
    later = feed.entry(row, record=record, rev=5, change="unmarked")
    assert await codes(province, later) == []
    assert (await province.events(record))[-1].origin_rev == 5


async def test_what_was_opened_again_ends_without_its_content_coming_back(province: House):
    feed, record, number = await opened_feed(province), new_record(), province.number()
    said = [
        feed.entry(penalty(number), record=record),
        feed.entry(penalty(number), record=record, rev=2, change="withdrawn"),
    ]
    assert await codes(province, *said) == []
    async with province.database.session() as session:
        await session.execute("delete from ingestion.revision where record = $1 and rev = 2", record)
    assert await codes(province, *anew(*said, replaced=said[0])) == []
    assert [(each.change, each.state) for each in await province.events(record)] == [
        ("accepted", "published"),
        ("withdrawn", "withdrawn"),
    ]


@pytest.mark.parametrize(
    ("changed", "code"), [({"body": "{"}, "unreadable_entry"), ({"peer": "harbour"}, "origin_not_allowed")]
)
async def test_what_is_refused_as_it_is_told_anew_is_shown_no_more(province: House, changed: dict[str, str], code: str):
    feed, record, number = await opened_feed(province), new_record(), province.number()
    entry = feed.entry(penalty(number), record=record)
    assert await codes(province, entry) == []
    refused = entry.model_copy(update={**changed, "anew": True})
    assert await codes(province, refused) == [code]
    assert [each.state for each in await province.events(record)] == ["published", "withheld"]


async def test_only_what_is_shown_of_another_node_is_withheld_as_said_by_no_feed(province: House):
    feed, record, ended, number = await opened_feed(province), new_record(), new_record(), province.number()
    assert (
        await codes(
            province,
            feed.entry(penalty(number), record=record),
            feed.entry(penalty(province.number()), record=ended),
            feed.entry_of(None, ended, 2, "withdrawn"),
        )
        == []
    )
    for _ in range(2):
        async with province.context(None) as ctx:
            await comparing.withhold_unsaid(ctx, [record, ended, new_record()])
    assert [(each.change, each.reason) for each in await province.events(record)] == [
        ("accepted", None),
        ("withheld", "not_in_feed"),
    ]
    assert [each.change for each in await province.events(ended)] == ["accepted", "withdrawn"]
