"""Whether this node has lost what it had answered for: its own signature, handed back, proves that it had."""

import structlog

from creditmesh.chassis.context import Context
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.vault.keys import verified
from creditmesh.exchange.store import catching_up
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.exchange import UP, FeedOut, feed_origin
from creditmesh.schemas.signed import read

_log = structlog.get_logger(__name__)


async def hear(ctx: Context, peer: str, feed: FeedOut, *, marked: bool, size: int) -> None:
    """Note what the sender of an `up` hands back, where it goes beyond what this node has judged.

    `marked`: its operator says that this node was restored, and all of it counts. What the sender says without a proof
    counts then too, as far as the feed goes: to `size`, by the sender's own signature.
    """
    had = proven(ctx.equipment, peer, feed)
    if marked and had is None:
        had = min(feed.acknowledged, size)
    session = await ctx.session()
    if had is not None and (marked or had > await catching_up.gone_by(session, peer, UP)):
        await catching_up.hear(session, peer, had=had)


def proven(equipment: Equipment, peer: str, feed: FeedOut) -> int | None:
    """Behind the last entry that this node answered for, by its own signature; None where none of it is shown."""
    if feed.answered is None:
        return None
    own = {half.id: half.raw for half in equipment.keys.public_halves("node")}
    try:
        said = read(
            Acknowledgement,
            feed.answered,
            public=lambda given: own[given.key],
            verify=lambda public, data, signature: verified(data, signature, public=public),
        )
    except (ValueError, LookupError):
        _log.warning("a peer hands back what this node did not sign", peer=peer)
        return None
    return said.until if said.feed == feed_origin(peer, UP) else None
