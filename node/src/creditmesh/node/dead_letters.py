"""What `dead list` shows: the dead letters of every service, read as each service's own role."""

from creditmesh.chassis.bus.dead import letters
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.service import Declaration
from creditmesh.chassis.settings import NodeSettings
from creditmesh.node.database import role_addresses


async def listed(settings: NodeSettings, declaration: Declaration) -> list[tuple[object, ...]]:
    """One row a dead letter: service, stream, part, number, type, error, how many wait behind its key, since when."""
    rows: list[tuple[object, ...]] = []
    addresses = role_addresses(settings)
    for service in declaration.services:
        if not service.handles:
            continue
        pool = Pool(addresses[service.name], application_name=f"{settings.node}/dead", size=1)
        try:
            async with pool.session() as session:
                rows += [(service.name, *letter) for letter in await letters(session, service.name)]
        finally:
            await pool.close()
    return rows
