"""Acknowledgements of peers' feeds: signed for what ingestion has judged, sent when all of this node has gone by it."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.listen import tell
from creditmesh.chassis.bus.stream import heads, passed
from creditmesh.chassis.context import Context
from creditmesh.exchange.store import copies
from creditmesh.exchange.store.copies import Unsent
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.events import EntriesJudged
from creditmesh.schemas.exchange import feed_origin
from creditmesh.schemas.signed import sign

JUDGED = "ingestion"
"""The stream that says what became of entries, and of the records they are about."""


def word(peer: str) -> str:
    """What the sender of acknowledgements to a peer is woken by."""
    return f"acknowledge/{peer}"


async def sign_judged(ctx: Context, events: Sequence[Delivered]) -> None:
    """Sign what ingestion has judged; the puller's unit sends it when all of this node has gone by it.

    What a run did to records was ordered before the event that says so: it is below the heads of its stream.
    """
    connection = await ctx.connection()
    ends = await heads(connection, JUDGED)
    beyond = [ends[part].number for part in sorted(ends)]
    for each in events:
        judged = each.read(EntriesJudged)
        size, root = await copies.head_at(connection, judged.peer, judged.feed, size=judged.until)
        acknowledgement = Acknowledgement(
            feed=feed_origin(judged.peer, judged.feed),
            by=ctx.node.code,
            first=judged.first,
            until=judged.until,
            size=size,
            root=root.hex(),
            refused=judged.refused,
            at=each.at,
            key=ctx.keys.key_id("node"),
            alg=ctx.keys.algorithm("node"),
        )
        signed = sign(acknowledgement, by=ctx.keys.sign)
        await copies.add_made(
            connection,
            judged.peer,
            judged.feed,
            first=judged.first,
            until=judged.until,
            data=signed.model_dump_json(),
            beyond=beyond,
        )
        await tell(connection, word(judged.peer))


class Waiting(NamedTuple):
    """What a peer does not have yet: what may be sent now, in order, and whether some may not."""

    ready: Sequence[Unsent]
    held: bool


async def unsent(ctx: Context, peer: str, feed: str, *, limit: int) -> Waiting:
    """Acknowledgements in their order, as far as every reader of this node has gone by what they are about."""
    connection = await ctx.connection()
    waiting = await copies.unsent(connection, peer, feed, limit=limit)
    reached = await passed(connection, JUDGED) if waiting else {}
    ready = list(takewhile(lambda each: _gone_by(each.beyond, reached), waiting))
    return Waiting(ready, len(ready) < len(waiting))


def _gone_by(beyond: Sequence[int], reached: Mapping[int, int]) -> bool:
    return all(reached.get(part, number) >= number for part, number in enumerate(beyond))
