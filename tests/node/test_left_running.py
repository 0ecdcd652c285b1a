"""That the guard of every module finds what was left running."""

import asyncio

import pytest

from tests.support.left import none_left_running


async def test_a_task_that_was_started_and_not_ended_is_named_and_ended():
    with pytest.raises(AssertionError, match="forgotten"):
        async with none_left_running(within=0.01):
            forgotten = asyncio.create_task(asyncio.Event().wait(), name="forgotten")
    await asyncio.wait([forgotten])
    assert forgotten.cancelled()


async def test_a_task_that_ends_a_moment_later_is_waited_for():
    async with none_left_running():
        ending = asyncio.create_task(asyncio.sleep(0.05))
    assert ending.done()
