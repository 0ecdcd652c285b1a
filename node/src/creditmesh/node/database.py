"""The node's database: the embedded server where no address is given, and the address of every role."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy import URL, make_url

from creditmesh.chassis.database.embedded import EmbeddedServer
from creditmesh.chassis.database.engine import urls
from creditmesh.chassis.installation import install
from creditmesh.chassis.settings import NodeSettings
from creditmesh.node.declaration import NODE
from creditmesh.node.errors import NodeError


def role_urls(settings: NodeSettings) -> Mapping[str, URL]:
    """The address of every role whose password this process can read, by the role's second half."""
    if settings.database is None:
        return urls(EmbeddedServer(settings.state / "postgres").admin_url, node=settings.node, secrets=settings.secrets)
    address = make_url(settings.database)
    found = urls(address, node=settings.node, secrets=settings.secrets)
    return {role: url.set(database=address.database or settings.node) for role, url in found.items()}


async def create(settings: NodeSettings, admin: str | URL) -> None:
    """Create or upgrade the node's database on a server, as its superuser."""
    name = None if settings.database is None else make_url(settings.database).database
    await install(admin, declaration=NODE, facts=settings.facts, secrets=settings.secrets, database=name)


@asynccontextmanager
async def server(settings: NodeSettings) -> AsyncIterator[EmbeddedServer | None]:
    """The embedded server, started and upgraded, while the block runs; nothing where an address was given."""
    if settings.database is not None:
        yield None
        return
    embedded = EmbeddedServer(settings.state / "postgres")
    await embedded.start()
    try:
        await create(settings, embedded.admin_url)
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
    await create(settings, settings.admin)
