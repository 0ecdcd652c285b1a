"""A clock that goes on only while nobody works: for tests of what waits for seconds alone, and for nothing outside.

Such a test takes no time, and how busy the machine is cannot show in it: whatever is to be done is done at one moment,
then the clock stands at the next that somebody waits for.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class VirtualTime(asyncio.SelectorEventLoop):
    """An event loop with such a clock."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Skipping(self))

    def time(self) -> float:
        """The moment, in seconds since it was made."""
        return self._now

    def skip(self, seconds: float) -> None:
        """Nothing is to be done for so long; nobody is ever woken on the dot."""
        self._now += seconds + 1e-6


class _Skipping(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTime) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(None if timeout is None else 0)
        if not found and timeout:
            self._loop.skip(timeout)
        return found


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run this test on a loop of its own, in whose time nothing outside takes part."""

    @functools.wraps(test)
    def run(*args: Any, **more: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualTime) as runner:
            runner.run(test(*args, **more))

    return run


def virtual_now() -> float:
    """The moment of the running loop; what a module takes for `time.monotonic` in such a test."""
    return asyncio.get_running_loop().time()
