"""Owners as processes that die, sleep and lose their sessions, and handlers that fail in every way."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from creditmesh.chassis.bus.consuming.consumer import BATCH
from creditmesh.chassis.bus.event import ORDINARY, Delivered
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.errors import Alarm, Transient
from tests.contracts.bus.worker import DEADLY, SLOW
from tests.contracts.bus.world import PARTS, Work, World, keys_of, opened, write_down
from tests.support.eventually import eventually
from tests.support.postgres import Postgres, url_of
from tests.support.proxy import Proxy

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def world(postgres: Postgres) -> AsyncIterator[World]:
    async with opened(postgres) as world:
        yield world


@asynccontextmanager
async def worker(world: World, *, lease: float = 5.0) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.contracts.bus.worker", url_of(world.database.addresses["reader"]), str(lease)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_an_event_that_ends_its_process_is_buried_and_everything_else_is_applied_once(world: World):
    other = keys_of(0, 1)[0]
    ids = await world.write(other, DEADLY, other, DEADLY, *keys_of(1, 3))
    deaths = 0
    watcher = world.consumer()  # never run: it only asks
    while deaths < 10 and await watcher.behind():
        async with worker(world) as process:
            done = asyncio.create_task(watcher.caught_up(60))
            ended = asyncio.create_task(process.wait())
            await asyncio.wait({done, ended}, return_when=asyncio.FIRST_COMPLETED)
            deaths += ended.done()
            for task in (done, ended):
                task.cancel()
    assert deaths == 3
    assert sorted(await world.effects()) == sorted([ids[0], ids[2], *ids[4:]])
    rows = await world.admin.fetch("select id, error from reader.dead_letter order by number")
    assert [row["id"] for row in rows] == [ids[1], ids[3]]
    assert "processes ended" in rows[0]["error"]
    assert rows[1]["error"] is None  # it waits behind the other: the key is parked


async def test_a_process_that_slept_inside_its_transaction_doubles_nothing_when_it_wakes(world: World):
    ids = await world.write(SLOW, *[key for part in range(4) for key in keys_of(part, 2)])
    async with worker(world, lease=0.8) as sleeper:
        assert sleeper.stdout is not None
        assert await sleeper.stdout.readline() == b"slow\n"
        os.kill(sleeper.pid, signal.SIGSTOP)
        async with world.reading() as reading:
            await reading.consumer.caught_up()
            os.kill(sleeper.pid, signal.SIGCONT)
            await sleeper.wait()
            ids += await world.write("k")
            await reading.consumer.caught_up()
    assert sorted(await world.effects()) == sorted(ids)


async def test_a_work_session_that_the_server_ended_is_uncertain_and_the_batch_is_applied_once(world: World):
    killed = 0

    async def cut(work: Work, events: Sequence[Delivered]) -> None:
        nonlocal killed
        await write_down(work, events)
        if not killed:
            killed += 1
            pid = await work.session.value("select pg_backend_pid()")
            await world.admin.execute("select pg_terminate_backend($1)", pid)

    ids = await world.write(*["k"] * 5)
    async with world.reading(cut) as reading:
        await reading.consumer.caught_up()
        assert len(reading.uncertain) == 1
    assert await world.effects() == ids


async def test_a_consumer_works_again_within_30_seconds_of_the_network_going_silent(postgres: Postgres, world: World):
    """Nothing is refused and nothing is closed: what ends the wait are the deadlines as they are shipped."""
    watcher = world.consumer()  # never run: it only asks
    async with Proxy(postgres.port) as proxy:
        pool = Pool(proxy.through(world.database.addresses["reader"]), application_name="behind a proxy")
        async with world.reading(pool=pool, lease=15.0) as reading:
            ids = await world.write("k", "k")
            await watcher.caught_up()
            proxy.go_silent()
            ids += await world.write("k", "k")
            proxy.answer()
            await watcher.caught_up(30)
            assert len(reading.uncertain) == 1
            ids += await world.write("k")
            await watcher.caught_up(60)
        await pool.close()
    assert await world.effects() == ids


@pytest.mark.parametrize("state", ["40P01", "40001", "55P03"])
async def test_a_deadlock_a_conflict_or_a_lock_timeout_is_done_again_in_place(world: World, state: str):
    times = 0

    async def conflict(work: Work, events: Sequence[Delivered]) -> None:
        nonlocal times
        times += 1
        await write_down(work, events)
        if times <= 2:
            await work.session.script(f"do $$ begin raise exception using errcode = '{state}'; end $$")

    ids = await world.write(*["k"] * 5)
    async with world.reading(conflict) as reading:
        await reading.consumer.caught_up()
        assert reading.uncertain == []
    assert (times, await world.effects()) == (3, ids)


async def test_a_declared_passing_fault_is_waited_out(world: World):
    times = 0

    async def later(work: Work, events: Sequence[Delivered]) -> None:
        nonlocal times
        times += 1
        if times <= 4:
            raise Transient
        await write_down(work, events)

    ids = await world.write("k")
    async with world.reading(later) as reading:
        await reading.consumer.caught_up()
    assert await world.effects() == ids


async def test_a_statement_that_always_runs_out_of_time_is_buried_in_the_end(world: World):
    async def slow(work: Work, events: Sequence[Delivered]) -> None:
        await write_down(work, events)
        if any(event.key == "slow" for event in events):
            await work.session.execute("set local statement_timeout = '20ms'")
            await work.session.execute("select pg_sleep(5)")

    ids = await world.write("slow", "quick")
    async with world.reading(slow) as reading:
        await reading.consumer.caught_up()
    assert await world.effects() == ids[1:]
    assert await world.admin.fetchval("select id from reader.dead_letter") == ids[0]


async def test_a_handler_may_park_a_part(world: World):
    bad, good = keys_of(0, 1)[0], keys_of(1, 1)[0]

    async def alarm(work: Work, events: Sequence[Delivered]) -> None:
        if any(event.key == bad for event in events):
            raise Alarm("it contradicts what is known", stream="source", part=0)
        await write_down(work, events)

    ids = await world.write(bad, good)
    async with world.reading(alarm) as reading:
        await eventually(lambda: _applied_all(world, 1))
        assert list(reading.consumer.alarms) == [("source", 0)]
        assert reading.uncertain == []
    assert await world.effects() == ids[1:]


async def test_one_call_gets_the_run_of_a_type_over_all_parts_and_the_order_of_each_key_is_kept(world: World):
    calls: list[list[Delivered]] = []

    async def count(work: Work, events: Sequence[Delivered]) -> None:
        calls.append(list(events))
        await write_down(work, events)

    await world.write(*[key for part in range(4) for key in keys_of(part, 2)] * 5)
    async with world.reading(count) as reading:
        await reading.consumer.caught_up()
    assert [len(call) for call in calls] == [40]
    assert {event.part for event in calls[0]} == {0, 1, 2, 3}


@pytest.mark.parametrize("behind", [True, False])
async def test_large_events_are_applied_in_batches_that_weigh_as_much_as_ordinary_ones(world: World, *, behind: bool):
    calls: list[int] = []

    async def weigh(work: Work, events: Sequence[Delivered]) -> None:
        calls.append(sum(len(event.data) for event in events))
        await write_down(work, events)

    keys = [f"{number:03}" + "k" * 200_000 for number in range(30)]
    ids = await world.write(*keys) if behind else []
    async with world.reading(weigh) as reading:
        await reading.consumer.caught_up()
        if not behind:
            ids = await world.write(*keys)
            await reading.consumer.caught_up()
    assert sorted(await world.effects()) == sorted(ids)
    assert len(ids) == len(keys)
    assert max(calls) <= BATCH * ORDINARY + PARTS * 200_100


async def test_the_positions_of_an_owner_that_died_are_taken_over(world: World):
    async with worker(world) as process:
        ids = await world.write(*["k"] * 3)
        await eventually(lambda: _applied_all(world, 3))  # a process has to start first
        process.kill()
        await process.wait()
    async with world.reading() as reading:
        ids += await world.write(*["k"] * 3)
        await reading.consumer.caught_up()
    assert await world.effects() == ids


async def _applied_all(world: World, n: int) -> bool:
    return len(await world.effects()) == n
