"""Waiting for what comes in its own time, without a sleep in a test."""

import asyncio
import inspect
import itertools
from collections.abc import Awaitable, Callable

LOOKS = 10
"""At least so many for each second: seldom looks are those of a machine that is busy with something else."""
SECONDS_BETWEEN, TIMES_A_LOOK = 0.01, 3
"""The pause after a look, or as many times what it took: what is waited for has most of the process to itself."""


async def eventually(holds: Callable[[], bool | Awaitable[bool]], *, within: float = 60.0) -> None:
    """Return as soon as it holds; fail if it does not within so many seconds, and looks: a starved machine has few."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    for look in itertools.count():
        began = loop.time()
        held = holds()
        if inspect.isawaitable(held):
            held = await held
        if held:
            return
        assert loop.time() < end or look < LOOKS * within, f"did not come to hold within {within:g} s"
        took = loop.time() - began
        await asyncio.sleep(min(max(SECONDS_BETWEEN, TIMES_A_LOOK * took), 1 / LOOKS))
