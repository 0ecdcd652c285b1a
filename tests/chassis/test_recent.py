"""A memory of what was met lately: bounded in number, and in time where that matters."""

import gc
import weakref

import pytest

from creditmesh.chassis.recent import Recent
from tests.support.eventually import eventually


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Secret:
    """Something that can be seen to be gone."""


def test_the_first_goes_first():
    recent: Recent[int, str] = Recent(3)
    for number in (1, 2, 3, 1, 4):
        recent.put(number, str(number))
    assert [recent.get(number) for number in (1, 2, 3, 4)] == ["1", None, "3", "4"]
    assert len(recent) == 3
    assert recent.drop(3) == "3"
    assert recent.drop(3) is None
    assert len(recent) == 2


def test_without_a_limit_in_time_nothing_goes_by_itself():
    clock = Clock()
    recent: Recent[int, str] = Recent(3, clock=clock)
    recent.put(1, "x")
    clock.now += 10**9
    assert recent.get(1) == "x"


async def test_after_its_time_nothing_is_given():
    clock = Clock()
    recent: Recent[int, str] = Recent(3, seconds=300, clock=clock)
    recent.put(1, "x")
    clock.now += 299.9
    assert recent.get(1) == "x"
    clock.now += 0.1
    assert recent.get(1) is None


async def test_what_is_over_is_let_go_although_nobody_asks():
    recent: Recent[int, Secret] = Recent(100, seconds=0.1)
    first, second = Secret(), Secret()
    gone = [weakref.ref(first), weakref.ref(second)]
    recent.put(1, first)
    recent.put(2, second)
    del first, second
    gc.collect()
    assert [each() is None for each in gone] == [False, False]
    await eventually(lambda: [each() is None for each in gone] == [True, True])
    assert len(recent) == 0


async def test_what_came_later_is_let_go_later_and_all_of_it():
    clock = Clock()
    recent: Recent[int, str] = Recent(100, seconds=10, clock=clock)
    for number in range(10):
        recent.put(number, "x")
        clock.now += 1
    recent.put(0, "again")
    clock.now += 5
    recent._let_go()
    assert [number for number in range(10) if recent.get(number)] == [0, 6, 7, 8, 9]
    assert len(recent) == 5
    clock.now += 10
    recent._let_go()
    assert len(recent) == 0
    assert recent._timer is None


@pytest.mark.parametrize("size", [1, 1000])
def test_it_never_holds_more_than_its_size(size: int):
    recent: Recent[int, int] = Recent(size)
    for number in range(3 * size):
        recent.put(number, number)
        assert len(recent) <= size
    assert recent.get(3 * size - 1) == 3 * size - 1
