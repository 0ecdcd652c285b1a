"""Whether a process is ready: looked at once a second at most, however many ask and whoever they are."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from time import monotonic
from typing import Any

Readiness = Callable[[], Awaitable[Mapping[str, Any]]]
"""Tells `ready` and, beside it, the state of what the process needs."""

KEPT = 1.0
"""Seconds that an answer serves, from when it was begun to be found."""
PATIENCE = 2.0
"""Seconds that anybody waits for one; a process that takes longer to say so is not ready."""


class OnceASecond:
    """A readiness that is found by one look at a time and told to all who ask meanwhile."""

    def __init__(self, look: Callable[[], Coroutine[Any, Any, Mapping[str, Any]]]) -> None:
        self._look = look
        self._began = 0.0
        self._looking: asyncio.Task[Mapping[str, Any]] | None = None

    async def __call__(self) -> Mapping[str, Any]:
        """The state as it was at most a second ago."""
        looking = self._looking
        if looking is None or (looking.done() and monotonic() - self._began >= KEPT):
            self._began = monotonic()
            looking = self._looking = asyncio.create_task(self._look())
        await asyncio.wait({looking}, timeout=PATIENCE)
        return looking.result() if looking.done() else {"ready": False, "waiting": True}
