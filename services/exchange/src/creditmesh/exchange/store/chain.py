"""The nodes above, as each peer above passes their rows on, and what was relayed of nodes that are not known yet."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from creditmesh.chassis.database.session import Session

_ROWS = "select node, data from exchange.chain where peer = :peer order by node"
_ALL = "select peer, node, data, offered from exchange.chain order by peer, node"
_KEEP = """
    insert into exchange.chain (peer, node, data) values (:peer, :node, :data)
        on conflict (peer, node) do update set data = excluded.data, offered = null
"""
_OFFER = "update exchange.chain set offered = :data where peer = :peer and node = :node"
_WAIT = """
    insert into exchange.relayed (peer, index, node, body) values (:peer, :index, :node, :body) on conflict do nothing
"""
_TAKE = """
    delete from exchange.relayed r
     using (select peer, index from exchange.relayed
             where peer = :peer and node = any(:nodes) order by index limit :limit) first
     where r.peer = first.peer and r.index = first.index
    returning r.body
"""


class ChainRow(NamedTuple):
    """A row of a node above: the text that is believed, and another that its keys did not sign."""

    peer: str
    node: str
    data: str
    offered: str | None


async def rows(session: Session, peer: str) -> dict[str, str]:
    """The rows that came from a peer, by node, each as it was signed."""
    return {row.node: row.data for row in await session.fetch(_ROWS, {"peer": peer})}


async def every(session: Session) -> list[ChainRow]:
    """All rows, of all peers, this node's own among them."""
    return [ChainRow(*row) for row in await session.fetch(_ALL)]


async def keep(session: Session, peer: str, node: str, data: str) -> None:
    """Believe this row from now on."""
    await session.execute(_KEEP, {"peer": peer, "node": node, "data": data})


async def offer(session: Session, peer: str, node: str, data: str) -> None:
    """Keep a row that is not believed beside the one that is."""
    await session.execute(_OFFER, {"peer": peer, "node": node, "data": data})


async def wait(session: Session, peer: str, index: int, *, node: str, body: str) -> None:
    """Keep what a peer relayed of a node that is not known yet."""
    await session.execute(_WAIT, {"peer": peer, "index": index, "node": node, "body": body})


async def take_waiting(session: Session, peer: str, nodes: Collection[str], *, limit: int) -> Sequence[str]:
    """Take so many of the bodies that wait for these nodes."""
    return [row.body for row in await session.fetch(_TAKE, {"peer": peer, "nodes": list(nodes), "limit": limit})]
