"""However often a feed is told, cut into whatever batches, between whatever departments send: one history a record."""

import asyncio
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from creditmesh.schemas.events.record import Change
from tests.ingestion.conftest import House, told
from tests.ingestion.entries import Feed, new_record
from tests.ingestion.pages import SentEntry
from tests.ingestion.rows import penalty

ROUNDS = 12
_NEXT: dict[Change, tuple[Change, ...]] = {
    "accepted": ("corrected", "marked", "repaired", "withdrawn"),
    "corrected": ("corrected", "marked", "repaired", "withdrawn"),
    "marked": ("unmarked", "repaired", "withdrawn"),
    "unmarked": ("corrected", "marked", "withdrawn"),
    "repaired": ("reopened",),
    "withdrawn": ("reopened",),
    "reopened": ("corrected", "marked", "repaired"),
}
STEPS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=12)


class Lives:
    """Three records of a child, each going through what may happen to it, as steps say."""

    def __init__(self, house: House) -> None:
        self.feed = Feed(house)
        self.rows = [penalty(house.number()) for _ in range(3)]
        self.records = [new_record() for _ in range(3)]
        self.changes: dict[UUID, list[Change]] = {record: [] for record in self.records}

    def entry(self, who: int, what: int) -> SentEntry:
        record, changes = self.records[who], self.changes[self.records[who]]
        may = _NEXT[changes[-1]] if changes else ("accepted",)
        changes.append(may[what % len(may)])
        row = self.rows[who] | {"BZ": f"第{len(changes)}版"}
        return self.feed.entry(row, record=record, rev=len(changes), change=changes[-1])


async def stored(house: House, records: list[UUID]) -> list[dict[str, Any]]:
    return await house.fetch(
        "select record, rev, id, state, mark, data from ingestion.revision where record = any($1) order by record, rev",
        records,
    )


def cut(draw: st.DataObject, events: list[SentEntry]) -> list[list[SentEntry]]:
    """The events in batches."""
    places = sorted(draw.draw(st.sets(st.integers(1, max(len(events) - 1, 1)))))
    return [events[a:b] for a, b in zip([0, *places], [*places, len(events)], strict=True) if events[a:b]]


@settings(max_examples=20)
@given(steps=STEPS, data=st.data())
async def test_telling_any_prefix_of_a_feed_again_changes_nothing(province: House, steps, data: st.DataObject):
    lives = Lives(province)
    feed = [lives.feed.key(), *(lives.entry(*step) for step in steps)]
    for batch in cut(data, feed):
        await province.deliver(*batch)
    before = await stored(province, lives.records)
    assert len(before) == len(steps)
    for record, changes in lives.changes.items():
        events = await province.events(record)
        assert [(event.rev, event.change) for event in events] == list(enumerate(changes, 1))
    answered = len(await province.judged())
    again = feed[: data.draw(st.integers(1, len(feed)))]
    for batch in cut(data, again):
        await province.deliver(*batch)
    assert await stored(province, lives.records) == before
    judged = (await province.judged())[answered:]
    assert not [refused for each in judged for refused in each.refused], "a repeat counts as applied"
    assert {index for each in judged for index in range(each.first, each.until)} == {each.index for each in again}


@settings(max_examples=20)
@given(steps=STEPS, local=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 12)), max_size=6))
async def test_departments_here_and_a_feed_about_the_same_people_never_meet(province: House, steps, local):
    lives = Lives(province)
    await province.deliver(lives.feed.key())
    own: dict[int, set[str]] = {}
    for place in range(max(len(steps), 13)):
        if place < len(steps):
            await province.deliver(lives.entry(*steps[place]))
        for who, what, when in local:
            if when == place:
                answer = await province.submit(lives.rows[who] | {"BZ": f"本地{what}"})
                assert answer.json()["verdict"] in {"accepted", "corrected", "unchanged"}
                own.setdefault(who, set()).add(answer.json()["record"])
    for record, changes in lives.changes.items():
        assert [event.change for event in await province.events(record)] == changes
    for records in own.values():
        (record,) = records
        assert {event.origin for event in await province.events(record)} == {"province"}


async def test_feeds_and_departments_about_the_same_people_at_once_lose_nothing(province: House):
    rows = [penalty(province.number()) for _ in range(12)]
    feeds = [Feed(province), Feed(province, peer="harbour")]
    await province.deliver(*(feed.key() for feed in feeds))
    records = [[new_record() for _ in rows] for _ in feeds]

    async def tell(which: int) -> None:
        feed, order = feeds[which], range(len(rows)) if which else reversed(range(len(rows)))
        places = list(order)
        for rev in range(1, ROUNDS + 1):
            change: Change = "accepted" if rev == 1 else "corrected"
            await province.deliver(
                *(feed.entry(rows[at], record=records[which][at], rev=rev, change=change) for at in places)
            )

    async def submit() -> None:
        for number in range(ROUNDS):
            verdicts, _ = told(await province.submit([row | {"BZ": f"本地{number}"} for row in rows]))
            assert {each["verdict"] for each in verdicts} <= {"accepted", "corrected"}

    await asyncio.wait_for(asyncio.gather(tell(0), tell(1), submit()), timeout=120)
    for record in (record for each in records for record in each):
        assert [event.rev for event in await province.events(record)] == list(range(1, ROUNDS + 1))
