"""The nodes above, as each peer above passes their rows on; where what it relayed of those not known yet begins."""

from collections.abc import Collection
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
    insert into exchange.relayed (peer, node, first)
    select :peer, :node, :first where (select count(*) from exchange.relayed where peer = :peer) < :most
        on conflict do nothing
"""
_TAKE = "delete from exchange.relayed where peer = :peer and node = any(:nodes) returning node, first"


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


async def wait(session: Session, peer: str, first: int, *, node: str, most: int) -> None:
    """What a peer relays of a node that is not known yet waits from here on; of no more than `most` nodes of a peer."""
    await session.execute(_WAIT, {"peer": peer, "node": node, "first": first, "most": most})


async def take_waiting(session: Session, peer: str, nodes: Collection[str]) -> dict[str, int]:
    """Those of these nodes that are waited for, and from where on; they are no longer."""
    return {row.node: row.first for row in await session.fetch(_TAKE, {"peer": peer, "nodes": list(nodes)})}
