"""Requests cut off anywhere leave no open transaction, no lock, and no connection on which later commits are lost."""

import asyncio
import random
import time
from uuid import UUID, uuid4

import httpx
import pytest

from creditmesh.chassis.context import Context
from tests.chassis import toys
from tests.chassis.conftest import Nursery
from tests.support.eventually import eventually

CUT_OFF = 240
ROUNDS = 5
"""Tries to cut off some and not all."""
AFTERWARDS = 40
_OPEN = """
    select count(*) from pg_stat_activity
     where usename = 'city_toy' and datname = current_database()
       and (state <> 'idle' or backend_xid is not null or xact_start is not null)
"""
_HELD = """
    select count(*) from pg_locks l join pg_stat_activity a using (pid)
     where a.usename = 'city_toy' and a.datname = current_database()
"""


async def _count(nursery: Nursery, statement: str) -> int:
    async with nursery.database.session() as session:
        return int(await session.fetchval(statement))


async def _nothing_open(nursery: Nursery) -> bool:
    return await _count(nursery, _OPEN) == 0 and await _count(nursery, _HELD) == 0


async def _every_later_commit_is_there(nursery: Nursery) -> None:
    async with nursery.client() as client:
        for _ in range(AFTERWARDS):
            mark = uuid4()
            assert (await client.post(f"/v1/marks/{mark}/long")).status_code == 200
            assert await nursery.marked(mark)
            assert await nursery.emitted(mark) == 1


@pytest.mark.parametrize("events", [1, 40], ids=["statements", "copy"])
async def test_requests_cancelled_at_random_leave_nothing_behind(nursery: Nursery, events: int):
    chance = random.Random(events)
    fates: list[tuple[UUID, bool]] = []
    times: list[float] = []
    shared = [uuid4() for _ in range(3)]

    async def one(client: httpx.AsyncClient, within: float) -> None:
        mark = chance.choice(shared) if chance.random() < 0.2 else uuid4()
        request = asyncio.create_task(client.post(f"/v1/marks/{mark}/long", params={"events": events}))
        began = time.monotonic()
        await asyncio.wait({request}, timeout=within)
        times.append(time.monotonic() - began)
        request.cancel()
        if chance.random() < 0.3:
            await asyncio.sleep(0)
            request.cancel()  # and again, while it cleans up
        (answer,) = await asyncio.gather(request, return_exceptions=True)
        fates.append((mark, not isinstance(answer, BaseException) and answer.status_code == 200))

    async def some(count: int, longest: float) -> None:
        async with nursery.client() as client:
            for _ in range(count):
                await one(client, chance.uniform(longest / 100, longest))

    await asyncio.gather(*(some(3, 2000) for _ in range(8)))
    longest = sorted(times)[-6] * 1.5
    answered_now = 0
    for _ in range(ROUNDS):
        await asyncio.gather(*(some(CUT_OFF // 8, longest) for _ in range(8)))
        answered_now = sum(answered for _, answered in fates[24:])
        if 10 < answered_now < len(fates) - 34:
            break
        longest *= 2 if answered_now <= 10 else 0.5  # the machine has more or less time than when it was measured
    await eventually(lambda: _nothing_open(nursery))
    assert 10 < answered_now < len(fates) - 34, "all or none were cut off: nothing was tried"
    for mark, answered in fates:
        assert not answered or await nursery.marked(mark)
    await _every_later_commit_is_there(nursery)


async def test_a_request_cut_off_before_its_commit_wrote_nothing_at_all(nursery: Nursery):
    mark, reached = uuid4(), asyncio.Event()

    async def wait(ctx: Context) -> None:
        toys.disclosed(ctx, mark)
        reached.set()
        await asyncio.Event().wait()

    toys.before_the_end.append(wait)
    async with nursery.client() as client:
        request = asyncio.create_task(client.post(f"/v1/marks/{mark}"))
        await reached.wait()
        assert await _count(nursery, _OPEN) == 1
        request.cancel()
        await asyncio.wait({request})
    await eventually(lambda: _nothing_open(nursery))
    assert not await nursery.marked(mark)
    assert await nursery.emitted(mark) == 0


async def test_the_search_finds_a_transaction_that_was_left_open(nursery: Nursery):
    """The control: what the tests above look for is seen when it is there."""
    context = nursery.context()
    await context.lock([uuid4()])
    await (await context.session()).execute("insert into toy.mark (id) values (:id)", {"id": uuid4()})
    assert await _count(nursery, _OPEN) == 1
    assert await _count(nursery, _HELD) >= 1
    await context.rollback()
    assert await _nothing_open(nursery)
