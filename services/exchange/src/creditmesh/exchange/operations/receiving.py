"""A verified page of a peer's feed: kept and told in one transaction with the copy's new head.

An entry that says what this version has no word for waits, and with it what comes after it of the same record; the feed
goes on. Whoever knows the words tells such entries anew, in their order, when it begins to follow the feed.
"""

from collections.abc import Sequence
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.exchange.chunks import PageChunk, alone
from creditmesh.exchange.store import copies, revisions, waiting
from creditmesh.exchange.store.copies import FeedCopy, ReceivedPage
from creditmesh.exchange.store.waiting import WaitingEntry
from creditmesh.schemas.events import PageReceived
from creditmesh.schemas.exchange import UP
from creditmesh.schemas.pages import VerifiedPage
from creditmesh.schemas.received import BEHIND, ReceivedEntry, read_entries


async def receive(
    ctx: Context, before: FeedCopy, chunks: Sequence[PageChunk], page: VerifiedPage, *, note: str
) -> bool:
    """Keep the chunks of a page that was verified, and tell them in their order; whether some of their entries wait.

    Uncertain if the copy is elsewhere.
    """
    session = await ctx.session()
    await copies.move(session, before, page.after, note=note)
    parked = await waiting.of_copy(session, before.peer, before.feed) if before.waiting else ()
    records = {each.record for each in parked}
    waits: list[WaitingEntry] = []
    told = []
    for chunk in chunks:
        held = [each for each in chunk.page.received if _waits(each, records)]
        waits += [WaitingEntry(each.peer, each.feed, each.index, each.unknown or BEHIND, each.record) for each in held]
        told.append(chunk.with_waiting([each.index for each in held]) if held else chunk)
    await _tell(ctx, told)
    await waiting.add(session, waits)
    return bool(waits)


async def tell_again(ctx: Context, peer: str, feed: str) -> None:
    """Tell the entries of this copy anew that waited for words which this version knows."""
    session = await ctx.session()
    waits = await waiting.of_copy(session, peer, feed)
    texts = await copies.covering(session, [(peer, feed, each.index) for each in waits]) if waits else ()
    kept = {entry.index: entry for text in texts for entry in PageReceived.model_validate_json(text.data).entries}
    records: set[UUID | None] = set()
    known = []
    for each in waits:
        [entry] = read_entries(peer, feed, [kept[each.index]])
        if not _waits(entry, records):
            known.append(kept[each.index])
    await waiting.remove(session, peer, feed, [entry.index for entry in known])
    await _tell(ctx, [alone(peer, feed, entry) for entry in known])


def _waits(entry: ReceivedEntry, records: set[UUID | None]) -> bool:
    """Whether it has to wait, itself or behind one of these records; its own is one of them then."""
    if entry.unknown is None and (entry.record is None or entry.record not in records):
        return False
    records.add(entry.record)
    return True


async def _tell(ctx: Context, chunks: Sequence[PageChunk]) -> None:
    rows = [_row(ctx, chunk) for chunk in chunks]
    for row in rows:
        ctx.emit_row(row.id, part=row.part)
    session = await ctx.session()
    await copies.write(session, rows)
    sent = [each for chunk in chunks if chunk.page.feed == UP for each in chunk.page.received]
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
