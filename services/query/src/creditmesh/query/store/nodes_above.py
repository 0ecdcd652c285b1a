"""Which nodes are above this one by way of a peer, as the exchange told last."""

from collections.abc import Iterable, Mapping, Sequence

from creditmesh.chassis.database.session import Session

_WRITE = """
    insert into query.nodes_above (peer, above) values (:peer, :above)
        on conflict (peer) do update set above = excluded.above
"""
_READ = "select peer, above from query.nodes_above where peer = any(:peers)"


async def write(session: Session, peer: str, above: Sequence[str]) -> None:
    """These are above by way of the peer from now on."""
    await session.execute(_WRITE, {"peer": peer, "above": list(above)})


async def by_way_of(session: Session, peers: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Of each of these peers that was told of: itself and whoever is above it, the nearest first."""
    return {row.peer: row.above for row in await session.fetch(_READ, {"peers": list(peers)})}
