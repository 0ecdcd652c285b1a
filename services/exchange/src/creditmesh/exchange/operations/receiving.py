"""A verified page of a peer's feed: kept and told in one transaction with the copy's new head.

An entry that says what this version has no word for waits, and with it what comes after it of the same record, but for
an end, which holds at once; the feed goes on. Whoever knows the words tells such entries anew, in their order, when it
begins to follow the feed; it does so once.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.exchange.chunks import PageChunk, alone, held_back
from creditmesh.exchange.operations import answering
from creditmesh.exchange.operations.telling import keep, mark_ended, note_keys, note_sent, replaced, tell_anew
from creditmesh.exchange.store import copies, origins, pages, waiting
from creditmesh.exchange.store.copies import FeedCopy
from creditmesh.exchange.store.waiting import UNJUDGED, WaitingEntry
from creditmesh.schemas.exchange import NOT_JUDGED
from creditmesh.schemas.pages import VerifiedPage
from creditmesh.schemas.received import BEHIND, ReceivedEntry, read_body, read_entries

_AT_ONCE = 50
"""Entries that wait and are looked at at once, with the pages in which they are."""
_MOST_AHEAD = 500
"""Of those that can be used now so many are looked at in one turn, beside those that are told in it."""


class _LookedAt(NamedTuple):
    """What waits, as this version reads it: what it waited for, and what it lacks still."""

    entry: ReceivedEntry
    waited: str
    lacks: str

    @property
    def is_known(self) -> bool:
        """Whether this version can use it."""
        return self.lacks == BEHIND


async def receive(
    ctx: Context,
    before: FeedCopy,
    chunks: Sequence[PageChunk],
    page: VerifiedPage,
    *,
    note: str,
    unproven: Collection[int] = (),
) -> FeedCopy:
    """Keep the chunks of a page that was verified, and tell them in their order; how the copy stands then.

    What is `unproven` is told as such, and says nothing of which revisions there are. Of a copy that is behind the head
    that was announced nothing is told but what holds at once. Uncertain if the copy is elsewhere.
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
    await origins.add_unproven(session, before.peer, before.feed, unproven)
    said_so = [each for chunk in chunks for each in chunk.page.received if each.index not in unproven]
    await note_sent(session, said_so, fresh=True)
    await note_keys(session, said_so)
    if not after.behind:
        kept = await _without_replaced(session, before.peer, kept)
    await keep(ctx, kept, tell=not after.behind)
    added = await waiting.add(session, before.peer, before.feed, waits, already=after.waiting)
    if after.behind:
        await keep(ctx, [some for chunk in kept if (some := chunk.ahead()) is not None], tell=True, ahead=True)
    else:
        await mark_ended(session, before.peer, said_so)
    return replace(after, waiting=after.waiting + len(added))


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


async def tell_again(ctx: Context, peer: str, feed: str, *, first: int = 0) -> int | None:
    """Tell some entries of this copy anew that waited for words which this version knows; not while it is behind.

    Those of a record of which one has to wait longer wait with it. From where on there may be more; None: nowhere.
    """
    session = await ctx.session()
    if first == 0 and not await _has_known(session, peer, feed):
        return None
    if not await waiting.hold(session, peer, feed) or (await copies.found(session, peer, feed)).behind:
        return None
    if unsaid := await waiting.unsaid(session, peer, feed, limit=_AT_ONCE):
        await _say_once(ctx, peer, feed, unsaid)
        return 0
    found = await waiting.following(session, peer, feed, first=first, limit=_AT_ONCE)
    if not found:
        return None
    looked = await _look(session, peer, feed, found)
    ahead, all_known = await _look_ahead(session, peer, feed, _records(looked) - _records(looked, lacking=True))
    longer = _records([*looked, *ahead], lacking=True)
    told = [each for each in looked if each.is_known and each.entry.record not in longer] if all_known else []
    told += [each for each in [*looked, *ahead] if each.entry.ends]
    places = sorted({each.entry.index for each in told})
    await waiting.remove(session, peer, feed, places)
    # A body stands once, however often it is told that nobody can judge it.
    unjudged = sorted({each.entry.index for each in told if each.waited == UNJUDGED})
    given = await pages.at(session, peer, feed, unjudged)
    await answering.forget(session, [(peer, feed, index) for index in unjudged])
    await tell_anew(ctx, peer, feed, places, given=given)
    await waiting.name(session, peer, feed)
    return found[-1].index + 1 if all_known else first


