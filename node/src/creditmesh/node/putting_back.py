"""A database that was put back from a backup, for an operator, before any process starts: what it may not show yet."""

from creditmesh.chassis.settings import NodeSettings
from creditmesh.exchange import service as exchange
from creditmesh.node.database import opened, server
from creditmesh.schemas.exchange import UP

MARK = """
    insert into bus.catching_up (peer)
    select cast(:node as text) union select peer from exchange.copy_head where feed = :feed
        on conflict (peer) do update set had = null
    returning peer
"""
"""As the role of the exchange."""


async def mark(settings: NodeSettings) -> list[str]:
    """Note that the database is a backup. The nodes of whom nothing is shown until they were heard, itself among them.

    Processes that run already ask the peers below anew too, but have shown what they had, and of this node's own feed
    go by what they have heard.
    """
    async with server(settings), opened(settings, exchange.name) as pool, pool.session() as session:
        return sorted([row.peer for row in await session.fetch(MARK, {"node": settings.node, "feed": UP})])
