"""The node's database: the embedded server where no address is given, and the address of every role."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from creditmesh.chassis.database.address import DatabaseAddress, addresses
from creditmesh.chassis.database.embedded import EmbeddedServer
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.installation import install
from creditmesh.chassis.settings import NodeSettings
from creditmesh.node import run_files
from creditmesh.node.declaration import NODE
from creditmesh.node.errors import NodeError


def role_addresses(settings: NodeSettings) -> Mapping[str, DatabaseAddress]:
    """The address of every role whose password this process can read, by the role's second half.

    Without CREDITMESH_DATABASE it is where the node's running processes say they are, else its own embedded server.
    """
    database = settings.database or run_files.database(settings.state)
    if database is None:
        admin = EmbeddedServer(settings.state / "postgres").admin
        return addresses(admin, node=settings.node, secrets=settings.secrets)
    given = DatabaseAddress.read(database)
    found = addresses(given, node=settings.node, secrets=settings.secrets)
    return {role: address.of(given.database or settings.node) for role, address in found.items()}


@asynccontextmanager
async def opened(settings: NodeSettings, role: str) -> AsyncIterator[Pool]:
    """A pool of one session as that role, for a command."""
    found = role_addresses(settings)
    if role not in found:
        raise NodeError(
            f"no password for the role of {role} in {settings.secrets}/roles: migrate first",
            f"{settings.secrets}/roles 中缺少 {role} 的口令，请先执行 migrate",
        )
    pool = Pool(found[role], application_name=f"{settings.node}/command", size=1)
    try:
        yield pool
    except DatabaseError as error:
        raise NodeError(
            f"the node's database does not do that (does it run, is it migrated?): {error}",
            "节点数据库未执行该操作（是否已启动并完成 migrate？）",
        ) from error
    finally:
        await pool.close()


async def create(settings: NodeSettings, admin: DatabaseAddress) -> None:
    """Create or upgrade the node's database on a server, as its superuser."""
    name = None if settings.database is None else DatabaseAddress.read(settings.database).database
    await install(
        admin,
        declaration=NODE,
        facts=settings.facts,
        terms=settings.terms,
        secrets=settings.secrets,
        database=name,
    )


@asynccontextmanager
async def server(settings: NodeSettings) -> AsyncIterator[EmbeddedServer | None]:
    """The embedded server, started and upgraded, while the block runs; nothing where an address was given."""
    if settings.database is not None:
        yield None
        return
    embedded = EmbeddedServer(settings.state / "postgres")
    await embedded.start()
    try:
        await create(settings, embedded.admin)
        yield embedded
    finally:
        await embedded.stop()


async def migrate(settings: NodeSettings) -> None:
    """`creditmesh-node migrate`: as the superuser of CREDITMESH_ADMIN, or on the embedded server."""
    if settings.database is None:
        async with server(settings):
            return
    if settings.admin is None:
        raise NodeError(
            "set CREDITMESH_ADMIN to a superuser's address of the same server, for this command only",
            "请仅为此命令设置 CREDITMESH_ADMIN（同一服务器的超级用户地址）",
        )
    await create(settings, DatabaseAddress.read(settings.admin))
