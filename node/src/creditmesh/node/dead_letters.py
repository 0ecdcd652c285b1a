"""What `dead list` shows: the dead letters of every service, read as each service's own role."""

from creditmesh.chassis.bus.dead import letters
from creditmesh.chassis.database.engine import engine
from creditmesh.chassis.service import Declaration
from creditmesh.chassis.settings import NodeSettings
from creditmesh.node.database import role_urls


async def listed(settings: NodeSettings, declaration: Declaration) -> list[tuple[object, ...]]:
    """One row a dead letter: service, stream, part, number, type, error, how many wait behind its key, since when."""
    rows: list[tuple[object, ...]] = []
    addresses = role_urls(settings)
    for service in declaration.services:
        if not service.handles:
            continue
        pool = engine(addresses[service.name], application_name=f"{settings.node}/dead", pool_size=1)
        try:
            async with pool.connect() as connection:
                rows += [(service.name, *letter) for letter in await letters(connection, service.name)]
        finally:
            await pool.dispose()
    return rows
