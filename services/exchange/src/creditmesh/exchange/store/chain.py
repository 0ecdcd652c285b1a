"""The nodes above, as each peer above passes their rows on, and what it says of nodes that nobody has named yet."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from creditmesh.chassis.bus.listen import tell as tell_listeners
from creditmesh.chassis.database.session import Session
from creditmesh.exchange.store.pages import EntryPlace
from creditmesh.schemas.exchange import LineType
from creditmesh.schemas.received import ReceivedEntry

GROWN = "chain"
"""The word for whoever takes what waited for rows of nodes above."""
_ROWS = "select node, data from exchange.chain where peer = :peer and data is not null order by node"
_ALL = "select peer, node, data, offered from exchange.chain order by peer, node"
_KEEP = """
    insert into exchange.chain as known (peer, node, data, due)
    values (:peer, :node, :data, cast(:at as timestamptz) + interval '1 hour')
        on conflict (peer, node) do update
       set data = excluded.data, offered = null, early = false,
           due = greatest(excluded.due, known.due + interval '1 hour')
"""
_DUE = "select from exchange.chain where peer = :peer and node = :node and due > :by"
_OFFER = """
    insert into exchange.chain (peer, node, offered, early) values (:peer, :node, :data, :early)
        on conflict (peer, node) do update set offered = excluded.offered, early = excluded.early
"""
_RIPE = """
    select peer, node, data, offered from exchange.chain where early and due <= :by
     order by peer, node limit 1 for update skip locked
"""
# Of the rows of a node the newest waits.
_WAIT = """
    with replaced as (
        delete from exchange.unnamed
         where peer = :peer and feed = :feed and node = :node and type = :type and type = 'catalogue' and index < :index
    )
    insert into exchange.unnamed (peer, feed, index, type, node) values (:peer, :feed, :index, :type, :node)
        on conflict do nothing
"""
_TAKE = """
    delete from exchange.unnamed u
     using (select peer, feed, index from exchange.unnamed
             where peer = :peer and node = any(:nodes) and type = :type order by index limit :limit) first
     where u.peer = first.peer and u.feed = first.feed and u.index = first.index
    returning u.peer, u.feed, u.index
"""
# Whoever takes what waits holds the row: who learns of a node meanwhile comes before it looks, or marks it again.
_GROW = "insert into exchange.grown (peer) values (:peer) on conflict (peer) do update set peer = excluded.peer"
_GROWN = "select peer from exchange.grown order by peer"
_LEAD = "select peer from exchange.grown where peer = :peer for update skip locked"
# In `told` stands who was said to be above the peer; nobody is told twice.
_TELL = """
    insert into exchange.chain_told as known (peer, above) values (:peer, :above)
        on conflict (peer) do update set above = excluded.above where known.above <> excluded.above
    returning peer
"""
_SETTLED = "delete from exchange.grown where peer = :peer"


class ChainRow(NamedTuple):
    """A row of a node above: the text that is believed, and another that is not; one of them is there."""

    peer: str
    node: str
    data: str | None
    offered: str | None


async def rows(session: Session, peer: str) -> dict[str, str]:
    """The rows that came from a peer, by node, each as it was signed."""
    return {row.node: row.data for row in await session.fetch(_ROWS, {"peer": peer})}


async def every(session: Session) -> list[ChainRow]:
    """All rows, of all peers, this node's own among them."""
    return [ChainRow(*row) for row in await session.fetch(_ALL)]


async def keep(session: Session, peer: str, node: str, data: str, *, at: datetime) -> None:
    """Believe this row from now on; one of the node is due an hour after this one, and after all before it."""
    await session.execute(_KEEP, {"peer": peer, "node": node, "data": data, "at": at})


async def due(session: Session, peer: str, node: str, *, by: datetime) -> bool:
    """Whether the next row of the node is due by then: how many were believed at once decides it."""
    return not await session.fetch(_DUE, {"peer": peer, "node": node, "by": by})


async def offer(session: Session, peer: str, node: str, data: str, *, early: bool = False) -> None:
    """Keep a row that is not believed beside the one that is; one that only came early is looked at when it is due."""
    await session.execute(_OFFER, {"peer": peer, "node": node, "data": data, "early": early})


async def ripe(session: Session, *, by: datetime) -> ChainRow | None:
    """One of those that came early and are due by then; until this transaction ends nobody else has it."""
    rows = await session.fetch(_RIPE, {"by": by})
    return ChainRow(*rows[0]) if rows else None


async def wait(session: Session, entry: ReceivedEntry, *, node: str) -> None:
    """Remember that this entry is about a node that nobody has named yet."""
    place = {"peer": entry.peer, "feed": entry.feed, "index": entry.index, "type": entry.type}
    await session.execute(_WAIT, {**place, "node": node})


async def take_waiting(
    session: Session, peer: str, nodes: Collection[str], *, type_: LineType, limit: int
) -> list[EntryPlace]:
    """Take the places of so many of the entries of this type that wait for these nodes."""
    wanted = {"peer": peer, "nodes": list(nodes), "type": type_, "limit": limit}
    return sorted(tuple(row) for row in await session.fetch(_TAKE, wanted))


async def grow(session: Session, peer: str) -> None:
    """More is known of who is above this peer: what waited for it can be taken."""
    await session.execute(_GROW, {"peer": peer})
    await tell_listeners(session, GROWN)


async def grown(session: Session) -> list[str]:
    """The peers above which more is known than was looked for."""
    return [row.peer for row in await session.fetch(_GROWN, {})]


async def lead(session: Session, peer: str) -> bool:
    """Whether that is so of this one; until this transaction ends nobody else takes what waits for it."""
    return bool(await session.fetch(_LEAD, {"peer": peer}))


async def tell(session: Session, peer: str, above: Sequence[str]) -> bool:
    """Whether it was not told yet that these are above this node by way of the peer; it is now."""
    return bool(await session.fetch(_TELL, {"peer": peer, "above": list(above)}))


async def settled(session: Session, peer: str) -> None:
    """All that waited for who is above this peer, and is known, is taken."""
    await session.execute(_SETTLED, {"peer": peer})
