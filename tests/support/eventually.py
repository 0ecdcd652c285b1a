"""Waiting for what comes in its own time, without a sleep in a test."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable


async def eventually(holds: Callable[[], bool | Awaitable[bool]], *, within: float = 60.0) -> None:
    """Return as soon as it holds; fail if it does not within so many seconds, which a loaded machine may need."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while True:
        held = holds()
        if inspect.isawaitable(held):
            held = await held
        if held:
            return
        assert loop.time() < end, f"did not come to hold within {within:g} s"
        await asyncio.sleep(0.01)
