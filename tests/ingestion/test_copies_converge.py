"""However often a feed is told, cut into whatever batches, between whatever departments send: one history a record."""

from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creditmesh.schemas.events import Event
from creditmesh.schemas.events.record import Change
from tests.ingestion.conftest import House
from tests.ingestion.entries import Feed, new_record
from tests.ingestion.rows import penalty

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
_SETTINGS = {"max_examples": 20, "deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


class Lives:
    """Three records of a child, each going through what may happen to it, as steps say."""

    def __init__(self, house: House) -> None:
        self.feed = Feed(house)
        self.rows = [penalty(house.number()) for _ in range(3)]
        self.records = [new_record() for _ in range(3)]
        self.told: dict[UUID, list[Change]] = {record: [] for record in self.records}

    def entry(self, who: int, what: int) -> Event:
        record, told = self.records[who], self.told[self.records[who]]
        may = _NEXT[told[-1]] if told else ("accepted",)
        told.append(may[what % len(may)])
        row = self.rows[who] | {"BZ": f"第{len(told)}版"}
        return self.feed.entry(row, record=record, rev=len(told), change=told[-1])


async def stored(house: House, records: list[UUID]) -> list[dict[str, Any]]:
    return await house.fetch(
        "select record, rev, id, state, mark, data from ingestion.revision where record = any($1) order by record, rev",
        records,
    )


def cut(draw: st.DataObject, events: list[Event]) -> list[list[Event]]:
    """The events in batches."""
    places = sorted(draw.draw(st.sets(st.integers(1, max(len(events) - 1, 1)))))
    return [events[a:b] for a, b in zip([0, *places], [*places, len(events)], strict=True) if events[a:b]]


@settings(**_SETTINGS)
@given(steps=STEPS, data=st.data())
async def test_telling_any_prefix_of_a_feed_again_changes_nothing(province: House, steps, data: st.DataObject):
    lives = Lives(province)
    feed = [lives.feed.key(), *(lives.entry(*step) for step in steps)]
    for batch in cut(data, feed):
        await province.deliver(*batch)
    before = await stored(province, lives.records)
    assert len(before) == len(steps)
    for record, changes in lives.told.items():
        events = await province.events(record)
        assert [(event.rev, event.change) for event in events] == list(enumerate(changes, 1))
    answered = len(await province.judged())
    again = feed[: data.draw(st.integers(1, len(feed)))]
    for batch in cut(data, again):
        await province.deliver(*batch)
    assert await stored(province, lives.records) == before
    told = (await province.judged())[answered:]
    assert not [refused for each in told for refused in each.refused], "a repeat counts as applied"
    assert {index for each in told for index in range(each.first, each.until)} == {each.index for each in again}


@settings(**_SETTINGS)
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
    for record, changes in lives.told.items():
        assert [event.change for event in await province.events(record)] == changes
    for records in own.values():
        (record,) = records
        assert {event.origin for event in await province.events(record)} == {"province"}
