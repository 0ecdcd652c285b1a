"""Units: tasks with their own sessions, which an Uncertain ends and the host starts again.

A unit that loses its lease, meets an unknown commit or its database raises; it drops all it had in memory and begins
anew after a pause with jitter. The node lives on. Only a unit that holds a Kafka producer ends its process, and that
one lives alone in the relay.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from creditmesh.chassis.metrics import UNITS

log = structlog.get_logger(__name__)

_SHORTEST, _LONGEST = 0.2, 5.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unit:
    """A name, and what runs until it is cancelled or raises Uncertain. Each call of `run` starts from nothing."""

    name: str
    run: Callable[[], Awaitable[None]]


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What all of it comes to, done at once; where one fails the others are ended before its error is raised.

    `asyncio.gather` leaves them running: what they hold, a connection say, would outlive whoever gave it to them.
    """
    tasks = [asyncio.create_task(each) for each in work]
    try:
        if tasks:  # `gather` would hand on each cancellation, also to who is putting its house in order
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        return [task.result() for task in sorted(tasks, key=lambda each: not each.done())]
    finally:
        for task in tasks:
            task.cancel()
        while left := [task for task in tasks if not task.done()]:  # who is cancelled once more waits all the same
            with suppress(asyncio.CancelledError):
                await asyncio.wait(left)
        for task in tasks:
            if not task.cancelled():
                task.exception()  # it is told, or another one is


async def keep_running(unit: Unit) -> None:
    """Run the unit again whenever it ends, with growing pauses while it keeps failing at once.

    A cancellation ends it even where the unit lost it: closing a session may raise an error in its place.
    """
    pause = _SHORTEST
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await unit.run()
        except Exception as error:
            log.warning("unit ended uncertain", unit=unit.name, exc_info=error)
        if _cancelled():
            raise asyncio.CancelledError
        if asyncio.get_running_loop().time() - began > _LONGEST:
            pause = _SHORTEST
        UNITS.labels(unit.name).inc()
        await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret
        pause = min(pause * 2, _LONGEST)


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Units:
    """The units of one process: started together, cancelled together."""

    def __init__(self, units: Sequence[Unit]) -> None:
        self._units = units
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start every unit as a task of the running loop."""
        self._tasks = [asyncio.create_task(keep_running(unit), name=unit.name) for unit in self._units]

    async def stop(self) -> None:
        """Cancel every unit and wait until it has closed its sessions."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
