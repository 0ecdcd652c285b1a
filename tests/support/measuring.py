"""What work costs, told so that a busy machine fails nobody: seconds of CPU, and the least of a few tries.

What others do shows in none of it: a wait is no CPU, a walk of the garbage collector is left out, and what a neighbour
on the processor takes once is not taken again. What is remembered of a text is forgotten before each try, so that a
fault shows in every one.
"""

import contextlib
import gc
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TypeVar

from tests.support.remembered import forget

R = TypeVar("R")

TRIES = 4


def bounded(seconds: float, work: Callable[[], R]) -> R:
    """What the work returns; fails if it takes more CPU than that, however often it is tried."""
    took: list[float] = []
    for _ in range(TRIES):
        forget()
        with no_collections():
            began = time.thread_time()
            found = work()
            took.append(time.thread_time() - began)
        if took[-1] < seconds:
            return found
    raise AssertionError(f"more than {seconds:g} s each time: {took}")


def all_bounded(seconds: float, works: Iterable[tuple[str, Callable[[], object]]]) -> None:
    """The same of much work that is alike; fails with the names of all that takes more."""
    dear = []
    for name, work in works:
        try:
            bounded(seconds, work)
        except AssertionError as told:
            dear.append(f"{name}: {told}")
    assert not dear, "\n".join(dear)


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
    for _ in range(TRIES):
        forget()
        with no_collections():
            began = time.process_time()
            found = await work()
            took.append(time.process_time() - began)
        if took[-1] < seconds:
            return found
    raise AssertionError(f"more than {seconds:g} s each time: {took}")


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
