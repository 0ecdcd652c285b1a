"""Gathering: what is applied next, from what arrived or, where that has a gap or is late, from the streams."""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from creditmesh.chassis.bus.consuming.applying import Handle
from creditmesh.chassis.bus.event import Ordered
from creditmesh.chassis.bus.gaps import SECONDS_TO_LOOK_AGAIN, Progress, Slice, share_of
from creditmesh.chassis.bus.mailboxes import Mailbox
from creditmesh.chassis.bus.position import Place
from creditmesh.chassis.bus.stream import read_stream
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Alarm


class Gatherer:
    """Gathers for one run of a consumer; `park` is told of a part whose chain does not hold."""

    def __init__(
        self,
        work: Session,
        *,
        handlers: Mapping[str, Mapping[str, Handle]],
        held: Mapping[Place, Progress],
        mailbox: Mailbox,
        batch: int,
        park: Callable[[Alarm], None],
    ) -> None:
        self._work = work
        self._handlers = handlers
        self._held = held
        self._mailbox = mailbox
        self._batch = batch
        self._park = park

    async def gather(self) -> list[Slice]:
        """What comes next, at most a batch of it: from what arrived, else from the streams."""
        now = time.monotonic()
        ready = [progress for progress in self._held.values() if progress.due and not progress.rests(now)]
        careful = [progress for progress in ready if progress.careful]
        if careful:
            return await self._gather_from(careful[:1], 1)
        random.shuffle(ready)
        return await self._gather_from(ready, self._batch)

    async def _gather_from(self, ready: Sequence[Progress], budget: int) -> list[Slice]:
        slices = []
        behind = []
        for progress in ready:
            found = self._next_arrived(progress, budget) if progress.arrived else None
            if found is not None and found.events:
                slices.append(found)
                budget -= found.weight
            elif self._must_refill(progress):
                behind.append(progress)
        if behind and budget > 0:
            slices += await self._refill(behind, budget)
        return slices

    def _next_arrived(self, progress: Progress, budget: int) -> Slice | None:
        try:
            return progress.next_arrived(budget, self._handlers[progress.position.stream].keys())
        except Alarm as alarm:
            self._park(alarm)
            return None

    def _must_refill(self, progress: Progress) -> bool:
        now, since = time.monotonic(), progress.behind_since
        overdue = self._mailbox.overdue(progress.position, 0.0 if since is None else now - since)
        return not progress.rests(now) and (progress.gap or overdue)

    async def _refill(self, behind: Sequence[Progress], budget: int) -> list[Slice]:
        n = share_of([progress.head - progress.position.number for progress in behind], budget)
        slices = []
        for stream in {progress.position.stream for progress in behind}:
            of_stream = {progress.position.part: progress for progress in behind if progress.position.stream == stream}
            after = {part: progress.position.number for part, progress in of_stream.items()}
            types = self._handlers[stream].keys()
            found: dict[int, list[Ordered]] = defaultdict(list)
            for event in await read_stream(self._work, stream, after=after, n=n, types=types):
                found[event.part].append(event)
            for part, progress in of_stream.items():
                try:
                    read = progress.refilled(found[part], types, most=n)
                except Alarm as alarm:
                    self._park(alarm)
                    continue
                if read.events:
                    slices.append(read)
                else:
                    progress.rest(time.monotonic() + SECONDS_TO_LOOK_AGAIN)
        return slices
