"""Waiting for what comes in its own time, without a sleep in a test."""

import asyncio
import inspect
import itertools
from collections.abc import Awaitable, Callable

LOOKS = 10
"""At least so many for each second: seldom looks are those of a machine that is busy with something else."""


async def eventually(holds: Callable[[], bool | Awaitable[bool]], *, within: float = 60.0) -> None:
    """Return as soon as it holds; fail if it does not within so many seconds, and looks: a starved machine has few."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    for look in itertools.count():
        held = holds()
        if inspect.isawaitable(held):
            held = await held
        if held:
            return
        assert loop.time() < end or look < LOOKS * within, f"did not come to hold within {within:g} s"
        await asyncio.sleep(0.01)
