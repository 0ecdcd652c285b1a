"""Readiness is looked at once a second, one look at a time, whoever asks."""

import asyncio
import time

import pytest

from creditmesh.chassis.http import health
from creditmesh.chassis.http.health import OnceASecond


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


async def test_many_who_ask_at_once_get_one_look():
    look = Looks(0.02)
    ready = OnceASecond(look)
    assert {(await each)["look"] for each in asyncio.as_completed([ready() for _ in range(500)])} == {1}
    for _ in range(100):
        await ready()
    assert (look.times, look.most) == (1, 1)


async def test_after_a_second_it_is_looked_at_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(health, "KEPT", 0.05)
    ready = OnceASecond(Looks())
    assert (await ready())["look"] == 1
    await asyncio.sleep(0.06)
    assert (await ready())["look"] == 2


async def test_a_look_that_takes_long_is_not_ready_and_not_begun_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(health, "KEPT", 0.01)
    monkeypatch.setattr(health, "PATIENCE", 0.05)
    look = Looks(0.3)
    ready = OnceASecond(look)
    began = time.monotonic()
    assert [(await ready())["ready"] for _ in range(3)] == [False] * 3
    assert time.monotonic() - began < 0.3
    assert look.times == 1


async def test_who_leaves_does_not_take_the_look_along():
    ready = OnceASecond(Looks(0.05))
    leaving = asyncio.create_task(ready())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert (await ready())["ready"]
