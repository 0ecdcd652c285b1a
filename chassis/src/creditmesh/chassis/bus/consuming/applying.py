"""Applying what comes next: positions move and handlers run in one transaction, or neither.

A batch that fails is halved until what is at fault stands alone, and everything else flows. A passing fault lets its
own part rest; a fault of the installation (a missing table or grant, a disk, a word of a newer version) lets it rest
longer, with an alarm. An event is refused for good, as a dead letter behind which its key waits, only where its handler
has applied others: a handler that fails for one event after the other is no event's fault.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import structlog

from creditmesh.chassis.bus.consuming.batches import calls, delivered, halves
from creditmesh.chassis.bus.dead_letters import Parked, add_letter, add_waiting, described, parked_keys
from creditmesh.chassis.bus.event import Delivered, Ordered
from creditmesh.chassis.bus.faults import PATIENCE, Fault, fault_of, ran_out_of_time, uncertain_on_failure
from creditmesh.chassis.bus.gaps import Progress, Slice
from creditmesh.chassis.bus.metrics import APPLIED, DEAD, LOST_PARTS, RETRIES
from creditmesh.chassis.bus.position import Position, move
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Alarm, Uncertain

WITNESSES = 3
"""Other events of its type that are tried, and rolled back, before one is refused whose handler has applied none."""
PASSING_REST, INSTALLATION_REST = (0.2, 3.0), (1.0, 10.0)
"""Seconds that a part rests after a passing fault, and after one of the installation: at first, and at most."""
_MOST_DOUBLED = 10
LONELY = 3
"""Tries of an event beside which there is no other to judge its handler by."""

_log = structlog.get_logger(__name__)


class BatchContext(Protocol):
    """What a handler works with: made for one transaction, which the reader commits."""

    @property
    def queued(self) -> bool:
        """Whether it has written events, which others will be told."""

    async def commit(self) -> None:
        """Write what was gathered."""

    def committed(self) -> None:
        """The transaction is committed: what was gathered may be ordered."""


Handle = Callable[[Any, Sequence[Delivered]], Awaitable[None]]
ContextFor = Callable[[Session, str | None], BatchContext]
"""Makes the context of one batch, in that session's transaction, for the trace that its first event belongs to."""