async def _has_known(session: Session, peer: str, feed: str) -> bool:
    """Whether this version knows one of the words that are waited for: of each an entry is looked at, no more."""
    words = await waiting.words(session, peer, feed)
    unjudged = await waiting.not_judged(session, peer, feed) if UNJUDGED in words else []
    examples = [WaitingEntry(index, word) for word, index in words.items() if word not in {BEHIND, UNJUDGED}]
    for some in _some_of([*examples, *unjudged]):
        waits = {each.index: each for each in some}
        for each in await _read(session, peer, feed, some):
            if waits[each.index].unknown != _lacks(each, waits[each.index]):
                return True
    return await waiting.left(session, peer, feed)


async def _look(session: Session, peer: str, feed: str, waits: Sequence[WaitingEntry]) -> list[_LookedAt]:
    """What waits as this version can read it; from now on it waits for what it lacks still.

    Of all that can be read now it is known what it does to its record.
    """
    words, read = {each.index: each for each in waits}, await _read(session, peer, feed, waits)
    await note_sent(session, read)
    looked = [_LookedAt(each, words[each.index].unknown, _lacks(each, words[each.index])) for each in read]
    renamed = {each.entry.index: each.lacks for each in looked if UNJUDGED not in {each.waited, each.lacks}}
    await waiting.rename(session, peer, feed, renamed)
    return looked


async def _look_ahead(session: Session, peer: str, feed: str, records: set[UUID]) -> tuple[list[_LookedAt], bool]:
    """What else of these records waits for a word, up to the first for which its record waits longer.

    And whether that is all: what can be used is noted in turns, of which no other reads it again.
    """
    looked, left, beyond = list[_LookedAt](), set(records), -1
    while found := await waiting.lacking(session, peer, feed, left, beyond=beyond, limit=_AT_ONCE):
        if sum(each.is_known and each.waited != UNJUDGED for each in looked) >= _MOST_AHEAD:
            return looked, False
        beyond, some = found[-1].index, await _look(session, peer, feed, found)
        looked += some
        left -= _records(some, lacking=True)
    return looked, True


def _records(looked: Iterable[_LookedAt], *, lacking: bool = False) -> set[UUID]:
    """The records of these, or of those among them that wait for a word still."""
    return {each.entry.record for each in looked if each.entry.record and not (lacking and each.is_known)}


def _some_of(entries: Sequence[WaitingEntry]) -> list[Sequence[WaitingEntry]]:
    return [entries[first : first + _AT_ONCE] for first in range(0, len(entries), _AT_ONCE)]


async def _read(session: Session, peer: str, feed: str, waits: Sequence[WaitingEntry]) -> tuple[ReceivedEntry, ...]:
    """What waits as this version can read it."""
    kept = await pages.at(session, peer, feed, [each.index for each in waits])
    return read_entries(peer, feed, [kept[each.index] for each in waits])


async def _say_once(ctx: Context, peer: str, feed: str, waits: Sequence[WaitingEntry]) -> None:
    """Tell of these that they wait: a version before this one did not say so of the record. Ends do not wait."""
    session = await ctx.session()
    words, read = {each.index: each.unknown for each in waits}, await _read(session, peer, feed, waits)
    await note_sent(session, read)
    places = [each.index for each in read if not each.ends]
    kept = await pages.at(session, peer, feed, places)
    await keep(ctx, [alone(peer, feed, kept[index]).with_waiting([index]) for index in places], tell=True)
    await waiting.remove(session, peer, feed, list(words))
    said = [WaitingEntry(each.index, words[each.index], each.record) for each in read if not each.ends]
    await waiting.add(session, peer, feed, said)
    await ctx.flush()
    await tell_anew(ctx, peer, feed, [each.index for each in read if each.ends])
    await waiting.name(session, peer, feed)


def _lacks(entry: ReceivedEntry, waits: WaitingEntry) -> str:
    """What this version has no word for, in the body too if it lacked one there; it is behind another if nothing."""
    if entry.unknown is None and waits.unknown == UNJUDGED and read_body(entry.body) == NOT_JUDGED:
        return UNJUDGED
    return entry.unknown or BEHIND


def _waits(entry: ReceivedEntry, records: set[UUID | None]) -> bool:
    """Whether it has to wait, itself or behind one of these records; its own is one of them then."""
    if entry.unknown is None and (entry.record is None or entry.record not in records or entry.ends):
        return False
    records.add(entry.record)
    return True
