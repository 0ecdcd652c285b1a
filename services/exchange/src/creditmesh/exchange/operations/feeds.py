"""Appending to a feed: entries, the tree, signed heads, in the caller's transaction, under the feed's head."""

from collections.abc import Sequence

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.exchange.entries import Draft, pieces
from creditmesh.exchange.errors import FeedBehind
from creditmesh.exchange.operations import numbers
from creditmesh.exchange.operations.comparing import assert_appendable
from creditmesh.exchange.operations.numbers import Given
from creditmesh.exchange.store import feeds, set_aside
from creditmesh.exchange.store.feeds import SignedHead
from creditmesh.schemas.exchange import feed_origin
from creditmesh.schemas.tlog import Checkpoint, Range, Subtree, checkpoint_text, full_tiles, leaf_hash, signed_note


def word(feed: str) -> str:
    """What waiters for a feed's growth are woken by."""
    return f"feed/{feed}"


async def append(ctx: Context, feed: str, drafts: Sequence[Draft], *, held: Range | None = None) -> None:
    """Append these entries, at least one, and sign the heads they make.

    Where something was set aside they wait behind it, and nothing is appended yet. Of an own record a number goes in
    once (`numbers`).
    The head is held until the transaction ends: take every other lock before. `held` is the range of a head that the
    caller holds already. NotCompared or FeedBehind where the feed may not be appended to (`comparing`).
    """
    session = await ctx.session()
    before = await feeds.hold(session, feed) if held is None else held
    await assert_appendable(ctx, feed, before.size)
    if await _waits(session, feed, before):
        await set_aside.add(session, feed, drafts)
    elif fitting := await numbers.fitting(ctx, feed, [Given(draft) for draft in drafts]):
        await _append(ctx, feed, fitting, before=before)


async def append_again(ctx: Context, feed: str, given: Sequence[Given]) -> None:
    """Append entries that were set aside, before all others. As for `append` in all else."""
    session = await ctx.session()
    before = await feeds.hold(session, feed)
    await assert_appendable(ctx, feed, before.size)
    await _waits(session, feed, before)
    if fitting := await numbers.fitting(ctx, feed, given):
        await _append(ctx, feed, fitting, before=before)


async def _waits(session: Session, feed: str, before: Range) -> bool:
    """Whether something is to be said again first; FeedBehind while what was cut lies behind the head."""
    waits, beyond = await set_aside.state(session, feed, size=before.size)
    if beyond:
        raise FeedBehind
    return waits


async def _append(ctx: Context, feed: str, drafts: Sequence[Draft], *, before: Range) -> None:
    heads, completed, after = list[SignedHead](), list[Subtree](), before
    for piece in pieces(drafts):
        after, more = after.extended(leaf_hash(draft.line.encode()) for draft in piece.drafts)
        heads.append(SignedHead(after, signed_head(ctx, feed, after), piece.weight))
        completed += more
    await feeds.append(
        await ctx.session(),
        feed,
        first=before.size,
        drafts=drafts,
        heads=heads,
        tiles=full_tiles(completed),
        waking=word(feed),
    )


def signed_head(ctx: Context, feed: str, range_: Range) -> str:
    """The signed checkpoint of a feed of this node at that range."""
    origin = feed_origin(ctx.node.code, feed)
    text = checkpoint_text(Checkpoint(origin, range_.size, range_.root()))
    return signed_note(text, name=origin, public=ctx.keys.public("node").raw, sign=ctx.keys.sign)
