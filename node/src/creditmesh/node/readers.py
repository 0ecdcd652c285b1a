"""What `readers` shows and does: who reads which stream, read with the orderer's role."""

import json
from typing import Any

from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.roles import BUS
from creditmesh.chassis.readers import LEASES
from creditmesh.chassis.settings import NodeSettings
from creditmesh.node.database import opened
from creditmesh.node.declaration import NODE
from creditmesh.node.errors import NodeError

_READERS = """
    select reader, stream, behind, reported,
           exists (select from pg_locks
                    where locktype = 'advisory' and objsubid = 2 and mode = 'ShareLock' and granted
                      and database = (select oid from pg_database where datname = current_database())
                      and classid::bigint = (cast(:locks as jsonb) ->> reader)::bigint)
      from bus.readers()
"""
_EVICT = "select bus.evict(:reader, :stream)"
_RUNS = "55006"


async def listed(settings: NodeSettings) -> list[tuple[str, ...]]:
    """One row a reader and stream: both, how many events behind, whether a process runs it, and its last report."""
    async with opened(settings, BUS) as pool:
        return [
            (reader, stream, str(behind), "yes" if runs else "no", reported.isoformat(timespec="seconds"))
            for reader, stream, behind, reported, runs in await _rows(pool)
        ]


async def evict(settings: NodeSettings, reader: str, stream: str) -> None:
    """Take a reader off the list; NodeError if there is no such reader, or if it runs."""
    async with opened(settings, BUS) as pool:
        if not any((row[0], row[1]) == (reader, stream) for row in await _rows(pool)):
            raise NodeError(
                f"nobody called {reader!r} reads {stream!r}: see `readers list`",
                f"没有名为 {reader!r} 的读取方在读 {stream!r}，见 `readers list`",
            )
        async with pool.session() as session:
            try:
                await session.execute(_EVICT, {"reader": reader, "stream": stream})
            except DatabaseError as error:
                if error.sqlstate != _RUNS:
                    raise
                raise NodeError(
                    f"{reader} runs: stop every process that hosts it first, or let it read on",
                    f"{reader} 正在运行：请先停止承载它的所有进程，或让其继续读取",
                ) from error


async def _rows(pool: Pool) -> list[tuple[Any, ...]]:
    async with pool.session() as session:
        locks = {service.name: LEASES + service.lock_class for service in NODE.services}
        return [tuple(row) for row in await session.fetch(_READERS, {"locks": json.dumps(locks)})]
