"""Appending to a feed: entries, the tree, a signed head, in the caller's transaction, under the feed's head."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from creditmesh.chassis.bus.listen import tell
from creditmesh.chassis.context import Context
from creditmesh.exchange.entries import Draft
from creditmesh.exchange.store import feeds
from creditmesh.schemas.exchange import feed_origin
from creditmesh.schemas.tlog import Checkpoint, Range, Subtree, checkpoint_text, leaf_hash, signed_note

MOST_BYTES = 4 * 1024 * 1024
"""Of entries under one head: a page has at least these, and whoever pulls takes eight times as much."""
MOST_ENTRIES = 1000
T = TypeVar("T")


def word(feed: str) -> str:
    """What waiters for a feed's growth are woken by."""
    return f"feed/{feed}"


async def append(ctx: Context, feed: str, drafts: Sequence[Draft], *, held: Range | None = None) -> int:
    """Append these entries and sign the tree head they make, and one after each stretch of them that a page may hold.

    The index of the first.

    The head is held until the transaction ends: take every other lock before. `held` is the range of a head that the
    caller holds already.
    """
    session = await ctx.session()
    before = first = await feeds.hold(session, feed) if held is None else held
    for some in stretches(drafts, weight=lambda draft: len(draft.line) + len(draft.body)):
        leaves = [leaf_hash(draft.line.encode()) for draft in some]
        after, completed = before.extended(leaves)
        nodes = [Subtree(0, before.size + n, leaf) for n, leaf in enumerate(leaves)] + completed
        note = signed_head(ctx, feed, after)
        await feeds.append(session, feed, first=before.size, drafts=some, nodes=nodes, after=after, note=note)
        before = after
    await tell(session, word(feed))
    return first.size


def stretches(things: Sequence[T], *, weight: Callable[[T], int], most: int = MOST_BYTES) -> Iterator[Sequence[T]]:
    """These in their order, in stretches of which each is one thing or weighs no more; none if there are none."""
    start, sum_ = 0, 0
    for place, each in enumerate(things):
        if place > start and (sum_ + weight(each) > most or place - start >= MOST_ENTRIES):
            yield things[start:place]
            start, sum_ = place, 0
        sum_ += weight(each)
    if start < len(things):
        yield things[start:]


def signed_head(ctx: Context, feed: str, range_: Range) -> str:
    """The signed checkpoint of a feed of this node at that range."""
    origin = feed_origin(ctx.node.code, feed)
    text = checkpoint_text(Checkpoint(origin, range_.size, range_.root()))
    return signed_note(text, name=origin, public=ctx.keys.public("node").raw, sign=ctx.keys.sign)
