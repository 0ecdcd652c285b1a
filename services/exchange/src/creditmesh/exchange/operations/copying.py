"""How feeds and copies stand, and letting a stopped copy go on."""

from creditmesh.chassis.context import Context
from creditmesh.exchange.errors import NotStopped
from creditmesh.exchange.operations import serving
from creditmesh.exchange.store import copies, feeds
from creditmesh.exchange.store.copies import Copy
from creditmesh.schemas.exchange import FeedOut


async def standing(ctx: Context) -> list[FeedOut]:
    """The node's own feeds, then the copies."""
    connection = await ctx.connection()
    own = [await serving.feed_out(ctx, feed) for feed in await feeds.names(connection)]
    return own + [_out(copy) for copy in await copies.every(connection)]


async def resume(ctx: Context, peer: str, feed: str) -> FeedOut:
    """Take a copy's alarm away; NotStopped if it has none."""
    connection = await ctx.connection()
    if not await copies.resume(connection, peer, feed):
        raise NotStopped("See GET /v1/admin/feeds for those that are.", "已停止的副本见 GET /v1/admin/feeds。")
    return _out(await copies.copy_of(connection, peer, feed))


def _out(copy: Copy) -> FeedOut:
    return FeedOut(
        peer=copy.peer,
        feed=copy.feed,
        size=copy.range.size,
        root=copy.range.root().hex(),
        checkpoint=copy.note,
        alarm=copy.alarm,
    )
