"""The security log: what the door refused by itself, written a moment after the answer.

Its first refusal of somebody (status, reason, key, address) is written at once. What follows of them is counted for a
minute and written at its end, one row for each route, and `*` for all routes beyond an address's tenth. A minute has
`MOST` different rows of strangers and as many more that name a credential; beyond that only a number is written, of
each status. So a flood costs rows and memory by the minute, however many requests, routes and addresses it has, and
does not hide what is tried with a credential.
On kill -9 what was refused in the last tenth of a second is not logged, and of those who were refused before not what
they tried in the last minute (longer while the database is away); a normal stop writes all of it.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.errors import Unavailable
from creditmesh.chassis.ids import new_id
from creditmesh.gateway import store
from creditmesh.gateway.credential import Mac

log = structlog.get_logger(__name__)

LINGER = 0.1
MINUTE = 60.0
AGAIN = 1.0
MOST = 200
ROUTES = 10

Source = tuple[int, str, str | None, bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What was refused, as far as it may be kept: no path, no query, no body, no name."""

    method: str
    route: str | None
    status: int
    reason: str
    key: str | None
    address: bytes | None

    @property
    def source(self) -> Source:
        """Who was refused why, wherever it was."""
        return self.status, self.reason, self.key, self.address


@dataclass(slots=True)
class _Line:
    at: datetime
    request_id: str
    soon: bool
    """Whether it is the first of its source, which is not written yet."""
    times: int = 0


class Refusals:
    """Gathers refusals and writes them. It has a task only while something is to be written or counted."""

    def __init__(self, pool: Pool, mac: Mac) -> None:
        self._pool = pool
        self._mac = mac
        self._lines: dict[Refusal, _Line] = {}
        """Of this minute, also those that are written: they go on being counted."""
        self._sources: set[Source] = set()
        self._of_address: Counter[bytes | None] = Counter()
        self._writing: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    def note(self, refusal: Refusal, *, at: datetime, request_id: str) -> None:
        """Gather one; returns at once."""
        refusal = self._folded(refusal)
        line = self._lines.get(refusal)
        if line is None:
            line = self._lines[refusal] = _Line(at, request_id, soon=refusal.source not in self._sources)
            self._sources.add(refusal.source)
            self._of_address[refusal.address] += 1
        if not line.times:
            line.at, line.request_id = at, request_id
        line.times += 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_until_empty())

    def address(self, host: str) -> bytes:
        """An address as it is logged: to tell whether two are the same, or the one asked about, and no more."""
        return self._mac(f"address|{host}".encode())[:16]

    async def close(self) -> None:
        """Write what waits."""
        if self._writing is not None:
            async with self._one_at_a_time:  # never cancelled between its commit and its forgetting
                self._writing.cancel()
        await self._write()

    def _folded(self, refusal: Refusal) -> Refusal:
        """As it is written: with its route for the first of an address, and by itself while the minute has room."""
        if refusal not in self._lines and self._of_address[refusal.address] >= ROUTES:
            refusal = replace(refusal, method="*", route="*")
        if refusal not in self._lines and len(self._lines) >= (MOST if refusal.key is None else 2 * MOST):
            refusal = replace(refusal, method="*", reason="too_many", key=None, route=None, address=None)
        return refusal

    async def _write_until_empty(self) -> None:
        loop = asyncio.get_running_loop()
        while self._lines:
            ends = loop.time() + MINUTE
            while loop.time() < ends:
                await asyncio.sleep(LINGER)
                await self._write_or_wait(soon=True)
            if await self._write_or_wait():
                self._begin_anew()

    async def _write_or_wait(self, *, soon: bool = False) -> bool:
        written = await self._write(soon=soon)
        if not written:
            await asyncio.sleep(AGAIN)
        return written

    async def _write(self, *, soon: bool = False) -> bool:
        async with self._one_at_a_time:
            due = [(each, _written(*each)) for each in self._lines.items() if each[1].times and each[1].soon >= soon]
            try:
                if due:
                    async with self._pool.session() as session:
                        await store.log_refusals(session, [row for _, row in due])
            except (DatabaseError, Unavailable) as error:
                log.warning("the security log cannot be written now", waiting=len(due), error=type(error).__name__)
                return False
            for (_, line), row in due:
                line.times -= row.times  # what came in while the rows were being written stays
                line.soon = False
            return True

    def _begin_anew(self) -> None:
        self._lines = {refusal: line for refusal, line in self._lines.items() if line.times}
        self._sources = {refusal.source for refusal in self._lines}
        self._of_address = Counter(refusal.address for refusal in self._lines)


def _written(refusal: Refusal, line: _Line) -> store.RefusalLine:
    return store.RefusalLine(
        id=new_id(),
        at=line.at,
        request_id=line.request_id,
        times=line.times,
        method=refusal.method,
        route=refusal.route,
        status=refusal.status,
        reason=refusal.reason,
        key=refusal.key,
        address=refusal.address,
    )