class Applier:
    """The transactions of one reader."""

    def __init__(
        self,
        work: Session,
        *,
        reader: str,
        handlers: Mapping[str, Mapping[str, Handle]],
        projects: Collection[str] = (),
        context_for: ContextFor,
        check: Callable[[], None],
    ) -> None:
        """`check` raises Uncertain when the parts may be another's. `projects` are types of events (decision 43)."""
        self._work = work
        self._reader = reader
        self._handlers = handlers
        self._projects = projects
        self._context_for = context_for
        self._check = check
        self.parked: frozenset[Parked] = frozenset()
        """The keys that wait behind a dead letter."""
        self._proven: set[tuple[str, str]] = set()
        """Streams and types whose handler has applied something since it last failed."""
        self._unproven: set[tuple[str, str]] = set()
        """Those of which an event was refused although nothing showed that the handler can apply any."""

    async def learn_parked(self) -> None:
        """Read which keys are parked: before the first transaction for a part that was another's until now."""
        self.parked = await parked_keys(self._work, self._reader, self._handlers.keys())

    async def apply(self, slices: Sequence[Slice]) -> None:
        """Apply these slices as far as they go; what fails rests. Uncertain if it is not known what was applied."""
        for each in slices:
            if not self._concerns(each.events):
                self._move_on(each)  # in memory: nothing to lose, and the position follows with the next effect
        if concerned := [each for each in slices if each.in_turn]:
            await self._apply(concerned, concerned, patience=PATIENCE)

    async def refuse(self, one: Slice, error: str) -> None:
        """Put the one event of this slice into the dead letters and move past it; its key waits from now on."""
        [event] = one.events
        with uncertain_on_failure("dead letter"):
            await self._work.begin()
            await self._move([one])
            if isinstance(event, Delivered):
                await add_letter(self._work, self._reader, event, error)
            await self._work.commit()
            await self.learn_parked()
        DEAD.labels(self._reader, event.stream).inc()
        _log.error("dead letter", reader=self._reader, stream=event.stream, part=event.part, number=event.number)
        self._stored(one)

    async def try_alone(self, events: Sequence[Delivered], also: Callable[[], Awaitable[None]]) -> Exception | None:
        """Apply these events of one parked key, and `also`, in one transaction that moves no position.

        Returns the error that rolled it back. The key's part is leased here; its own batches come before or after.
        """
        self._check()
        try:
            await self._work.begin()
            await also()
            context = await self._handled([events]) if events else None
            await self._commit()
        except Uncertain:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the handler raises is what is to be said
            await self._roll_back(error)
            return error
        await self.learn_parked()
        if context is not None:
            context.committed()
        return None

    async def _apply(self, slices: Sequence[Slice], batch: Sequence[Slice], *, patience: int = 0) -> None:
        error = await self._try(slices, patience)
        alone = sum(len(each.events) for each in slices) == 1
        if alone and not patience and error is not None and ran_out_of_time(error):
            error = await self._try(slices, PATIENCE - 1)  # beside others, the time may have been theirs
        if error is None:
            return
        fault = fault_of(error, PATIENCE)
        if alone and fault is Fault.PERMANENT:
            await self._judge(slices[0], error, batch)
        elif alone:
            self._rest(slices[0].progress, error, fault)
        else:
            for half in halves(slices):
                if still := [each for each in half if each.in_turn]:
                    await self._apply(still, batch)

    async def _try(self, slices: Sequence[Slice], patience: int) -> Exception | None:
        """None when the slices were applied, else why they were not; what passes is tried again a few times."""
        attempt = 0
        while True:
            self._check()
            try:
                context = await self._transaction(slices)
            except (Uncertain, Alarm):
                raise
            except Exception as error:  # noqa: BLE001 - whatever a handler raises is judged here
                await self._roll_back(error)
                if fault_of(error, attempt) is not Fault.PASSING or attempt == patience:
                    return error
                RETRIES.labels(self._reader).inc()
                _log.warning("batch is done again", reader=self._reader, attempt=attempt, error=_kind(error))
                await asyncio.sleep(0.05 * 2**attempt)
                attempt += 1
            else:
                for each in slices:
                    self._stored(each)
                if context is not None:
                    context.committed()
                return None

    async def _transaction(self, slices: Sequence[Slice]) -> BatchContext | None:
        await self._work.begin()
        await self._move(slices)
        if self.parked:
            await self.learn_parked()  # under the positions: whoever leased the part before may have released a key
        waiting, due = self._split(slices)
        await add_waiting(self._work, self._reader, waiting)
        context = await self._handled(due) if any(due) else None
        passed = {(event.stream, event.type) for events in due for event in events}
        told = context is None or context.queued or waiting
        await self._commit(lasting=bool(told) or any(type_ not in self._projects for _, type_ in passed))
        self._proven |= passed
        self._unproven -= passed
        return context

    async def _handled(self, due: Sequence[Sequence[Delivered]]) -> BatchContext:
        context = self._context_for(self._work, next(events[0].traceparent for events in due if events))
        for stream, type_, events in calls(due):
            await self._handlers[stream][type_](context, events)
        await context.commit()
        return context

    async def _judge(self, one: Slice, error: Exception, batch: Sequence[Slice]) -> None:
        """One event that its handler refuses: a dead letter if others pass, else its part rests."""
        event, kind = one.end, (one.end.stream, one.end.type)
        if isinstance(event, Delivered) and kind not in self._proven:
            others = [each for each in delivered(batch) if (each.stream, each.type) == kind and each.key != event.key]
            passed = [await self._would_pass(each) for each in others[:WITNESSES]]
            one.progress.refusals += 1
            if not any(passed) and (passed or kind in self._unproven or one.progress.refusals < LONELY):
                self._rest(one.progress, error, Fault.INSTALLATION)
                return
            if any(passed) and await self._would_pass(event):  # what was wrong was mended while it was judged
                self._rest(one.progress, error, Fault.PASSING)
                return
            if not any(passed):
                self._unproven.add(kind)
        self._proven.discard(kind)
        await self.refuse(one, described(error))

    async def _would_pass(self, event: Delivered) -> bool:
        self._check()
        try:
            await self._work.begin()
            await self._handled([[event]])
            await self._work.rollback()
        except (Uncertain, Alarm):
            raise
        except Exception as error:  # noqa: BLE001 - that it fails is all that is asked
            await self._roll_back(error)
            return False
        return True

    def _rest(self, progress: Progress, error: Exception, fault: Fault) -> None:
        passing = fault is Fault.PASSING
        first, most = PASSING_REST if passing else INSTALLATION_REST
        stream, part = progress.place
        alarm = None if passing else Alarm(f"waits: {described(error)}", stream=stream, part=part)
        progress.rest(time.monotonic() + min(first * 2 ** min(progress.attempts, _MOST_DOUBLED), most), alarm)
        said = {"reader": self._reader, "stream": stream, "part": part, "reason": described(error)}
        if passing:
            _log.warning("part rests", **said)
        else:
            _log.error("part waits for the installation", **said)

    async def _move(self, slices: Sequence[Slice]) -> None:
        try:
            await move(self._work, self._reader, [(each.progress.stored, self._end(each)) for each in slices])
        except Uncertain:
            LOST_PARTS.labels(self._reader).inc()
            raise

    def _end(self, one: Slice) -> Position:
        end = one.end
        hint = one.progress.stored.hint if end.hint is None else end.hint
        return Position(end.stream, end.part, end.number, end.id, hint)

    def _stored(self, one: Slice) -> None:
        one.progress.stored = self._end(one)
        one.progress.deaths = 0
        self._move_on(one)

    def _move_on(self, one: Slice) -> None:
        end = one.end
        one.progress.move(self._end(one), time.monotonic())
        APPLIED.labels(self._reader, end.stream, one.way).inc(len(one.events))

    def _concerns(self, events: Collection[Ordered]) -> bool:
        return any(event.type in self._handlers[event.stream] for event in events)

    def _split(self, slices: Sequence[Slice]) -> tuple[list[Delivered], list[list[Delivered]]]:
        waiting: list[Delivered] = []
        due: list[list[Delivered]] = []
        for each in slices:
            handled = [e for e in each.events if isinstance(e, Delivered) and e.type in self._handlers[e.stream]]
            if self.parked:
                waiting += [e for e in handled if (e.stream, e.key) in self.parked]
                handled = [e for e in handled if (e.stream, e.key) not in self.parked]
            due.append(handled)
        return waiting, due

    async def _commit(self, *, lasting: bool = True) -> None:
        try:
            await self._work.commit(lasting=lasting)
        except DatabaseError as error:
            if error.lost:
                raise Uncertain("the commit did not come back") from error
            raise  # the server answered that it refuses

    async def _roll_back(self, error: Exception) -> None:
        if fault_of(error, 0) is Fault.UNCERTAIN:
            raise Uncertain("the work session failed") from error
        with uncertain_on_failure("rollback"):
            await self._work.rollback()


def _kind(error: Exception) -> str:
    return type(error).__qualname__
