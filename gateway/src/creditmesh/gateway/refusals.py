"""The security log: what the door refused by itself, written a moment after the answer.

Equal refusals of one moment are counted into one row, and the moments wait in a list that never grows beyond `MOST`
lines: a flood costs rows and memory by the number of its different addresses, keys and routes, not by its requests.
On kill -9 what was refused in the last tenth of a second (longer while the database is away) is not logged; a normal
stop writes all of it.
"""

import asyncio
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
AGAIN = 1.0
MOST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What was refused, as far as it may be kept: no path, no query, no body, no name."""

    method: str
    route: str | None
    status: int
    reason: str
    key: str | None
    address: bytes | None


@dataclass(slots=True)
class _Line:
    at: datetime
    request_id: str
    times: int


class Refusals:
    """Gathers refusals and writes them. It has a task only while something is to be written."""

    def __init__(self, pool: Pool, mac: Mac) -> None:
        self._pool = pool
        self._mac = mac
        self._waiting: dict[Refusal, _Line] = {}
        self._writing: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    def note(self, refusal: Refusal, *, at: datetime, request_id: str) -> None:
        """Gather one; returns at once. Beyond `MOST` different ones only their number is kept."""
        if refusal not in self._waiting and len(self._waiting) >= MOST:
            refusal = replace(refusal, method="*", reason="too_many", key=None, route=None, address=None)
        line = self._waiting.setdefault(refusal, _Line(at, request_id, 0))
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

    async def _write_until_empty(self) -> None:
        while self._waiting:
            await asyncio.sleep(LINGER)
            if not await self._write():
                await asyncio.sleep(AGAIN)

    async def _write(self) -> bool:
        async with self._one_at_a_time:
            lines = {refusal: _written(refusal, line) for refusal, line in self._waiting.items()}
            try:
                if lines:
                    async with self._pool.session() as session:
                        await store.log_refusals(session, list(lines.values()))
            except (DatabaseError, Unavailable) as error:
                log.warning("the security log cannot be written now", waiting=len(lines), error=type(error).__name__)
                return False
            for refusal, line in lines.items():
                self._forget(refusal, line.times)
            return True

    def _forget(self, refusal: Refusal, times: int) -> None:
        """What came in while the rows were being written stays."""
        self._waiting[refusal].times -= times
        if not self._waiting[refusal].times:
            del self._waiting[refusal]


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
