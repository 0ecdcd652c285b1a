"""Watching a node while it is hurt: what it has acknowledged as repaired it may not show, from that moment on."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from uuid import UUID

import asyncpg

from creditmesh.chassis.database.errors import DRIVERS, DatabaseError
from creditmesh.client.errors import ClientError
from tests.support.processes import Victim
from tests.support.repairs import AT_ONCE, Onlooker, Repair, onlooker, organisation

ACKNOWLEDGED = """
    select coalesce(array_agg(e.record), '{}') from exchange.feed_entry e
      join exchange.answer a on a.feed = e.feed and a.applied @> e.index
     where e.feed = 'up' and e.change = 'repaired' and a.node = $1
"""
SECONDS_BETWEEN = 0.05
CLOSELY, SECONDS_LATER = 20, 1.0
"""So many looks at a record follow one another from its acknowledgement on; then it is looked for once in a while."""
AWAY = (DatabaseError, *DRIVERS)
"""The server is away, or goes away in the middle."""


class Watch:
    """One node above, the node below that keeps what it signs, and who looks."""

    def __init__(self, above: Victim, below: Victim, looking: Onlooker, repairs: Sequence[Repair]) -> None:
        self.looked: dict[UUID, int] = {}
        """How often the node was asked for each record after it had acknowledged the repair."""
        self.shown: list[UUID] = []
        """The records that it showed nevertheless."""
        self.error: BaseException | None = None
        self._above, self._below, self._looking, self._repairs = above, below, looking, repairs
        self._over = threading.Event()
        self._next: dict[UUID, float] = {}

    def run(self) -> None:
        """Read what is acknowledged, then look; until told that it is over."""
        try:
            asyncio.run(self._watch())
        except BaseException as error:
            self.error = error
            raise

    def end(self) -> None:
        """Enough."""
        self._over.set()

    async def _watch(self) -> None:
        while not self._over.wait(SECONDS_BETWEEN):
            with suppress(*AWAY):
                async with self._below.session() as session:
                    while not self._over.wait(SECONDS_BETWEEN):
                        self._look(await self._acknowledged(session))

    def _look(self, acknowledged: set[UUID]) -> None:
        now = time.monotonic()
        waiting = [
            each for each in self._repairs if each.record in acknowledged and self._next.get(each.record, now) <= now
        ]
        for each in sorted(waiting, key=lambda each: self.looked.get(each.record, 0))[:2]:
            try:
                seen = self._looking.sees(organisation(each.order), each.record)
            except ClientError as error:
                if not error.passing:
                    raise
                return
            self.looked[each.record] = self.looked.get(each.record, 0) + 1
            if self.looked[each.record] >= CLOSELY:
                self._next[each.record] = now + SECONDS_LATER
            if seen:
                self.shown.append(each.record)

    async def _acknowledged(self, session: asyncpg.Connection) -> set[UUID]:
        found = await session.fetchval(ACKNOWLEDGED, self._above.node.settings.node)
        return {UUID(bytes=record.bytes) for record in found}


@contextmanager
def watched(above: Victim, below: Victim, repairs: Sequence[Repair]) -> Iterator[Watch]:
    """A watch over a node for as long as the block. Its key is made before, while every node still answers."""
    with onlooker(above, retries=AT_ONCE) as looking:
        watch = Watch(above, below, looking, repairs)
        thread = threading.Thread(target=watch.run, name=f"watch {above.node.settings.node}")
        thread.start()
        try:
            yield watch
        finally:
            watch.end()
            thread.join()
