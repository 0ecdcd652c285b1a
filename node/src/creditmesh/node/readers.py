"""What `readers` shows and does: who reads which stream, read with the orderer's role."""

from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.roles import BUS
from creditmesh.chassis.settings import NodeSettings
from creditmesh.node.database import opened
from creditmesh.node.errors import NodeError

_READERS = "select reader, stream, behind, reported from bus.readers()"
_EVICT = "select bus.evict(:reader, :stream)"
_RUNS = "55006"


async def listed(settings: NodeSettings) -> list[tuple[str, ...]]:
    """One row a reader and stream: both, how many events behind, and when it last reported."""
    async with opened(settings, BUS) as pool:
        return [tuple(map(str, row)) for row in await _rows(pool)]


async def evict(settings: NodeSettings, reader: str, stream: str) -> None:
    """Take a reader off the list; NodeError if there is no such reader, or if it runs."""
    async with opened(settings, BUS) as pool, pool.session() as session:
        try:
            found = await session.value(_EVICT, {"reader": reader, "stream": stream})
        except DatabaseError as error:
            if error.sqlstate != _RUNS:
                raise
            raise NodeError(
                f"{reader} runs: stop every process that hosts it first, or let it read on",
                f"{reader} 正在运行：请先停止承载它的所有进程，或让其继续读取",
            ) from error
    if not found:
        raise NodeError(
            f"nobody called {reader!r} reads {stream!r}: see `readers list`",
            f"没有名为 {reader!r} 的读取方在读 {stream!r}，见 `readers list`",
        )


async def _rows(pool: Pool) -> list[tuple[object, ...]]:
    async with pool.session() as session:
        return [tuple(row) for row in await session.fetch(_READERS)]
