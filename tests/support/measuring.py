"""What work costs, told so that a busy machine fails nobody: seconds of CPU, and the least of a few tries.

What others do shows in none of it: a wait is no CPU, a walk of the garbage collector is left out, and what a neighbour
on the processor takes once is not taken again. What is remembered of a text is forgotten before each try, so that a
fault shows in every one.
"""

import contextlib
import functools
import gc
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

R = TypeVar("R")

TRIES = 4


def bounded(seconds: float, work: Callable[[], R]) -> R:
    """What the work returns; fails if it takes more CPU than that, however often it is tried."""
    took: list[float] = []
    for order in range(TRIES):
        _forget(anew=order > 0)
        with no_collections():
            began = time.thread_time()
            found = work()
            took.append(time.thread_time() - began)
        if took[-1] < seconds:
            return found
    raise AssertionError(f"more than {seconds:g} s each time: {took}")


def cost(work: Callable[[], object]) -> float:
    """The seconds of CPU that the work takes at least."""
    took: list[float] = []
    with no_collections():
        for _ in range(TRIES):
            began = time.thread_time()
            work()
            took.append(time.thread_time() - began)
    return min(took)


async def bounded_async(seconds: float, work: Callable[[], Awaitable[R]]) -> R:
    """The same of what waits, with all that the process does meanwhile."""
    took: list[float] = []
    for order in range(TRIES):
        _forget(anew=order > 0)
        with no_collections():
            began = time.process_time()
            found = await work()
            took.append(time.process_time() - began)
        if took[-1] < seconds:
            return found
    raise AssertionError(f"more than {seconds:g} s each time: {took}")


_CACHES: dict[str, list[Any]] = {}
"""Those of the test that runs."""


def _forget(*, anew: bool) -> None:
    """Empty what our functions remember of the newest values; `anew`: also those made since the test first asked."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "")
    if anew or test not in _CACHES:
        found = [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]
        own = [each for each in found if (each.__module__ or "").startswith("creditmesh.")]
        _CACHES.clear()
        _CACHES[test] = [each for each in own if each.cache_parameters()["maxsize"] is not None]
    for each in _CACHES[test]:
        each.cache_clear()


@contextlib.contextmanager
def no_collections() -> Iterator[None]:
    """A node freezes what it made at its start; a test's process has more that would be walked again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
