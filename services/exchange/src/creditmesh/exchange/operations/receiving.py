"""A verified page of a peer's feed: kept and told in one transaction with the copy's new head.

An entry that says what this version has no word for waits, and with it what comes after it of the same record, but for
an end; the feed goes on. Whoever knows the words tells such entries anew, in their order, when it begins to follow the
feed; it does so once.
"""

from collections.abc import Sequence
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.exchange.chunks import PageChunk, alone
from creditmesh.exchange.operations import answering
from creditmesh.exchange.store import catching_up, copies, pages, revisions, waiting
from creditmesh.exchange.store.catching_up import HeldEntry
from creditmesh.exchange.store.copies import FeedCopy
from creditmesh.exchange.store.pages import ReceivedPage
from creditmesh.exchange.store.waiting import WaitingEntry
from creditmesh.schemas.events import PageReceived
from creditmesh.schemas.exchange import ENDS, STATE_CHANGES, UP, FeedEntry
from creditmesh.schemas.pages import VerifiedPage
from creditmesh.schemas.received import BEHIND, ReceivedEntry, read_entries

_AT_ONCE = 100
"""Entries that are told again, or whose bodies go, at once, with the pages in which they are."""
_REPLACING = ENDS | {"withheld"}
"""The changes without content after which nothing that was said of the record before is to be shown."""


async def receive(
    ctx: Context, before: FeedCopy, chunks: Sequence[PageChunk], page: VerifiedPage, *, note: str
) -> bool:
    """Keep the chunks of a page that was verified, and tell them in their order; whether some of their entries wait.

    Of a copy that is behind the head that was announced nothing is told before it stands there. Uncertain if the copy
    is elsewhere.
    """
    session = await ctx.session()
    await copies.move(session, before, page.after, note=note)
    said = {each.record for chunk in chunks for each in chunk.page.received if each.record is not None}
    records = await waiting.waiting_records(session, before.peer, before.feed, said) if before.waiting else set()
    waits: list[WaitingEntry] = []
    kept = []
    for chunk in chunks:
        held = [each for each in chunk.page.received if _waits(each, records)]
        waits += [WaitingEntry(each.index, each.unknown or BEHIND, each.record) for each in held]
        unused = [each.index for each in held if not _ends(each)]
        kept.append(chunk.with_waiting(unused) if unused else chunk)
    await keep(ctx, kept, tell=not before.behind)
    await waiting.add(session, before.peer, before.feed, waits)
    if before.behind:
        await keep(ctx, _keys(kept), tell=True)
        await catching_up.hold_back(session, _held(kept))
        if page.after.size >= (before.announced or 0):
            await _let_go(ctx, before)
    return bool(waits)


async def tell_again(ctx: Context, peer: str, feed: str) -> None:
    """Tell the entries of this copy anew that waited for words which this version knows; not while it is behind."""
    session = await ctx.session()
    if (await copies.found(session, peer, feed)).behind or not await waiting.hold(session, peer, feed):
        return
    records: set[UUID | None] = set()
    first = 0
    while waits := await waiting.following(session, peer, feed, first=first, limit=_AT_ONCE):
        first = waits[-1].index + 1
        known = await _known(ctx, peer, feed, waits, records)
        await waiting.remove(session, peer, feed, [entry.index for entry in known])
        await keep(ctx, [alone(peer, feed, entry) for entry in known], tell=True)
    await waiting.count(session, peer, feed)


async def _known(
    ctx: Context, peer: str, feed: str, waits: Sequence[WaitingEntry], records: set[UUID | None]
) -> list[FeedEntry]:
    texts = await pages.covering(await ctx.session(), [(peer, feed, each.index) for each in waits])
    wanted = {each.index for each in waits}
    told = (PageReceived.model_validate_json(text.data) for text in texts)
    kept = {entry.index: entry for page in told for entry in page.entries if entry.index in wanted}
    read = read_entries(peer, feed, [kept[each.index] for each in waits])
    return [kept[entry.index] for entry in read if not _waits(entry, records)]


async def _let_go(ctx: Context, copy: FeedCopy) -> None:
    """Tell what was held back, in its order, without the content of what was replaced or ended meanwhile."""
    session = await ctx.session()
    gone = await catching_up.replaced(session, copy.peer, copy.feed)
    for first in range(0, len(gone), _AT_ONCE):
        await answering.forget(session, [(copy.peer, copy.feed, index) for index in gone[first : first + _AT_ONCE]])
    async for rows in catching_up.held_pages(session, copy.peer, copy.feed):
        for part, id_ in rows:
            ctx.emit_row(id_, part=part)
        await ctx.flush()
    await catching_up.done(session, copy.peer, copy.feed)
    await tell_again(ctx, copy.peer, copy.feed)


def replaces(entry: ReceivedEntry) -> bool:
    """Whether it is content of a record, or stands in the place of content: marks and discharges stand beside it."""
    line = entry.line
    if line is None or line.record is None:
        return False
    return line.change in _REPLACING or line.change not in STATE_CHANGES


def _held(chunks: Sequence[PageChunk]) -> list[HeldEntry]:
    return [
        HeldEntry(each.peer, each.feed, each.index, each.record, each.line.change not in STATE_CHANGES)
        for chunk in chunks
        for each in chunk.page.received
        if each.index not in chunk.page.waiting and replaces(each) and each.line is not None and each.record is not None
    ]


def _keys(chunks: Sequence[PageChunk]) -> list[PageChunk]:
    """The keys among these entries, each by itself: they show nothing, and one may open what came before it."""
    pages = [chunk.page for chunk in chunks]
    return [
        alone(page.peer, page.feed, entry)
        for page in pages
        for entry, read in zip(page.entries, page.received, strict=True)
        if read.type == "feed.key"
    ]


def _waits(entry: ReceivedEntry, records: set[UUID | None]) -> bool:
    """Whether it has to wait, itself or behind one of these records; its own is one of them then."""
    if entry.unknown is None and (entry.record is None or entry.record not in records):
        return False
    records.add(entry.record)
    return True


def _ends(entry: ReceivedEntry) -> bool:
    """Whether it ends its record: that holds at once, whatever came before it. It is told again in its order."""
    return entry.line is not None and entry.line.change in ENDS


async def keep(ctx: Context, chunks: Sequence[PageChunk], *, tell: bool) -> None:
    """Keep these chunks of what was verified, and tell them or not."""
    rows = [_row(ctx, chunk) for chunk in chunks]
    if tell:
        for row in rows:
            ctx.emit_row(row.id, part=row.part)
    session = await ctx.session()
    await pages.write(session, rows)
    peers = [chunk.page for chunk in chunks if chunk.page.feed == UP and chunk.page.peer != ctx.node.code]
    sent = [each for page in peers for each in page.received]
    lines = [(each, each.line) for each in sent if each.line is not None]
    await revisions.note_sent(
        session,
        [
            (line.record, line.rev, each.peer, each.index)
            for each, line in lines
            if line.type == "record" and line.record is not None and line.rev is not None
        ],
    )


def _row(ctx: Context, chunk: PageChunk) -> ReceivedPage:
    page, data = chunk
    return ReceivedPage(
        part=ctx.part(page.key),
        id=ctx.new_id(),
        key=page.key,
        at=ctx.instant,
        legal_date=ctx.legal_date,
        traceparent=ctx.traceparent,
        peer=page.peer,
        feed=page.feed,
        first=page.first,
        until=page.until,
        data=data,
    )
