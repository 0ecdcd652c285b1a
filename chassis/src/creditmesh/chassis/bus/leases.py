"""Which parts a process leases: advisory locks on one session that the server ends when it is not pinged.

Every process of a reader also holds one shared lock, so that each can count the others and take no more than its fair
share. Parts that nobody has taken for two seconds are taken beyond it. A part is leased for all streams of a reader.
"""

import asyncio
import math
import random
from dataclasses import dataclass

import asyncpg

from creditmesh.chassis.bus.faults import uncertain_on_failure
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.connecting import direct
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Uncertain

SECONDS_TO_PING = 1.2
SECONDS_TO_ORPHAN = 2.0

_LOCKS = """
select objid::bigint, mode = 'ShareLock' from pg_locks
 where locktype = 'advisory' and granted and objsubid = 2 and classid::bigint = $1
   and database = (select oid from pg_database where datname = current_database())
"""
_TAKE = "select part from unnest($2::int[]) as part where pg_try_advisory_lock($1, part)"
_SERVER = "select pg_postmaster_start_time()"
_FREE = "select pg_advisory_unlock($1, part) from unnest($2::int[]) as part"


@dataclass(slots=True, frozen=True)
class Rebalanced:
    """What a rebalance did."""

    gained: frozenset[int]
    lost: frozenset[int]


class Leases:
    """The lock session of one reader in this process. `lock_class` is this reader's alone in the database."""

    def __init__(self, address: DatabaseAddress, *, lock_class: int, parts: int, lease: float) -> None:
        self._address = address
        self._class = lock_class
        self._parts = parts
        self._lease = lease
        self._session: asyncpg.Connection | None = None
        self._turn = asyncio.Lock()
        self._free_since: dict[int, float] = {}
        self._spoke = 0.0
        self.held: frozenset[int] = frozenset()
        self.ended = False

    async def open(self) -> None:
        """Open the session and be counted."""
        self._session = await direct(
            self._address, application_name="lease", idle_session_timeout=f"{int(self._lease * 1000)}ms"
        )
        await self._session.execute("select pg_advisory_lock_shared($1, $2)", self._class, self._parts)

    async def close(self) -> None:
        """End the session: the server frees what it held."""
        self.ended = True
        if self._session is not None:
            self._session.terminate()

    async def ping(self) -> None:
        """Keep the lease, for as long as this process is awake. Returns when the session has ended.

        A rebalance keeps it as well: only when there has been none for a while is anything sent.
        """
        silence = min(SECONDS_TO_PING, self._lease / 4)
        try:
            while not self.ended:
                left = self._spoke + silence - _now()
                if left > 0:
                    await asyncio.sleep(left)
                    continue
                async with self._turn, asyncio.timeout(self._lease):
                    await self._held_session().execute("select 1")
                self._spoke = _now()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, Uncertain):
            await self.close()  # nobody waits any longer for what a silent network does not bring

    async def assert_same_server(self, work: Session) -> None:
        """Uncertain if that session is on another server than the one that holds the leases, as after a failover."""
        async with self._turn:
            mine = await self._held_session().fetchval(_SERVER)
        if mine != await work.value(_SERVER):
            raise Uncertain("the work session is on another server than the leases")

    def check(self) -> None:
        """Uncertain if the session has ended: others may own the parts."""
        if self.ended or self._held_session().is_closed():
            raise Uncertain("the lease was lost")

    async def rebalance(self) -> Rebalanced:
        """Give back what is above the fair share, take what is free below it."""
        self.check()
        with uncertain_on_failure("lease"):
            async with self._turn:
                change = await self._rebalance(self._held_session())
        self._spoke = _now()
        return change

    async def _rebalance(self, session: asyncpg.Connection) -> Rebalanced:
        rows = await session.fetch(_LOCKS, self._class)
        members = sum(1 for _, shared in rows if shared)
        taken = {part for part, shared in rows if not shared}
        share = math.ceil(self._parts / max(members, 1))
        lost = frozenset(sorted(self.held)[share:])
        if lost:
            await session.execute(_FREE, self._class, list(lost))
        wanted = self._wanted(taken, share)
        gained = frozenset(row[0] for row in await session.fetch(_TAKE, self._class, wanted)) if wanted else frozenset()
        self.held = self.held - lost | gained
        return Rebalanced(gained, lost)

    def _wanted(self, taken: set[int], share: int) -> list[int]:
        now = _now()
        free = [part for part in range(self._parts) if part not in taken]
        self._free_since = {part: self._free_since.get(part, now) for part in free}
        random.shuffle(free)
        orphans = [part for part in free if now - self._free_since[part] > SECONDS_TO_ORPHAN]
        return free[: max(share - len(self.held), 0)] or orphans

    def _held_session(self) -> asyncpg.Connection:
        if self._session is None:
            raise Uncertain("the lease was never taken")
        return self._session


def _now() -> float:
    return asyncio.get_running_loop().time()
