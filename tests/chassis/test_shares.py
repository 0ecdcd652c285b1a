"""Fair shares: who asks for much waits behind themselves, and whoever else comes is served in turn."""

import asyncio
import random
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from functools import partial
from uuid import uuid4

import pytest

from creditmesh.chassis.bulk import LARGE, Bulk
from creditmesh.chassis.caller import OPERATOR, PUBLIC, Caller
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.shares import OWN, Busy, Shares, working_for
from tests.support.postgres import Postgres

busy = partial(Busy, "Try again.", "请重试。")


def shares(places: int, *, waiting: int = 64, seconds: float = 5.0) -> Shares:
    return Shares(places, waiting=waiting, seconds=seconds, busy=busy)


async def taken(places: Shares, share: Hashable, log: list[Hashable] | None = None) -> Hashable:
    with working_for(share):
        held = await places.take()
    if log is not None:
        log.append(share)
    return held


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_party_has_one_share_with_all_its_keys_and_the_public_together_has_one():
    keys = [Caller(kind="department", scopes=frozenset(), credential=each, party="finance") for each in "ab"]
    assert {each.share for each in keys} == {"finance"}
    person = uuid4()
    tokens = [Caller(kind="subject", scopes=frozenset(), credential=each, subject=person) for each in "ab"]
    assert {each.share for each in tokens} == {person}
    assert len({PUBLIC.share, OPERATOR.share, "finance", person}) == 4


async def test_a_place_goes_to_who_holds_the_fewest_and_in_turns_among_equals():
    places, log = shares(2), []
    held = [await taken(places, "flood") for _ in range(2)]
    async with asyncio.TaskGroup() as tasks:
        for share in ("flood",) * 4 + ("second",) * 2 + ("third", OWN):
            tasks.create_task(taken(places, share, log))
        await settled()
        assert log == []
        for share in held:
            places.give(share)
        await settled()
        assert log == ["second", "flood"], "of the flood, which holds one and came first, only when it holds none"
        while len(log) < 8:
            before = len(log)
            for share in log[before - 2 :]:
                places.give(share)
            await settled()
            assert len(log) == before + 2
        assert log[2:6] == ["third", OWN, "second", "flood"]


async def test_no_caller_holds_the_last_quarter_but_the_process_itself_may():
    places = shares(4)
    for _ in range(3):
        await taken(places, "flood")
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        fourth = tasks.create_task(taken(places, "flood"))
        await settled()
        assert not fourth.done(), "one place is left for others"
        places.give(await taken(places, "other"))
        await settled()
        assert not fourth.done()
        places.give("flood")
    own = shares(4)
    async with asyncio.timeout(60):
        assert [await taken(own, OWN) for _ in range(4)] == [OWN] * 4


async def test_the_longest_line_is_cut_for_who_waits_in_a_shorter_one():
    places = shares(1, waiting=4)
    await taken(places, "flood")
    flood = [asyncio.create_task(taken(places, "flood")) for _ in range(4)]
    await settled()
    with pytest.raises(Busy):
        await taken(places, "flood")
    others = [asyncio.create_task(taken(places, "other")) for _ in range(2)]
    await settled()
    assert [each.done() for each in flood] == [False, False, True, True], "who came last is told"
    assert all(isinstance(each.exception(), Busy) for each in flood[2:])
    with pytest.raises(Busy):  # its line would be the longest
        await taken(places, "other")
    for share in ("flood", "flood", "other", "flood"):
        places.give(share)
        await settled()
    assert all(each.done() for each in [*flood, *others])


async def test_the_process_itself_is_neither_refused_nor_cut_however_many_wait():
    places = shares(1, waiting=2)
    await taken(places, "first")
    tasks = [asyncio.create_task(taken(places, share)) for share in (OWN, OWN, OWN, "second", OWN)]
    await settled()
    assert [each.done() for each in tasks] == [False, False, False, True, False]
    assert isinstance(tasks[3].exception(), Busy), "who comes to a full line is told"
    for share in ("first", OWN, OWN, OWN):
        places.give(share)
        await settled()
    assert [await each for each in tasks if each is not tasks[3]] == [OWN] * 4


async def test_where_each_waits_for_one_who_comes_is_told():
    places = shares(1, waiting=2)
    await taken(places, "first")
    tasks = [asyncio.create_task(taken(places, share)) for share in ("second", "third")]
    await settled()
    with pytest.raises(Busy):
        await taken(places, "fourth")
    for share in ("first", "second"):
        places.give(share)
        await settled()
    assert [each.result() for each in tasks] == ["second", "third"]


async def test_who_leaves_in_the_moment_of_being_served_passes_the_place_on():
    places = shares(1)
    await taken(places, "flood")
    leaving, staying = [asyncio.create_task(taken(places, share)) for share in ("first", "second")]
    await settled()
    places.give("flood")  # to the first, whose task has not run yet
    leaving.cancel()
    assert await asyncio.gather(leaving, return_exceptions=True) != ["first"]
    async with asyncio.timeout(60):
        assert await staying == "second"
    places.give("second")
    assert (places._free, places._held, places._lines, places._waiting) == (1, {}, {}, 0)


async def test_whoever_comes_and_goes_at_random_no_place_is_lost():
    places = shares(4, waiting=8, seconds=0.02)
    chance = random.Random(7)

    async def work(share: Hashable) -> None:
        held = await taken(places, share)
        try:
            await asyncio.sleep(chance.random() * 0.01)
        finally:
            places.give(held)

    for _ in range(100):
        tasks = [asyncio.create_task(work(chance.choice(["a", "a", "a", "b", "c", OWN]))) for _ in range(16)]
        await asyncio.sleep(chance.random() * 0.01)
        for task in chance.sample(tasks, 4):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert (places._free, places._held, places._lines, places._waiting) == (4, {}, {}, 0)


@asynccontextmanager
async def session_of(pool: Pool) -> AsyncIterator[None]:
    async with pool.session() as session:
        await session.execute("select pg_sleep(0.02)")
        yield


async def turn_of(bulk: Bulk) -> None:
    async with bulk.turn(LARGE):
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("kind", ["pool", "bulk"])
async def test_hundreds_of_requests_of_one_caller_leave_anothers_answered_at_once(kind: str, postgres: Postgres):
    pool, bulk = Pool(postgres.admin, application_name="test", size=2), Bulk()

    async def work(share: Hashable) -> None:
        with working_for(share):
            if kind == "pool":
                async with session_of(pool):
                    return
            await turn_of(bulk)

    await asyncio.gather(*(work("other") for _ in range(2)))  # the sessions are connected
    flood = [asyncio.create_task(work("flood")) for _ in range(300)]
    await asyncio.sleep(0.05)
    worked = sum(each.done() and each.exception() is None for each in flood)
    await work("other")
    assert sum(each.done() and each.exception() is None for each in flood) - worked <= 4
    ends = await asyncio.gather(*flood, return_exceptions=True)
    assert any(isinstance(each, Busy) for each in ends)
    assert any(each is None for each in ends)
    await pool.close()
