"""Giving feeds to who may read them: pages, signed heads, proofs. Nothing here is personal: what is, is sealed."""

import asyncio
from base64 import b64encode
from collections.abc import Sequence

import orjson

from creditmesh.chassis.context import Context
from creditmesh.exchange.errors import BeyondFeed, NoSuchFeed
from creditmesh.exchange.operations.feeds import word
from creditmesh.exchange.operations.sharing import DOWN, UP
from creditmesh.exchange.store import feeds
from creditmesh.exchange.store.feeds import StoredCheckpoint
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import FeedOut
from creditmesh.schemas.tlog import consistency_plan, fold, inclusion_plan

Plan = tuple[tuple[tuple[int, int], ...], ...]


def feeds_for(ctx: Context) -> list[str]:
    """The feeds that the calling node may read: `up` from above, `down` and its own `down-<node>` from below."""
    code = ctx.known_caller.party
    party = None if code is None else ctx.followed(Directory).party(code)
    if party is None or not party.active:
        return []
    return {"above": [UP], "below": [DOWN, f"{DOWN}-{party.code}"]}.get(party.place or "", [])


def check(ctx: Context, feed: str) -> None:
    """NoSuchFeed unless the caller may read it: whose feed it is, is nobody else's business."""
    if feed not in feeds_for(ctx):
        raise NoSuchFeed


async def standing(ctx: Context) -> list[FeedOut]:
    """The caller's feeds as they stand."""
    return [await feed_out(ctx, feed) for feed in feeds_for(ctx)]


async def feed_out(ctx: Context, feed: str) -> FeedOut:
    """One feed of this node as it stands."""
    session = await ctx.alone()
    head, newest = await feeds.head(session, feed), await feeds.checkpoint(session, feed)
    return FeedOut(
        feed=feed, size=head.size, root=head.root().hex(), checkpoint=None if newest is None else newest.note
    )


async def page(ctx: Context, feed: str, *, after: int, limit: int, wait: float) -> bytes:
    """The entries after so many as NDJSON, its last line the signed head; empty if there are none within the wait.

    BeyondFeed if the feed is shorter than what the caller says to have: one of the two has lost its past.
    """
    check(ctx, feed)
    end = await _end(ctx, feed, after=after, limit=limit, wait=wait)
    if end is None:
        return b""
    rows = await feeds.lines(await ctx.alone(), feed, first=after, until=end.size)
    return b"".join(map(_line, rows)) + orjson.dumps({"checkpoint": end.note}, option=orjson.OPT_APPEND_NEWLINE)


async def _end(ctx: Context, feed: str, *, after: int, limit: int, wait: float) -> StoredCheckpoint | None:
    """Where the page ends. No session is held while it waits."""
    notifications = ctx.equipment.notifications
    woken = notifications.wake([word(feed)])
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    try:
        while True:
            session = await ctx.alone()
            end = await feeds.page_end(session, feed, after=after, limit=limit)
            left = until - loop.time()
            if end is None and (await feeds.head(session, feed)).size < after:
                raise _beyond(after)
            if end is not None or left <= 0 or notifications.closed:
                return end
            await ctx.rollback()
            await woken.wait(left)
    finally:
        notifications.forget(woken)


def _line(row: feeds.Sent) -> bytes:
    salt = None if row.salt is None else b64encode(row.salt).decode("ascii")
    entry = {"index": row.index, "line": row.line, "salt": salt, "body": row.body}
    return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)


async def head_of(ctx: Context, feed: str, size: int | None) -> StoredCheckpoint:
    """The signed head of exactly that size, or the newest; BeyondFeed if none was signed there."""
    check(ctx, feed)
    found = await feeds.checkpoint(await ctx.alone(), feed, size)
    if found is None:
        raise BeyondFeed(
            "No head of this size was signed; leave the size out for the newest.",
            "该大小没有签名的树头；省略 size 可取最新树头。",
        )
    return found


async def inclusion(ctx: Context, feed: str, *, index: int, size: int) -> tuple[str, ...]:
    """The proof that the entry at `index` is in the tree of `size`."""
    check(ctx, feed)
    await _reach(ctx, feed, size)
    if not 0 <= index < size:
        raise _beyond(index)
    return (await proven(ctx, feed, [inclusion_plan(index, size)]))[0]


async def consistency(ctx: Context, feed: str, *, old: int, new: int) -> tuple[str, ...]:
    """The proof that the tree of `old` entries is the beginning of that of `new`."""
    check(ctx, feed)
    await _reach(ctx, feed, new)
    if not 0 <= old <= new:
        raise _beyond(old)
    return (await proven(ctx, feed, [consistency_plan(old, new)]))[0]


async def proven(ctx: Context, feed: str, plans: Sequence[Plan]) -> list[tuple[str, ...]]:
    """The hashes of each plan, in hex."""
    places = {place for plan in plans for each in plan for place in each}
    found = await feeds.subtrees(await ctx.alone(), feed, places) if places else {}
    return [tuple(fold([found[place] for place in each]).hex() for each in plan) for plan in plans]


async def _reach(ctx: Context, feed: str, size: int) -> None:
    if size > (await feeds.head(await ctx.alone(), feed)).size:
        raise _beyond(size)


def _beyond(place: int) -> BeyondFeed:
    return BeyondFeed(f"The feed does not reach {place}.", f"日志未达到 {place}。")
