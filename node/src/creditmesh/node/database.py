"""The node's database: the embedded server where no address is given, and the address of every role."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from creditmesh.chassis.database.address import DatabaseAddress, addresses
from creditmesh.chassis.database.embedded import EmbeddedServer
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.versions import Upgraded
from creditmesh.chassis.installation import install
from creditmesh.chassis.settings import NodeSettings
from creditmesh.node import run_files
from creditmesh.node.declaration import NODE
from creditmesh.node.errors import NodeError


def role_addresses(settings: NodeSettings) -> Mapping[str, DatabaseAddress]:
    """The address of every role whose password this process can read, by the role's second half.

    Without CREDITMESH_DATABASE it is where the node's running processes say they are, else its own embedded server.
    """
    given = _given(settings)
    if given is None:
        admin = EmbeddedServer(settings.state / "postgres").admin
        return addresses(admin, node=settings.node, secrets=settings.secrets)
    found = addresses(given, node=settings.node, secrets=settings.secrets)
    return {role: address.of(given.database or settings.node) for role, address in found.items()}


def _given(settings: NodeSettings) -> DatabaseAddress | None:
    """Where the database is: as set, or as the node's running processes say; None for the embedded server."""
    database = settings.database or run_files.database(settings.state)
    return None if database is None else DatabaseAddress.read(database)


@asynccontextmanager
async def opened(settings: NodeSettings, role: str) -> AsyncIterator[Pool]:
    """A pool of one session as that role, for a command."""
    try:
        found = role_addresses(settings)
    except FileNotFoundError as error:
        raise _unreachable(settings, "no database was made there") from error
    if role not in found:
        raise NodeError(
            f"no password for the role of {role} in {settings.secrets}/roles: migrate first",
            f"{settings.secrets}/roles 中缺少 {role} 的口令，请先执行 migrate",
        )
    pool = Pool(found[role], application_name=f"{settings.node}/command", size=1)
    try:
        yield pool
    except DatabaseError as error:
        if error.lost:
            raise _unreachable(settings, str(error)) from error
        raise NodeError(
            f"the node's database does not do that (is it migrated?): {error}",
            "节点数据库未执行该操作（是否已完成 migrate？）",
        ) from error
    finally:
        await pool.close()


def _unreachable(settings: NodeSettings, why: str) -> NodeError:
    return NodeError(
        f"the node's database cannot be reached ({why}): is CREDITMESH_STATE ({settings.state}) this node's, and does "
        "it run?",
        f"无法连接节点数据库：CREDITMESH_STATE（{settings.state}）是否为本节点目录，节点是否在运行？",
    )


async def create(settings: NodeSettings, admin: DatabaseAddress) -> Sequence[Upgraded]:
    """Create or upgrade the node's database on a server, as its superuser."""
    given = _given(settings)
    return await install(
        admin,
        declaration=NODE,
        facts=settings.facts,
        terms=settings.terms,
        given=settings.terms_given,
        secrets=settings.secrets,
        database=None if given is None else given.database,
    )


@asynccontextmanager
async def server(settings: NodeSettings) -> AsyncIterator[EmbeddedServer | None]:
    """The embedded server, started and upgraded, while the block runs; nothing where an address was given."""
    if _given(settings) is not None:
        yield None
        return
    async with _embedded(settings) as embedded:
        await create(settings, embedded.admin)
        yield embedded


async def migrate(settings: NodeSettings) -> Sequence[Upgraded]:
    """`creditmesh-node migrate`: as the superuser of CREDITMESH_ADMIN, or on the embedded server; what it upgraded."""
    if _given(settings) is None:
        async with _embedded(settings) as embedded:
            return await create(settings, embedded.admin)
    if settings.admin is None:
        raise NodeError(
            "set CREDITMESH_ADMIN to a superuser's address of the same server, for this command only",
            "请仅为此命令设置 CREDITMESH_ADMIN（同一服务器的超级用户地址）",
        )
    return await create(settings, DatabaseAddress.read(settings.admin))


@asynccontextmanager
async def _embedded(settings: NodeSettings) -> AsyncIterator[EmbeddedServer]:
    embedded = EmbeddedServer(settings.state / "postgres")
    await embedded.start()
    try:
        yield embedded
    finally:
        await embedded.stop()
