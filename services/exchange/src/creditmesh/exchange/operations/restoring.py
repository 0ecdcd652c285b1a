"""A feed that is behind: its entries fetched back from who has most of it, under the heads that this node signed.

What comes back is the same lines under the same heads, so that nobody sees a second history. The revisions of this
node's own records in them are told to the node itself, which makes them again as they were numbered: a record keeps its
id, and no number is used twice. What cannot be made again, and what was published, is listed until it is there again.
"""

from collections.abc import AsyncIterator

import httpx
import orjson
import structlog
from pydantic import ValidationError

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Conflict, Unavailable
from creditmesh.chassis.vault.feeds import SEALING
from creditmesh.exchange.chunks import alone
from creditmesh.exchange.entries import Draft, end_draft, key_draft
from creditmesh.exchange.errors import NoSuchFeed, NothingLost, NotKept, NotRestored, StandsHere
from creditmesh.exchange.operations import sealing, telling
from creditmesh.exchange.operations.comparing import assert_compared, compared, copied_from, judge, own_head
from creditmesh.exchange.operations.feeds import append, word
from creditmesh.exchange.peer import MOST_BYTES, MOST_LINES, NotNow, Peer, PulledPage
from creditmesh.exchange.store import answers, catching_up, copies, feeds, lost, pages, sealing_keys, set_aside
from creditmesh.exchange.store.feeds import SignedHead
from creditmesh.exchange.store.lost import COPY, PUBLISH, LostEntry
from creditmesh.exchange.store.pages import KeptStretch
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import (
    DOWN,
    UP,
    CatalogueBody,
    EntryLine,
    FeedEntry,
    FeedOut,
    LostOut,
    RecordBody,
    RestoredOut,
    effect,
)
from creditmesh.schemas.pages import BadPage, extended
from creditmesh.schemas.tlog import full_tiles

_log = structlog.get_logger(__name__)
_TIMEOUT = 30.0
_AT_ONCE = 100
"""Entries of a copy that are read at once."""
_COPIES_AT_ONCE = 1000


async def held_for(ctx: Context, feed: str) -> FeedOut:
    """How far this node's copy of the caller's feed goes, and the newest head of it as the caller signed it."""
    peer = _caller(ctx, feed)
    copy = await copies.found(await ctx.alone(), peer, feed)
    return FeedOut(
        peer=peer, feed=feed, size=copy.range.size, root=copy.range.root().hex(), checkpoint=copy.note, alarm=copy.alarm
    )


async def kept_for(ctx: Context, feed: str, *, after: int) -> AsyncIterator[bytes]:
    """The caller's own entries after so many, as they came, up to the next head it signed; nothing if there are none.

    NotKept if they are not all kept, or are more than the caller takes in a page. They are read as they are sent.
    """
    session, peer = await ctx.alone(), _caller(ctx, feed)
    stretch = await pages.kept_until(session, peer, feed, after=after, limit=MOST_LINES - 1)
    if stretch is None and after >= (await copies.found(session, peer, feed)).range.size:
        return _sent(ctx, peer, feed, None, after=after)
    if stretch is None or not stretch.whole or stretch.weight > MOST_BYTES:
        raise NotKept(f"Not all after {after} is kept.", f"{after} 之后的条目未完整保留。")
    return _sent(ctx, peer, feed, stretch, after=after)


async def _sent(ctx: Context, peer: str, feed: str, stretch: KeptStretch | None, *, after: int) -> AsyncIterator[bytes]:
    if stretch is None:
        return
    for first in range(after, stretch.size, _AT_ONCE):
        until = min(first + _AT_ONCE, stretch.size)
        async with ctx.afterwards() as later:
            entries = await pages.kept(await later.alone(), peer, feed, after=first, until=until)
        yield b"".join(map(_line_of, entries))
    yield orjson.dumps({"checkpoint": stretch.note}, option=orjson.OPT_APPEND_NEWLINE)


def _line_of(entry: FeedEntry) -> bytes:
    said = entry if entry.salt else entry.model_copy(update={"body": None})  # older versions kept no salt
    return said.model_dump_json().encode() + b"\n"


