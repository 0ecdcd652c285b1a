"""A verified page of a peer's feed: kept and told in one transaction with the copy's new head.

An entry that says what this version has no word for waits, and with it what comes after it of the same record, but for
an end, which holds at once; the feed goes on. Whoever knows the words tells such entries anew, in their order, when it
begins to follow the feed; it does so once.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.exchange.chunks import PageChunk, alone, held_back
from creditmesh.exchange.operations import answering
from creditmesh.exchange.operations.telling import keep, note_sent, replaced, tell_anew
from creditmesh.exchange.store import copies, pages, waiting
from creditmesh.exchange.store.copies import FeedCopy
from creditmesh.exchange.store.waiting import UNJUDGED, WaitingEntry
from creditmesh.schemas.exchange import ENDS, NOT_JUDGED
from creditmesh.schemas.pages import VerifiedPage
from creditmesh.schemas.received import BEHIND, ReceivedEntry, read_body, read_entries

_AT_ONCE = 50
"""Entries that wait and are looked at at once, with the pages in which they are."""


async def receive(
    ctx: Context, before: FeedCopy, chunks: Sequence[PageChunk], page: VerifiedPage, *, note: str
) -> FeedCopy:
    """Keep the chunks of a page that was verified, and tell them in their order; how the copy stands then.

    Of a copy that is behind the head that was announced nothing is told. Uncertain if the copy is elsewhere.
    """
    session = await ctx.session()
    after = await copies.move(session, before, page.after, note=note)
    said = {each.record for chunk in chunks for each in chunk.page.received if each.record is not None}
    records = await waiting.waiting_records(session, before.peer, before.feed, said) if after.waiting else set()
    waits: list[WaitingEntry] = []
    kept = []
    for chunk in chunks:
        held = [each for each in chunk.page.received if _waits(each, records)]
        waits += [WaitingEntry(each.index, each.unknown or BEHIND, each.record) for each in held]
        kept.append(chunk.with_waiting([each.index for each in held]) if held else chunk)
    await note_sent(session, [each for chunk in chunks for each in chunk.page.received])
    if not after.behind:
        kept = await _without_replaced(session, before.peer, kept)
    await keep(ctx, kept, tell=not after.behind)
    await waiting.add(session, before.peer, before.feed, waits)
    if after.behind:
        await keep(ctx, [keys for chunk in kept if (keys := chunk.keys()) is not None], tell=True, keys=True)
    return replace(after, waiting=after.waiting + len(waits))


async def _without_replaced(session: Session, peer: str, chunks: Sequence[PageChunk]) -> list[PageChunk]:
    """The same, of which those say so whose content their sender has taken away for what stands behind it here."""
    gone = [each for chunk in chunks for each in chunk.page.received if each.type == "record" and each.body is None]
    places = await replaced(session, peer, gone) if gone else set()
    return [
        held_back(chunk.page, replaced=places, waiting=())
        if any(each.index in places for each in chunk.page.entries)
        else chunk
        for chunk in chunks
    ]


async def tell_again(ctx: Context, peer: str, feed: str) -> None:
    """Tell the entries of this copy anew that waited for words which this version knows; not while it is behind.

    Those of a record of which one has to wait longer wait with it.
    """
    session = await ctx.session()
    if not await waiting.hold(session, peer, feed) or (await copies.found(session, peer, feed)).behind:
        return
    longer: set[UUID | None] = set()
    async for waits, read in _waiting(ctx, peer, feed):
        await note_sent(session, read)
        longer |= {each.record for each in read if not _is_known(each, waits[each.index])}
    async for waits, read in _waiting(ctx, peer, feed):
        places = [each.index for each in read if _ends(each) or _is_told(each, waits[each.index], longer)]
        await waiting.remove(session, peer, feed, places)
        await _say_once(ctx, [each for each in read if each.index not in places and waits[each.index].unsaid], waits)
        # A body stands once, however often it is told that nobody can judge it.
        unjudged = [index for index in places if waits[index].unknown == UNJUDGED]
        given = await pages.at(session, peer, feed, unjudged)
        await answering.forget(session, [(peer, feed, index) for index in unjudged])
        await tell_anew(ctx, peer, feed, places, given=given)
    await waiting.count(session, peer, feed)


async def _waiting(
    ctx: Context, peer: str, feed: str
) -> AsyncIterator[tuple[dict[int, WaitingEntry], tuple[ReceivedEntry, ...]]]:
    """What waits of a copy, some at a time in the order of the feed, and as this version can read it."""
    session, first = await ctx.session(), 0
    while waits := await waiting.following(session, peer, feed, first=first, limit=_AT_ONCE):
        first = waits[-1].index + 1
        kept = await pages.at(session, peer, feed, [each.index for each in waits])
        yield (
            {each.index: each for each in waits},
            read_entries(peer, feed, [kept[each.index] for each in waits]),
        )


async def _say_once(ctx: Context, entries: Sequence[ReceivedEntry], waits: Mapping[int, WaitingEntry]) -> None:
    """Tell of these that they wait: a version before this one did not say so of the record."""
    if not entries:
        return
    session, peer, feed = await ctx.session(), entries[0].peer, entries[0].feed
    places = [each.index for each in entries]
    kept = await pages.at(session, peer, feed, places)
    await keep(ctx, [alone(peer, feed, kept[index]).with_waiting([index]) for index in places], tell=True)
    await waiting.remove(session, peer, feed, places)
    said = [WaitingEntry(each.index, waits[each.index].unknown, each.record) for each in entries]
    await waiting.add(session, peer, feed, said)
    await ctx.flush()


def _is_told(entry: ReceivedEntry, waits: WaitingEntry, longer: Collection[UUID | None]) -> bool:
    return _is_known(entry, waits) and (entry.record is None or entry.record not in longer)


def _is_known(entry: ReceivedEntry, waits: WaitingEntry) -> bool:
    """Whether this version has a word for all that is said, also in the body if it lacked one there."""
    return entry.unknown is None and (waits.unknown != UNJUDGED or read_body(entry.body) != NOT_JUDGED)


def _waits(entry: ReceivedEntry, records: set[UUID | None]) -> bool:
    """Whether it has to wait, itself or behind one of these records; its own is one of them then."""
    if entry.unknown is None and (entry.record is None or entry.record not in records or _ends(entry)):
        return False
    records.add(entry.record)
    return True


def _ends(entry: ReceivedEntry) -> bool:
    """Whether it ends its record: that holds at once, whatever came before it."""
    return entry.line is not None and entry.line.change in ENDS
