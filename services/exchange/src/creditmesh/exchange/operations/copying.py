"""How feeds and copies stand, and letting a stopped copy go on."""

from collections.abc import Mapping

import orjson

from creditmesh.chassis.context import Context
from creditmesh.exchange.errors import NotStopped
from creditmesh.exchange.operations import serving
from creditmesh.exchange.operations.comparing import compared
from creditmesh.exchange.store import answers, copies, feeds, refusals
from creditmesh.exchange.store.answers import NodeAnswers
from creditmesh.exchange.store.copies import FeedCopy
from creditmesh.schemas.acknowledgements import EntryRange, EntryRefusal
from creditmesh.schemas.exchange import AnswerOut, FeedOut

_MOST = 100
"""Ranges, and refusals, that are shown of a node: the newest."""


async def standing(ctx: Context) -> list[FeedOut]:
    """The node's own feeds, then the copies."""
    session = await ctx.alone()
    names = {*await feeds.names(session), *(feed for feed, _ in compared(ctx.equipment).held)}
    own = [await _with_answers(ctx, feed) for feed in sorted(names)]
    refused = await refusals.counts(session)
    return own + [_out(copy, refused.get((copy.peer, copy.feed))) for copy in await copies.every(session)]


async def resume(ctx: Context, peer: str, feed: str) -> FeedOut:
    """Take a copy's alarm away; NotStopped if it has none."""
    session = await ctx.alone()
    if not await copies.resume(session, peer, feed):
        raise NotStopped("See GET /v1/admin/feeds for those that are.", "已停止的副本见 GET /v1/admin/feeds。")
    return _out(await copies.copy_of(session, peer, feed), (await refusals.counts(session)).get((peer, feed)))


async def _with_answers(ctx: Context, feed: str) -> FeedOut:
    found = await answers.of_feed(await ctx.alone(), feed, limit=_MOST)
    out = await serving.feed_out(ctx, feed)
    return out.model_copy(update={"answers": tuple(map(_answer, found))})


def _answer(given: NodeAnswers) -> AnswerOut:
    refused: dict[str, str] = orjson.loads(given.refused)
    return AnswerOut(
        node=given.node,
        applied=tuple(EntryRange(first=first, until=until) for first, until in given.applied[-_MOST:]),
        refused=tuple(EntryRefusal(index=int(index), code=code) for index, code in refused.items()),
    )


def _out(copy: FeedCopy, refused: Mapping[str, int] | None = None) -> FeedOut:
    return FeedOut(
        peer=copy.peer,
        feed=copy.feed,
        size=copy.range.size,
        root=copy.range.root().hex(),
        checkpoint=copy.note,
        announced=copy.announced,
        alarm=copy.alarm,
        waiting=copy.waiting,
        unknown=tuple(copy.unknown),
        refused=dict(refused or {}),
    )
