"""A node whose database is copied, goes on, and is put back: PostgreSQL's own copy of it, with nobody connected."""

import asyncpg

from creditmesh.chassis.database.connecting import connect
from creditmesh.chassis.database.roles import BUS, DDL, RELAY, create_database, open_database, quoted
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.host import Host
from creditmesh.node.door import door
from creditmesh.node.putting_back import MARK
from creditmesh.schemas.exchange import UP
from tests.support.node import TestNode


async def copied(node: TestNode) -> None:
    """Stop the node, copy its database, start it again."""
    await node.host.stop()
    await duplicated(node)
    await started(node)


async def duplicated(node: TestNode) -> None:
    """Copy the database of a node that is stopped; an older copy of it goes."""
    await node.database.leave()
    admin = await _admin(node)
    try:
        await admin.execute(f"drop database if exists {quoted(_copy(node))}")
        assert await create_database(admin, _copy(node), template=node.database.name)
    finally:
        await admin.close()


async def put_back(node: TestNode, *, said: bool = False) -> None:
    """Stop the node, put the copy in its database's place, start it again; `said`: its operator says so before."""
    await node.host.stop()
    await swapped(node)
    if said:
        async with node.database.session("exchange") as session:
            await Session(session).fetch(MARK, {"node": node.host.settings.node, "feed": UP})
    await started(node)


async def swapped(node: TestNode) -> None:
    """Put the copy in the place of the database of a node that is stopped."""
    name = node.database.name
    await node.database.leave()
    admin = await _admin(node)
    try:
        await admin.execute(f"drop database {quoted(name)} with (force)")
        await admin.execute(f"alter database {quoted(_copy(node))} rename to {quoted(name)}")
        roles = [DDL, BUS, RELAY, *(service.name for service in node.host.declaration.services)]
        await open_database(admin, name, node=node.host.settings.node, names=roles)
    finally:
        await admin.close()


async def started(node: TestNode) -> None:
    """A new process of the node at the same address."""
    before = node.host
    port = int(before.url.rpartition(":")[2])
    node.host = Host(
        declaration=before.declaration,
        settings=before.settings.model_copy(update={"port": port}),
        addresses=node.database.addresses,
        hosted=before.hosted,
        door=door,
    )
    await node.host.start()


async def _admin(node: TestNode) -> asyncpg.Connection:
    """To copy or drop a database waits for a checkpoint, which takes what the disk takes."""
    return await connect(
        node.database.admin, application_name="test", settings={"statement_timeout": "0"}, seconds_to_answer=None
    )


def _copy(node: TestNode) -> str:
    return f"{node.database.name}_copy"
