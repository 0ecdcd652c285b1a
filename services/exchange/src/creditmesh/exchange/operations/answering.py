"""Acknowledgements of peers' feeds: signed for what ingestion has judged, sent when all of this node has gone by it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.listen import tell
from creditmesh.chassis.bus.stream import heads, parked, passed
from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.exchange.entries import without_body
from creditmesh.exchange.store import copies
from creditmesh.exchange.store.copies import EntryPlace, Made, Unsent
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
    session = await ctx.session()
    ends = await heads(session, JUDGED)
    beyond = [ends[part].number for part in sorted(ends)]
    judged = [(each.at, each.read(EntriesJudged)) for each in events]
    verified = await copies.heads_at(session, [(each.peer, each.feed, each.until) for _, each in judged])
    made = [
        Made(
            each.peer,
            each.feed,
            each.first,
            each.until,
            _signed(ctx, each, head, at=at),
            beyond,
            [str(subject) for subject in each.ends],
        )
        for (at, each), head in zip(judged, verified, strict=True)
    ]
    await copies.add_made(session, made)
    await forget(session, [(each.peer, each.feed, entry.index) for _, each in judged for entry in each.refused])
    await tell(session, *sorted({word(each.peer) for each in made}))


async def forget(session: Session, places: Sequence[EntryPlace]) -> None:
    """What was refused, or is told no more, is not kept: the line stays, under the peer's tree head; the body goes."""
    texts = await copies.refused(session, places) if places else []
    if texts:
        await copies.forget(session, [each._replace(data=without_body(each.data)) for each in texts])


def _signed(ctx: Context, judged: EntriesJudged, head: tuple[int, bytes], *, at: datetime) -> str:
    size, root = head
    acknowledgement = Acknowledgement(
        feed=feed_origin(judged.peer, judged.feed),
        by=ctx.node.code,
        first=judged.first,
        until=judged.until,
        size=size,
        root=root.hex(),
        refused=judged.refused,
        at=at,
        key=ctx.keys.key_id("node"),
        alg=ctx.keys.algorithm("node"),
    )
    return sign(acknowledgement, by=ctx.keys.sign).model_dump_json()


class Waiting(NamedTuple):
    """What a peer does not have yet: what may be sent now, in order, and whether more may be in a moment.

    What waits for a person who is parked, or behind that, may wait for days.
    """

    ready: Sequence[Unsent]
    soon: bool


async def unsent(session: Session, peer: str, feed: str, *, limit: int) -> Waiting:
    """Acknowledgements in their order, as far as every reader of this node has applied what they are about.

    To have passed an event is not to have applied it: behind a dead letter the events of its key wait.
    """
    waiting = await copies.unsent(session, peer, feed, limit=limit)
    reached = await passed(session, JUDGED) if waiting else {}
    passed_by = list(takewhile(lambda each: _gone_by(each.beyond, reached), waiting))
    ends = [key for each in passed_by for key in each.ends]
    held_up = await parked(session, JUDGED, ends) if ends else ()
    ready = list(takewhile(lambda each: not any(key in held_up for key in each.ends), passed_by))
    return Waiting(ready, len(ready) == len(passed_by) < len(waiting))


def _gone_by(beyond: Sequence[int], reached: Mapping[int, int]) -> bool:
    return all(reached.get(part, number) >= number for part, number in enumerate(beyond))