async def restore_page(ctx: Context, feed: str) -> RestoredOut:
    """Fetch back the next page of a feed that is behind, from who has most of it, and append it.

    What was cut is moved first, a turn at a time.

    NotCompared if nobody was heard yet; NotRestored if what stands here is no beginning of what the peer holds, or if
    it does not give it whole.
    """
    session, known = await ctx.alone(), compared(ctx.equipment)
    await judge(ctx.equipment, session, known.unfit(feed))
    before, behind = await feeds.head(session, feed), known.behind(feed)
    if not behind:
        assert_compared(ctx, feed)
        return RestoredOut(feed=feed, size=before.size)
    code = max(behind, key=lambda peer: (behind[peer], peer))
    if before.size >= behind[code]:
        raise _another_history(code, feed, behind[code])
    moved = await set_aside.move(await ctx.session(), feed)
    if moved:
        return RestoredOut(feed=feed, peer=code, size=before.size, holds=behind[code])
    await ctx.rollback()  # no session is held while a peer is asked
    pulled = await fetched(ctx, code, feed, after=before.size)
    try:
        after, completed = extended(before, pulled.entries)
        head = own_head(ctx.keys, ctx.node.code, feed, pulled.note)
    except BadPage as bad:
        raise refused(code, str(bad)) from bad
    if (head.size, head.root) != (after.size, after.root()):
        raise _another_history(code, feed, after.size)
    session = await ctx.session()
    if await feeds.hold(session, feed) != before:
        raise Conflict("The feed has moved meanwhile; ask again.", "日志已变动，请重试。")
    drafts = [_draft(entry) for entry in pulled.entries]
    weight = sum(draft.weight for draft in drafts)
    await feeds.append(
        session,
        feed,
        first=before.size,
        drafts=drafts,
        heads=[SignedHead(after, pulled.note, weight)],
        tiles=full_tiles(completed),
        waking=word(feed),
    )
    await set_aside.fetched(session, feed, code, until=after.size)
    if feed == UP:
        await catching_up.hear_own(session, ctx.node.code, had=behind[code], holder=code)
    await lost.add(session, [gone for entry in pulled.entries if (gone := _lost(ctx, feed, entry)) is not None])
    if feed == UP:
        await _tell(ctx, pulled)
        await sealing.keep_fetched(ctx, feed, pulled.entries)
    return RestoredOut(feed=feed, peer=code, size=after.size, holds=behind[code])


async def missing(ctx: Context, *, cursor: str | None, limit: int) -> Page[LostOut]:
    """What came back as entries of feeds and is not here again: of records, and of the catalogue."""
    feed, _, index = (cursor or "").rpartition("/")
    rows = await lost.listed(await ctx.alone(), after=(feed, int(index or -1)), limit=limit + 1)
    items = tuple(LostOut(**row._asdict()) for row in rows[:limit])
    return Page(items=items, next=f"{items[-1].feed}/{items[-1].index}" if len(rows) > limit else None)


async def dismiss(ctx: Context, feed: str, index: int) -> None:
    """An operator has seen to what came back at this place; NothingLost if it is not listed."""
    if not await lost.dismiss(await ctx.session(), feed, index):
        raise NothingLost


async def end_lost(ctx: Context, index: int) -> None:
    """End the record above of which the entry of `up` at this place is listed, and nothing is here.

    NothingLost if none is listed there; StandsHere while a revision of it is here or is being made again.
    """
    session = await ctx.session()
    gone = await lost.at(session, UP, index)
    if gone is None or gone.record is None or gone.why == COPY:
        raise NothingLost
    known = await lost.of_records(session, UP, [gone.record])
    range_ = await feeds.hold(session, UP)
    newest, here = await feeds.standing(session, UP, gone.record)
    if here or any(each.why is None for each in known):
        raise StandsHere(
            "Leave it to the body that made it, which withdraws it, or wait until it is made again.",
            "请由报送单位撤销该记录，或待其恢复后办理。",
        )
    await lost.settle(session, UP, gone.record)
    draft = end_draft(gone.record, newest + 1, origin=ctx.node.code, at=ctx.instant)
    await append(ctx, UP, [draft], held=range_)
    _log.warning("a record was ended of which nothing is here", record=str(gone.record), item=gone.item, of=gone.party)


async def settle_copies(ctx: Context, first: int) -> int:
    """Look, from this place of `up` on, which copies were lost and have come past again; from where on to look next.

    Whatever was made of them here. Who had answered for them is asked again: it is known now who is to be told.
    """
    session, below = await ctx.session(), ctx.followed(Directory).enrolled("below")
    senders = [(origin, child.code) for child in below for origin in child.sends_for]
    until, settled = await lost.settle_copies(session, UP, senders, first=first, limit=_COPIES_AT_ONCE)
    await answers.reopen(session, UP, settled)
    return until


