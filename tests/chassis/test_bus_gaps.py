"""The rule of reading, against every way a transport can fail."""

import time
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.chassis.bus.event import ORDINARY, Delivered, Ordered, part_of
from creditmesh.chassis.bus.gaps import Progress, compare, follow, share_of
from creditmesh.chassis.bus.position import Position
from creditmesh.chassis.bus.stream import Head
from creditmesh.chassis.errors import Alarm
from creditmesh.chassis.ids import new_id

NOW = datetime.now(UTC)


def _stream(n: int) -> list[Ordered]:
    return [
        Ordered(stream="s", part=0, number=i, before=UUID(int=i - 1) if i > 1 else None, id=UUID(int=i), type="t")
        for i in range(1, n + 1)
    ]


def _progress() -> Progress:
    return Progress(Position("s", 0), Position("s", 0))


@given(st.data(), st.integers(1, 40))
def test_whatever_arrives_the_stream_is_applied_once_in_order(data: st.DataObject, n: int):
    stream = _stream(n)
    progress = _progress()
    progress.announce(Head(n, UUID(int=n)), 0.0)
    applied: list[Ordered] = []
    while progress.position.number < n:
        for event in data.draw(st.lists(st.sampled_from(stream), max_size=10)):
            progress.arrive(event)
        run = progress.next_arrived(data.draw(st.integers(1, 10)))
        if not run.events:
            at = progress.position.number
            run = progress.refilled(stream[at : at + data.draw(st.integers(1, 10))], [])
        applied += run.events
        end = run.end
        progress.move(Position("s", 0, end.number, end.id), 0.0)
    assert applied == stream
    assert not progress.arrived
    assert not progress.due


def test_repeats_are_skipped_and_a_gap_ends_the_run():
    stream = _stream(9)
    found = follow(Position("s", 0, 2, UUID(int=2)), [*stream[:5], *stream[2:4], *stream[7:]])
    assert [event.number for event in found] == [3, 4, 5]


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        (Position("s", 0, 2, UUID(int=99)), "two events"),
        (Position("s", 0, 4, UUID(int=99)), "chain break"),
    ],
)
def test_an_event_that_does_not_continue_the_chain_alarms(position: Position, reason: str):
    with pytest.raises(Alarm, match=reason):
        follow(position, _stream(9)[1:2] if position.number == 2 else _stream(9)[4:])


def test_a_head_behind_the_position_or_of_another_event_alarms():
    assert compare(Position("s", 0, 2, UUID(int=2)), Head(5, UUID(int=5))) == 3
    with pytest.raises(Alarm, match="went back"):
        compare(Position("s", 0, 2, UUID(int=2)), Head(1, UUID(int=1)))
    with pytest.raises(Alarm, match="another event"):
        compare(Position("s", 0, 2, UUID(int=2)), Head(2, UUID(int=9)))


def test_more_arrived_than_the_stream_holds_alarms():
    progress = _progress()
    progress.arrive(_stream(5)[4])
    with pytest.raises(Alarm, match="more arrived"):
        progress.announce(Head(4, UUID(int=4)), 0.0)


def test_a_body_that_is_needed_and_not_there_alarms():
    progress = _progress()
    with pytest.raises(Alarm, match="body"):
        progress.refilled(_stream(2), ["t"])
    assert len(progress.refilled(_stream(2), ["u"]).events) == 2


def test_a_body_of_a_young_event_may_be_on_its_way_and_is_waited_for():
    first, second = new_id(), new_id()
    there = Delivered(
        stream="s", part=0, number=1, before=None, id=first, type="t", version=1, key="k", at=NOW,
        legal_date=NOW.date(), traceparent=None, data=b"{}",
    )  # fmt: skip
    not_yet = Ordered(stream="s", part=0, number=2, before=first, id=second, type="t")
    assert _progress().refilled([there, not_yet], ["t"]).events == [there]
    alone = Ordered(stream="s", part=0, number=1, before=None, id=second, type="t")
    assert _progress().refilled([alone], ["t"]).events == []


def test_an_event_without_a_body_whose_id_is_from_a_time_to_come_is_an_alarm():
    made = int((NOW.timestamp() + 3600) * 1000)
    ahead = Ordered(stream="s", part=0, number=1, before=None, id=UUID(f"{made:012x}" + new_id().hex[12:]), type="t")
    with pytest.raises(Alarm, match="a body is missing"):
        _progress().refilled([ahead], ["t"])


@given(st.lists(st.integers(1, 500), min_size=1, max_size=64), st.integers(1, 300))
def test_a_batch_is_shared_without_waste_and_without_starving(behind: list[int], budget: int):
    n = share_of(behind, budget)
    taken = [min(each, n) for each in behind]
    assert n >= 1
    assert sum(taken) <= max(budget, len(behind))
    assert sum(min(each, n + 1) for each in behind) > budget or taken == behind


def test_the_part_of_a_key_never_changes():
    keys = ("catalogue", "0192d3f0-0000-7000-8000-000000000001", "主体", "")
    assert [part_of(key, 12) for key in keys] == [5, 11, 10, 0]
    assert [part_of(key, 256) for key in keys] == [245, 71, 14, 0]


def test_what_arrives_without_a_body_that_is_needed_is_left_to_the_stream():
    progress = _progress()
    for event in _stream(3):
        progress.arrive(event)
    assert progress.next_arrived(10, ["t"]).events == []
    assert 1 not in progress.arrived
    assert progress.gap
    other = _progress()
    for event in _stream(3):
        other.arrive(event)
    assert len(other.next_arrived(10, ["u"]).events) == 3


def _heavy(number: int, weight: int) -> Delivered:
    before = UUID(int=number - 1) if number > 1 else None
    return Delivered(
        stream="s", part=0, number=number, before=before, id=UUID(int=number), type="t", version=1, key="k", at=NOW,
        legal_date=NOW.date(), traceparent=None, data=b"x" * ORDINARY * (weight - 1),
    )  # fmt: skip


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(1, 12))
def test_a_slice_weighs_what_was_asked_for_and_what_was_read_beyond_it_is_not_read_again(weights: list[int], most: int):
    stream = [_heavy(number, weight) for number, weight in enumerate(weights, start=1)]
    progress, applied = _progress(), []
    progress.announce(Head(len(stream), UUID(int=len(stream))), 0.0)
    found = progress.refilled(stream, ["t"], most=most)
    while found.events:
        assert found.weight < most + 9
        assert len(found.events) == 1 or found.weight - found.end.weight < most
        applied += found.events
        progress.move(Position("s", 0, found.end.number, found.end.id), 0.0)
        found = progress.next_arrived(most, ["t"])
    assert applied == stream
    assert not progress.due


def test_a_part_that_rests_or_is_parked_keeps_nothing_that_arrives():
    resting, parked = _progress(), _progress()
    for progress in (resting, parked):
        progress.arrive(_stream(3)[1])
    resting.rest(time.monotonic() + 60)
    parked.park(Alarm("planted", stream="s", part=0))
    for progress in (resting, parked):
        assert progress.arrive(_stream(3)[2])
        assert (progress.arrived, progress.head) == ({}, 3)
