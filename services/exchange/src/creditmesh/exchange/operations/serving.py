"""Giving feeds to who may read them: pages, signed heads, proofs. Nothing here is personal: what is, is sealed."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence

import orjson

from creditmesh.chassis.context import Context
from creditmesh.exchange.errors import BeyondFeed, NoSuchFeed
from creditmesh.exchange.operations.comparing import assert_compared, compared, feeds_of
from creditmesh.exchange.operations.feeds import word
from creditmesh.exchange.operations.sealing import assert_open
from creditmesh.exchange.store import answers, feeds, tiles
from creditmesh.exchange.store.feeds import PagePart, StoredCheckpoint
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import UP, FeedOut
from creditmesh.schemas.signed import SignedText
from creditmesh.schemas.tlog import consistency_plan, fold, inclusion_plan

PAGE_BYTES = 1024 * 1024
"""Of lines and bodies in a page, and of those that are read at once."""
Plan = tuple[tuple[tuple[int, int], ...], ...]


def feeds_for(ctx: Context) -> list[str]:
    """The feeds that the calling node may read."""
    code = ctx.known_caller.party
    party = None if code is None else ctx.followed(Directory).party(code)
    if party is None or not party.active:
        return []
    return list(feeds_of(party))


def check(ctx: Context, feed: str) -> None:
    """NoSuchFeed unless the caller may read it: whose feed it is, is nobody else's business.

    NotCompared and FeedBehind where it may not be served.
    """
    if feed not in feeds_for(ctx):
        raise NoSuchFeed
    assert_compared(ctx, feed)


async def standing(ctx: Context) -> list[FeedOut]:
    """The caller's feeds as they stand: how far it has to come before what it copied may be shown.

    NotWrapped while it could not open all of that.
    """
    by = ctx.known_caller.party or ""
    await assert_open(ctx, UP, by)
    return [await _for(ctx, feed, by) for feed in feeds_for(ctx)]


async def _for(ctx: Context, feed: str, by: str) -> FeedOut:
    """One feed, and how far the node that reads it has answered."""
    session = await ctx.alone()
    signed = await answers.furthest(session, feed, by)
    answered = None if signed is None else SignedText.model_validate_json(signed)
    reach = await answers.reach(session, feed, by)
    return (await feed_out(ctx, feed)).model_copy(update={"acknowledged": reach, "answered": answered})


async def feed_out(ctx: Context, feed: str) -> FeedOut:
    """One feed of this node as it stands."""
    session = await ctx.alone()
    head, newest = await feeds.head(session, feed), await feeds.checkpoint(session, feed)
    behind = compared(ctx.equipment).behind(feed)
    return FeedOut(
        feed=feed,
        size=head.size,
        root=head.root().hex(),
        checkpoint=None if newest is None else newest.note,
        proves=feed == UP,
        alarm=f"behind {', '.join(f'{peer} ({size})' for peer, size in sorted(behind.items()))}" if behind else None,
    )


async def page(ctx: Context, feed: str, *, after: int, limit: int, wait: float) -> AsyncIterator[bytes]:
    """The entries after so many as NDJSON, its last line the signed head; nothing if there are none within the wait.

    BeyondFeed if the feed is shorter than what the caller says to have: one of the two has lost its past.
    """
    check(ctx, feed)
    return _sent(ctx, feed, await _first(ctx, feed, after=after, limit=limit, wait=wait))


async def _sent(ctx: Context, feed: str, part: PagePart | None) -> AsyncIterator[bytes]:
    """The page that begins with this part; what follows is read as the reader takes it."""
    if part is None:
        return
    size, note = part.size, part.note
    yield b"".join(map(_line, part.entries))
    while part is not None and part.until < size:
        async with ctx.afterwards() as later:
            after = part.until
            part = await feeds.page(await later.alone(), feed, after=after, limit=size - after, most=PAGE_BYTES)
        if part is None:
            return  # the feed was closed or cut meanwhile: a page without its head is one that was cut off
        yield b"".join(map(_line, part.entries))
    yield orjson.dumps({"checkpoint": note}, option=orjson.OPT_APPEND_NEWLINE)


async def _first(ctx: Context, feed: str, *, after: int, limit: int, wait: float) -> PagePart | None:
    """The beginning of the page. No session is held while it waits."""
    notifications = ctx.equipment.notifications
    woken = notifications.wake([word(feed)])
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    try:
        while True:
            session = await ctx.alone()
            part = await feeds.page(session, feed, after=after, limit=limit, most=PAGE_BYTES)
            left = until - loop.time()
            if part is None and (await feeds.head(session, feed)).size < after:
                raise _beyond(after)
            if part is not None or left <= 0 or notifications.closed:
                return part
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
    found = await tiles.subtrees(await ctx.alone(), feed, places) if places else {}
    return [tuple(fold([found[place] for place in each]).hex() for each in plan) for plan in plans]


async def _reach(ctx: Context, feed: str, size: int) -> None:
    if size > (await feeds.head(await ctx.alone(), feed)).size:
        raise _beyond(size)


def _beyond(place: int) -> BeyondFeed:
    return BeyondFeed(f"The feed does not reach {place}.", f"日志未达到 {place}。")
