"""Applying what came next: the positions move and the handlers run in one transaction, or neither.

A batch that a handler refuses for good is done again one event at a time, so that the one at fault is alone: it goes
to the dead letters, its key is parked, and everything else flows. Passing faults are waited out in place.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

import structlog

from creditmesh.chassis.bus.dead import Parked, bury, described, parked_keys
from creditmesh.chassis.bus.doubt import in_doubt
from creditmesh.chassis.bus.event import Delivered, Ordered
from creditmesh.chassis.bus.faults import Fault, fault_of
from creditmesh.chassis.bus.metrics import DEAD, LOST_PARTS, RETRIES
from creditmesh.chassis.bus.position import Position, move
from creditmesh.chassis.bus.sequence import Run
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Alarm, Doubt

_log = structlog.get_logger(__name__)


class Batch(Protocol):
    """What a handler works with: made for one transaction, which its maker commits."""

    async def commit(self) -> None:
        """Write what was gathered."""

    def committed(self) -> None:
        """The transaction is committed: what was gathered may be ordered."""


Handle = Callable[[Any, Sequence[Delivered]], Awaitable[None]]
ContextFor = Callable[[Session, str | None], Batch]
"""Makes the context of one batch, in that session's transaction, for the trace that its first event belongs to."""


class Effects:
    """The transactions of one reader."""

    def __init__(
        self,
        *,
        reader: str,
        handlers: Mapping[str, Mapping[str, Handle]],
        context_for: ContextFor,
        hint: Callable[[str, int, int], int | None],
        moved: Callable[[Run], None],
        check: Callable[[], None],
    ) -> None:
        """`moved` is told of each run after its commit; `check` raises Doubt when the parts may be another's."""
        self._reader = reader
        self._handlers = handlers
        self._context_for = context_for
        self._hint = hint
        self._moved = moved
        self._check = check
        self._parked: frozenset[Parked] = frozenset()

    async def recall(self, work: Session) -> None:
        """Read which keys are parked."""
        self._parked = await parked_keys(work, self._reader, self._handlers.keys())

    async def apply(self, work: Session, runs: Sequence[Run]) -> None:
        """Apply these runs. Doubt if it is not known whether they were; Alarm if a handler says so."""
        error = await self._try(work, runs)
        if error is None:
            return
        singles = [single for run in runs for single in _singles(run)]
        for single in singles:
            if len(singles) > 1:
                error = await self._try(work, [single])
            if error is not None:
                await self.bury(work, single, described(error))

    async def bury(self, work: Session, run: Run, error: str) -> None:
        """Put the events of this run into the dead letters and move past them."""
        with in_doubt("dead letter"):
            await work.begin()
            await self._move(work, [run])
            await bury(work, self._reader, [e for e in run.events if isinstance(e, Delivered)], error=error)
            await work.commit()
            await self.recall(work)
        for event in run.events:
            DEAD.labels(self._reader, event.stream).inc()
            _log.error("dead letter", reader=self._reader, stream=event.stream, part=event.part, number=event.number)
        self._moved(run)

    async def _try(self, work: Session, runs: Sequence[Run]) -> Exception | None:
        """None when the runs were applied, the error when they never will be."""
        attempt = 0
        while True:
            self._check()
            try:
                await self._transaction(work, runs)
            except (Doubt, Alarm):
                raise
            except Exception as error:
                fault = fault_of(error, attempt)
                if fault is Fault.DOUBT:
                    raise Doubt("the work session failed") from error
                await self._rollback(work)
                if fault is Fault.PERMANENT:
                    return error
                await self._back_off(attempt, error)
                attempt += 1
            else:
                for run in runs:
                    self._moved(run)
                return None

    async def _transaction(self, work: Session, runs: Sequence[Run]) -> None:
        await work.begin()
        await self._move(work, runs)
        if self._parked:
            await self.recall(work)
        waiting, due = self._split(runs)
        await bury(work, self._reader, waiting)
        context: Batch | None = None
        if any(due):
            context = self._context_for(work, next(events[0].traceparent for events in due if events))
            for stream, type_, events in _calls(due):
                await self._handlers[stream][type_](context, events)
            await context.commit()
        await self._commit(work)
        if context is not None:
            context.committed()

    async def _move(self, work: Session, runs: Sequence[Run]) -> None:
        try:
            await move(work, self._reader, [(run.position, self._after(run)) for run in runs])
        except Doubt:
            LOST_PARTS.labels(self._reader).inc()
            raise

    def _after(self, run: Run) -> Position:
        end = run.events[-1]
        return run.moved(self._hint(end.stream, end.part, end.number))

    def _split(self, runs: Sequence[Run]) -> tuple[list[Delivered], list[list[Delivered]]]:
        waiting: list[Delivered] = []
        due: list[list[Delivered]] = []
        for run in runs:
            handled = self._handled(run.events)
            if self._parked:
                waiting += [e for e in handled if (e.stream, e.key) in self._parked]
                handled = [e for e in handled if (e.stream, e.key) not in self._parked]
            due.append(handled)
        return waiting, due

    def _handled(self, events: Collection[Ordered]) -> list[Delivered]:
        return [e for e in events if isinstance(e, Delivered) and e.type in self._handlers[e.stream]]

    async def _commit(self, work: Session) -> None:
        try:
            await work.commit()
        except DatabaseError as error:
            if error.lost:
                raise Doubt("the commit did not come back") from error
            raise  # the server answered that it refuses

    async def _rollback(self, work: Session) -> None:
        with in_doubt("rollback"):
            await work.rollback()

    async def _back_off(self, attempt: int, error: Exception) -> None:
        RETRIES.labels(self._reader).inc()
        _log.warning("batch is done again", reader=self._reader, attempt=attempt, error=type(error).__qualname__)
        await asyncio.sleep(min(0.05 * 2**attempt, 3.0))


def _singles(run: Run) -> Iterator[Run]:
    position = run.position
    for event in run.events:
        single = Run(position, [event], way=run.way)
        yield single
        position = single.moved()


def _calls(parts: Sequence[Sequence[Delivered]]) -> Iterator[tuple[str, str, list[Delivered]]]:
    """As few calls as the order within each part allows: a run of one type, over all parts that have it next."""
    waiting = [deque(events) for events in parts if events]
    while waiting:
        kind = (waiting[0][0].stream, waiting[0][0].type)
        call: list[Delivered] = []
        for events in waiting:
            while events and (events[0].stream, events[0].type) == kind:
                call.append(events.popleft())
        yield *kind, call
        waiting = [events for events in waiting if events]
