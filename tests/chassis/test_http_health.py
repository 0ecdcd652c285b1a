"""Readiness is looked at once a second, one look at a time, whoever asks."""

import asyncio

import pytest

from creditmesh.chassis.http import health
from creditmesh.chassis.http.health import KEPT, PATIENCE, OnceASecond
from tests.support.virtual import in_virtual_time, virtual_now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "monotonic", virtual_now)


class Looks:
    """Counts how often it was looked, and how many looked at once."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.times = self.now = self.most = 0

    async def __call__(self) -> dict[str, object]:
        self.times += 1
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(self.seconds)
        self.now -= 1
        return {"ready": True, "look": self.times}


@in_virtual_time
async def test_many_who_ask_at_once_get_one_look():
    look = Looks(0.02)
    ready = OnceASecond(look)
    assert {(await each)["look"] for each in asyncio.as_completed([ready() for _ in range(500)])} == {1}
    for _ in range(100):
        await ready()
    assert (look.times, look.most) == (1, 1)


@in_virtual_time
async def test_after_a_second_it_is_looked_at_again():
    ready = OnceASecond(Looks())
    for look, seconds in ((1, KEPT - 0.01), (1, 0.02), (2, 0.0)):
        assert (await ready())["look"] == look
        await asyncio.sleep(seconds)


@in_virtual_time
async def test_a_look_that_takes_long_is_not_ready_and_not_begun_again():
    look = Looks(4 * PATIENCE)
    ready = OnceASecond(look)
    began = virtual_now()
    assert [(await ready())["ready"] for _ in range(3)] == [False] * 3
    assert virtual_now() - began == pytest.approx(3 * PATIENCE)
    assert look.times == 1


@in_virtual_time
async def test_who_leaves_does_not_take_the_look_along():
    ready = OnceASecond(Looks(0.05))
    leaving = asyncio.create_task(ready())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert (await ready())["ready"]