async def _tell(ctx: Context, pulled: PulledPage) -> None:
    """Tell this node itself of its own revisions, behind the key that seals those in front of which none came back."""
    chunks = [chunk.of(ctx.node.code) for chunk in pulled.chunks]
    key = await sealing_keys.newest(await ctx.session(), UP)
    if key is not None:
        draft = key_draft(key=key.key, alg=SEALING, wrapped=key.wrapped, at=ctx.instant)
        entry = FeedEntry(index=0, line=draft.line, salt=draft.salt, body=draft.body)
        chunks.insert(0, alone(ctx.node.code, UP, entry))
    await telling.keep(ctx, chunks, tell=True)


def _lost(ctx: Context, feed: str, entry: FeedEntry) -> LostEntry | None:
    line = _line(entry)
    if line is not None and line.record is not None:
        said = _draft(entry)
        why = None if line.origin == ctx.node.code else COPY
        return LostEntry(feed, entry.index, line.record, line.rev, line.change, said.item, said.party, why=why)
    if feed != DOWN or line is None or line.type != "catalogue" or entry.body is None:
        return None
    try:
        object_ = CatalogueBody.model_validate_json(entry.body)
    except ValidationError:
        return None  # what a node says of itself, which is said again by itself
    return LostEntry(feed, entry.index, change=object_.state, kind=object_.kind, code=object_.code, why=PUBLISH)


async def fetched(ctx: Context, code: str, feed: str, *, after: int) -> PulledPage:
    """The next page of this node's own feed as a peer has it; NotRestored or Unavailable where it gives none."""
    party = ctx.followed(Directory).party(code)
    if party is None or party.url is None:
        raise refused(code, "it is enrolled no more")
    async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
        equipment = ctx.equipment
        peer = Peer(party=party, node=ctx.node.code, keys=ctx.keys, clock=equipment.clock, client=client)
        try:
            pulled = await peer.own_page(feed, after=after)
        except NotNow as error:
            raise Unavailable(str(error), f"节点 {code} 暂无法提供。") from error
        except BadPage as bad:
            raise refused(code, str(bad)) from bad
    if pulled is None:
        raise refused(code, "it gives nothing")
    return pulled


def _draft(entry: FeedEntry) -> Draft:
    """The entry as it stood; it points back to its record and to no subject of this node's."""
    line = _line(entry)
    if line is None or line.record is None:
        return Draft(line=entry.line, salt=entry.salt, body=entry.body)
    body = _body(entry)
    return Draft(
        line=entry.line,
        salt=entry.salt,
        body=entry.body,
        record=line.record,
        rev=line.rev,
        change=line.change and effect(line.change, None if body is None else body.reason),
        item=None if body is None else body.item,
        party=None if body is None else body.party,
    )


def _line(entry: FeedEntry) -> EntryLine | None:
    try:
        return EntryLine.model_validate_json(entry.line)
    except ValidationError:
        return None  # of a newer version, which signed it: it points to nothing that this one knows


def _body(entry: FeedEntry) -> RecordBody | None:
    try:
        return None if entry.body is None else RecordBody.model_validate_json(entry.body)
    except ValidationError:
        return None


def _caller(ctx: Context, feed: str) -> str:
    """The calling node; NoSuchFeed for a feed of it that this node never read, and for who is no node."""
    code = ctx.known_caller.party or ""
    if feed not in copied_from(ctx.followed(Directory), code, node=ctx.node.code):
        raise NoSuchFeed
    return code


def _another_history(peer: str, feed: str, size: int) -> NotRestored:
    """The node has appended since it was restored, before it knew what the peer holds: nothing can join the two."""
    return NotRestored(
        f"{peer} holds another history before {size}: this node has shared since it was restored. See what of that "
        f"nobody holds: `creditmesh-node restore --set-aside {feed}`. Or put the backup back once more and, before "
        f"anything is sent to it, enrol {peer} and run this.",
        f"{peer} 持有 {size} 之前的另一份日志历史：本节点恢复后又追加过内容。请用 `creditmesh-node restore --set-aside "
        f"{feed}` 查看其中无人持有的部分；或再次恢复备份，在接收任何报送之前登记 {peer} 并运行本命令。",
    )


def refused(peer: str, why: str) -> NotRestored:
    """What a peer gives of the feed is none of it, for this reason."""
    return NotRestored(f"{peer}: {why}.", f"{peer}：{why}。")
