"""Units are started again with growing pauses, forget all between two runs, and end when they are cancelled."""

import asyncio
from itertools import pairwise

import pytest

from creditmesh.chassis.errors import Uncertain
from creditmesh.chassis.metrics import UNITS
from creditmesh.chassis.units import Unit, Units, together
from tests.support.eventually import eventually
from tests.support.virtual import in_virtual_time


class Failing:
    """Notes when it is run, and ends at once."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.at: list[float] = []
        self._error = error

    async def run(self) -> None:
        self.at.append(asyncio.get_running_loop().time())
        if self._error is not None:
            raise self._error


def restarts(name: str) -> float:
    return UNITS.labels(name)._value.get()


@pytest.mark.parametrize(
    "error", [Uncertain("a lost lease"), OSError("gone"), RuntimeError("a mistake"), None], ids=repr
)
@in_virtual_time
async def test_a_unit_that_ends_is_run_again_whatever_ended_it(error: Exception | None):
    failing, before = Failing(error), restarts("again")
    units = Units([Unit("again", failing.run)])
    units.start()
    await eventually(lambda: len(failing.at) >= 2)
    await units.stop()
    assert restarts("again") > before


@in_virtual_time
async def test_the_pauses_grow_while_it_keeps_failing_at_once():
    failing = Failing(Uncertain("always"))
    units = Units([Unit("growing", failing.run)])
    units.start()
    await eventually(lambda: len(failing.at) >= 5)
    await units.stop()
    pauses = [after - before for before, after in pairwise(failing.at)]
    for pause, shortest in zip(pauses, (0.1, 0.2, 0.4, 0.8), strict=False):
        assert pause >= shortest * 0.99


@in_virtual_time
async def test_the_others_go_on_while_one_fails():
    failing, living, ended = Failing(Uncertain("always")), asyncio.Event(), asyncio.Event()

    async def lives() -> None:
        living.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    units = Units([Unit("failing", failing.run), Unit("living", lives)])
    units.start()
    await eventually(lambda: len(failing.at) >= 3)
    assert living.is_set()
    assert not ended.is_set()
    await units.stop()
    assert ended.is_set()


@in_virtual_time
async def test_stopping_waits_until_every_unit_has_closed_what_it_held():
    closed: list[str] = []

    def unit(name: str) -> Unit:
        async def run() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.02)
                closed.append(name)

        return Unit(name, run)

    units = Units([unit("a"), unit("b")])
    units.start()
    await asyncio.sleep(0)
    await units.stop()
    assert sorted(closed) == ["a", "b"]
    assert not [task for task in asyncio.all_tasks() if task.get_name() in {"a", "b"}]


async def _swallows() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return


async def _raises_instead() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise OSError("the session is gone already")


@pytest.mark.parametrize("run", [_swallows, _raises_instead])
@in_virtual_time
async def test_a_unit_that_loses_its_cancellation_ends_all_the_same(run):
    units = Units([Unit("losing", run)])
    units.start()
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await units.stop()


@in_virtual_time
async def test_a_unit_that_waits_to_be_run_again_ends_at_once():
    failing = Failing(Uncertain("always"))
    units = Units([Unit("waiting", failing.run)])
    units.start()
    await eventually(lambda: len(failing.at) >= 3)
    began = asyncio.get_running_loop().time()
    await units.stop()
    assert asyncio.get_running_loop().time() - began < 0.01


@in_virtual_time
async def test_what_is_done_together_has_ended_when_its_failure_is_told():
    ended = list[str]()

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(1)
            ended.append("slow")

    async def fails() -> None:
        await asyncio.sleep(0.1)
        raise Uncertain("one of them")

    with pytest.raises(Uncertain, match="one of them"):
        await together([slow(), fails()])
    assert ended == ["slow"]


@in_virtual_time
async def test_what_is_done_together_is_answered_in_its_order():
    async def after(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    assert await together(after(each) for each in (3.0, 1.0, 2.0)) == [3.0, 1.0, 2.0]


async def test_who_is_cancelled_twice_leaves_nothing_running_either():
    ended = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            ended.append(True)

    work = asyncio.create_task(together([slow(), slow()]))
    await asyncio.sleep(0.01)
    work.cancel()
    await asyncio.sleep(0.01)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert ended == [True, True]
