"""Large bodies: a few at once, the others wait or are refused, and small ones wait for nobody."""

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest

from creditmesh.chassis.bulk import LARGE, SLICE, SMALL, Bodies, Bulk, HeldBody, in_slices, in_slices_ahead
from creditmesh.chassis.shares import Busy, working_for
from tests.support.eventually import eventually


async def test_large_bodies_have_turns_and_small_ones_need_none():
    bulk, done, inside = Bulk(at_once=2), asyncio.Event(), []

    async def work(name: str) -> None:
        async with bulk.turn(LARGE):
            inside.append(name)
            await done.wait()

    async with asyncio.TaskGroup() as tasks:
        for name in "abcd":
            tasks.create_task(work(name))
        await asyncio.sleep(0.01)
        assert inside == ["a", "b"]
        async with bulk.turn(LARGE - 1):
            inside.append("small")
        done.set()
    assert inside == ["a", "b", "small", "c", "d"]


async def test_who_would_wait_too_long_is_refused_and_told_when_to_come_back():
    bulk = Bulk(at_once=1, waiting=1, seconds=0.05)
    async with bulk.turn(LARGE):
        waiting = asyncio.create_task(_turn(bulk))
        await asyncio.sleep(0)
        with pytest.raises(Busy) as refused:
            await _turn(bulk)
        assert refused.value.headers["Retry-After"] == "2"
        with pytest.raises(Busy):
            await waiting
    await _turn(bulk)


async def test_a_turn_is_given_back_by_who_fails_and_by_who_is_cancelled():
    bulk = Bulk(at_once=1, waiting=5)
    for error in (RuntimeError, asyncio.CancelledError):
        with pytest.raises(error):
            async with bulk.turn(LARGE):
                raise error
    async with bulk.turn(LARGE):
        waiting = asyncio.create_task(_turn(bulk))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(60):
        await _turn(bulk)


async def test_others_have_the_loop_between_slices():
    seen: list[object] = []

    async def other() -> None:
        while True:
            seen.append("other")
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    seen.extend([list(some) async for some in in_slices(range(5), size=2)])
    task.cancel()
    assert seen == ["other", "other", [0, 1], [2, 3], [4]]


async def test_the_next_slice_is_prepared_while_one_is_used_and_they_are_used_in_their_order():
    done: list[str] = []

    async def prepare(some: Sequence[int]) -> int:
        done.append(f"prepare {some[0]}")
        return some[0]

    async def use(first: int) -> None:
        await asyncio.sleep(0)
        done.append(f"use {first}")

    await in_slices_ahead(range(2 * SLICE + 1), prepare, use)
    one, two, three = 0, SLICE, 2 * SLICE
    assert done == [f"prepare {one}", f"prepare {two}", f"use {one}", f"prepare {three}", f"use {two}", f"use {three}"]
    await in_slices_ahead([], prepare, use)
    assert len(done) == 6


@pytest.mark.parametrize("failing", ["prepare", "use"])
async def test_nothing_goes_on_being_prepared_when_a_slice_fails(failing: str):
    ended = asyncio.Event()

    async def prepare(some: Sequence[int]) -> int:
        if some[0]:
            if failing == "prepare":
                raise ValueError(failing)
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
        return some[0]

    async def use(_first: int) -> None:
        await asyncio.sleep(0)
        if failing == "use":
            raise ValueError(failing)

    with pytest.raises(ValueError, match=failing):
        await in_slices_ahead(range(SLICE + 1), prepare, use)
    assert ended.is_set() == (failing == "use")


async def _turn(bulk: Bulk) -> None:
    async with bulk.turn(LARGE):
        pass


async def test_what_bodies_hold_is_bounded_for_all_and_for_each_caller_and_small_ones_hold_nothing():
    bodies = Bodies(4 * 1024 * 1024)
    first, second, other, small = (HeldBody(bodies) for _ in range(4))
    with working_for("one"):
        for _ in range(29):
            await first.add(100 * 1024)
        with pytest.raises(Busy) as refused:
            await second.add(2900 * 1024)
        assert refused.value.headers["Retry-After"]
        second.let_go()
        await small.add(64 * 1024)
    with working_for("another"):
        await other.add(900 * 1024)
        with pytest.raises(Busy):
            await other.add(400 * 1024)
    first.let_go()
    with working_for("one"):
        await HeldBody(bodies).add(2900 * 1024)


async def test_what_large_bodies_hold_is_never_taken_from_small_ones():
    bodies = Bodies(4 * 1024 * 1024)
    for share, size in (("one", 3 * 1024 * 1024), ("two", 1025 * 1024)):
        with working_for(share):
            await HeldBody(bodies).add(size)
            with pytest.raises(Busy):
                await HeldBody(bodies).add(3 * 1024 * 1024)
    with working_for("three"):
        small = HeldBody(bodies)
        await small.add(70 * 1024)
        await small.add(SMALL - 70 * 1024)
        grown = HeldBody(bodies)
        await grown.add(900 * 1024)
        with pytest.raises(Busy):
            await grown.add(200 * 1024)
        grown.let_go()
        small.let_go()
        await HeldBody(bodies).add(SMALL)


async def test_large_bodies_are_read_in_one_thread_at_a_time_and_small_ones_wait_for_none():
    bulk, go, at_once, most = Bulk(), threading.Event(), 0, 0

    def reading() -> str:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        go.wait(60)
        at_once -= 1
        return "read"

    tasks = [asyncio.create_task(bulk.read(LARGE, reading)) for _ in range(3)]
    await eventually(lambda: most)
    assert await bulk.read(LARGE - 1, lambda: "small") == "small"
    await asyncio.sleep(0.05)
    go.set()
    assert (await asyncio.gather(*tasks), most) == (["read"] * 3, 1)


async def test_who_is_cancelled_while_a_body_is_read_stays_until_its_thread_has_ended():
    bulk, begun, go = Bulk(), threading.Event(), threading.Event()

    def reading() -> None:
        begun.set()
        go.wait(60)

    cancelled = asyncio.create_task(bulk.read(LARGE, reading))
    await eventually(begun.is_set)
    following = asyncio.create_task(bulk.read(LARGE, lambda: "next"))
    for _ in range(2):
        cancelled.cancel()
        done, _ = await asyncio.wait({cancelled, following}, timeout=0.05)
        assert not done
    go.set()
    assert await following == "next"
    assert cancelled.cancelled()


async def test_files_are_read_in_turns_of_their_callers_and_nobody_waits_without_a_term():
    bulk, go, order = Bulk(), threading.Event(), list[str]()

    def reading(name: str) -> Callable[[], None]:
        def read() -> None:
            go.wait(60)
            order.append(name)

        return read

    async def read(caller: str, name: str) -> None:
        with working_for(caller):
            await bulk.read(LARGE, reading(name))

    asked = [("one", "first"), *(("one", f"another {n}") for n in range(4)), ("two", "theirs")]
    tasks = []
    for caller, name in asked:
        tasks.append(asyncio.create_task(read(caller, name)))
        await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*tasks)
    assert order[0] == "first"
    assert order.index("theirs") <= 2, "behind who has it, and one that waited longer"

    late, stop = Bulk(seconds=0.05), threading.Event()
    held = asyncio.create_task(late.read(LARGE, lambda: stop.wait(60)))
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await late.read(LARGE, lambda: None)
    stop.set()
    await held
