"""An upgrade has the database to itself: no process of the node is in when it begins, and none until it is whole.

A process of any version is seen by its role, so that none has to help. While migrations run, and after one that broke
off, the roles of the node may not connect: a process that starts meanwhile is refused, and is started again later.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import asyncpg

from creditmesh.chassis.database.roles import DDL, close_database, open_database, role_of
from creditmesh.chassis.errors import MeshError

SECONDS_TO_LEAVE = 2.0
"""How long sessions of a process that was just stopped may take to end."""
_CONNECTED = r"""
    select coalesce('process ' || substring(application_name from '\[([0-9]+)\]$'), nullif(application_name, ''),
                    usename) as process,
           coalesce(host(client_addr), 'local') as address, count(*) as sessions,
           to_char(min(backend_start) at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') as since
      from pg_stat_activity
     where datname = $1 and starts_with(usename, $2) and usename <> $3
     group by 1, 2 order by 4, 1, 2
"""


class StillRunning(MeshError):
    """Processes of the node are connected, so that nothing was migrated."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(
            "Nothing was migrated: processes of this node are still connected, and what an older process writes during "
            "an upgrade would be lost to readers. Stop every process of the node, then migrate again. / "
            f"未执行迁移：本节点仍有进程连接数据库。请停止本节点的所有进程后重新执行 migrate。\n{'; '.join(names)}"
        )


@asynccontextmanager
async def alone(admin: asyncpg.Connection, database: str, *, node: str, names: Iterable[str]) -> AsyncIterator[None]:
    """Let the DDL role alone into the database until the block ends well; StillRunning if somebody of the node is in.

    `names` are the roles' second halves. A block that fails leaves the database closed: part of it may be upgraded.
    """
    await _assert_nobody(admin, database, node, seconds=SECONDS_TO_LEAVE)
    await close_database(admin, database, node=node, names=[name for name in names if name != DDL])
    try:
        await _assert_nobody(admin, database, node, seconds=0.0)
    except StillRunning:  # it came in between the two
        await open_database(admin, database, node=node, names=names)
        raise
    yield
    await open_database(admin, database, node=node, names=names)


async def _assert_nobody(admin: asyncpg.Connection, database: str, node: str, *, seconds: float) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while rows := await admin.fetch(_CONNECTED, database, f"{node}_", role_of(node, DDL)):
        if asyncio.get_running_loop().time() >= deadline:
            raise StillRunning(
                f"{row['process']} ({row['address']}, since {row['since']}, sessions: {row['sessions']})"
                for row in rows
            )
        await asyncio.sleep(0.1)
