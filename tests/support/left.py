"""That nothing a test has started runs on after it: it would speak to a database that is gone, in another's log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def none_left_running(*, within: float = 60.0) -> AsyncIterator[None]:
    """Fail at the end, and name them, if tasks that were started meanwhile do not end within so many seconds."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if not left:
        return
    _, left = await asyncio.wait(left, timeout=within)
    for task in left:
        task.cancel()
    assert not left, f"left running: {sorted(f'{task.get_name()} {task.get_coro()}' for task in left)}"
