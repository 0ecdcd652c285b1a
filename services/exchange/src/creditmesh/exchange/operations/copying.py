"""How feeds and copies stand, and letting a stopped copy go on."""

from creditmesh.chassis.context import Context
from creditmesh.exchange.errors import NotStopped
from creditmesh.exchange.operations import serving
from creditmesh.exchange.operations.comparing import compared
from creditmesh.exchange.store import copies, feeds
from creditmesh.exchange.store.copies import FeedCopy
from creditmesh.schemas.exchange import FeedOut


async def standing(ctx: Context) -> list[FeedOut]:
    """The node's own feeds, then the copies."""
    session = await ctx.alone()
    names = {*await feeds.names(session), *(feed for feed, _ in compared(ctx.equipment).held)}
    own = [await serving.feed_out(ctx, feed) for feed in sorted(names)]
    return own + [_out(copy) for copy in await copies.every(session)]


async def resume(ctx: Context, peer: str, feed: str) -> FeedOut:
    """Take a copy's alarm away; NotStopped if it has none."""
    session = await ctx.alone()
    if not await copies.resume(session, peer, feed):
        raise NotStopped("See GET /v1/admin/feeds for those that are.", "已停止的副本见 GET /v1/admin/feeds。")
    return _out(await copies.copy_of(session, peer, feed))


def _out(copy: FeedCopy) -> FeedOut:
    return FeedOut(
        peer=copy.peer,
        feed=copy.feed,
        size=copy.range.size,
        root=copy.range.root().hex(),
        checkpoint=copy.note,
        announced=copy.announced,
        alarm=copy.alarm,
    )
