"""Telling this node of a peer's entries: as they come, when a copy has caught up, or anew; of a record in its order.

Content that a later entry of its record has replaced or ended is told without, whoever tells it and why: it never comes
to be shown. Whoever tells what came before holds the copy's head, so that nothing of the feed comes in between.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from uuid import UUID

from pydantic import ValidationError

from creditmesh.chassis.bus.event import recall, remember
from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.packing import pack
from creditmesh.exchange.chunks import PageChunk, held_back, told_anew
from creditmesh.exchange.store import catching_up, copies, origins, pages, refusals, revisions, waiting
from creditmesh.exchange.store.origins import KeyPlace
from creditmesh.exchange.store.pages import ReceivedPage
from creditmesh.exchange.store.refusals import WITH_CONTENT, Revision
from creditmesh.exchange.store.revisions import ContentPlace, SentRevision
from creditmesh.exchange.store.waiting import WaitingEntry
from creditmesh.schemas.events import PageReceived
from creditmesh.schemas.exchange import HIDING, KEY, STATE_CHANGES, UP, FeedEntry, FeedKeyBody
from creditmesh.schemas.received import BEHIND, ReceivedEntry, read_entries

_AT_ONCE = 50
"""Entries that are told anew at once, with the pages in which they are."""
_MOST_OF_RECORDS = 5000
"""Entries of the records of what is told anew at once, unless one record has more."""
_LOOKED_AT = 5000
"""Places of which it is known at once what came of them: a record is read once for so many."""
_NOTHING: Mapping[int, FeedEntry] = MappingProxyType({})


async def tell_anew(
    ctx: Context,
    peer: str,
    feed: str,
    places: Collection[int],
    *,
    given: Mapping[int, FeedEntry] = _NOTHING,
    anew: bool = False,
) -> None:
    """Tell these entries of a copy anew, and all that came of their records behind them, but for what waits still.

    `given` are those whose bodies are not kept here; `anew`: whatever is held of their records. The head is held.
    """
    session, beyond = await ctx.session(), -1
    read = await _read(session, peer, feed, places)
    records: dict[UUID, int] = {}
    for entry in reversed(read):
        if feed == UP and entry.record is not None:
            records[entry.record] = entry.index
    await learn(session, peer, records)
    emptied = await replaced(session, peer, read)
    while behind := await revisions.following(session, peer, feed, places, records, beyond=beyond, limit=_LOOKED_AT):
        indices = list(behind)
        beyond = indices[-1]
        gone = emptied | {index for index in indices if behind[index]}
        for first in range(0, len(indices), _AT_ONCE):
            kept = await pages.at(session, peer, feed, indices[first : first + _AT_ONCE])
            kept |= {index: given[index] for index in kept if index in given}
            entries = read_entries(peer, feed, _in_order(kept))
            told = [each.index for each in entries if each.index in places or each.index in gone or _says(each)]
            await keep(ctx, _chunks(peer, feed, [kept[index] for index in told], gone, anew=anew), tell=True)
            await ctx.flush()


def _chunks(
    peer: str, feed: str, entries: Sequence[FeedEntry], gone: AbstractSet[int], *, anew: bool
) -> list[PageChunk]:
    """Each alone; of those that have no content any more, all that stand one after another together."""
    runs: list[list[FeedEntry]] = []
    for entry in entries:
        if runs and runs[-1][-1].index == entry.index - 1 and {entry.index - 1, entry.index} <= gone:
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return [told_anew(peer, feed, run, replaced=run[0].index in gone, anew=anew) for run in runs]


async def fitting(session: Session, peer: str, feed: str, places: Collection[int]) -> list[int]:
    """The first of these places that are told anew at once: one at least; few, with all that came of their records."""
    read = await _read(session, peer, feed, places)
    return await fitting_of(session, peer, {each.index: each.record for each in read})


async def fitting_of(session: Session, peer: str, records: Mapping[int, UUID | None]) -> list[int]:
    """The same of places of which it is known what record each is about."""
    sizes = await revisions.sizes(session, peer, {each for each in records.values() if each}, most=_MOST_OF_RECORDS)
    found, told = list[int](), 0
    for index, record in sorted(records.items()):
        told += sizes.pop(record, 0) if record else 1
        if found and told > _MOST_OF_RECORDS:
            break
        found.append(index)
    return found


async def lacking(session: Session, peer: str, feed: str, places: Collection[int]) -> list[FeedEntry]:
    """Those of these entries that would be told with what they say, of which it is not kept here."""
    kept = await pages.at(session, peer, feed, places)
    gone = await replaced(session, peer, read_entries(peer, feed, _in_order(kept)))
    return [each for each in _in_order(kept) if each.body is None and each.index not in gone]


async def replaced(session: Session, peer: str, entries: Iterable[ReceivedEntry]) -> set[int]:
    """The places of those whose content a later entry of their record has replaced or ended.

    A discharge without a body is one of them: its sender keeps it until the record ends.
    """
    content = [
        ContentPlace(line.record, line.rev, each.index)
        for each in entries
        if (line := each.line) is not None and line.record is not None and line.rev is not None
        if each.feed == UP and (line.change not in STATE_CHANGES or (line.change == "discharged" and each.body is None))
    ]
    await learn(session, peer, {each.record for each in content})
    return await revisions.replaced(session, peer, content)


async def mark_ended(session: Session, peer: str, entries: Iterable[ReceivedEntry]) -> None:
    """Have it seen to that of the records which these entries end, or withhold, nothing is refused that came before."""
    ends = dict[UUID, int]()
    for each in entries:
        if each.feed == UP and each.record and each.effect in HIDING and each.line is not None:
            ends[each.record] = max(each.line.rev or 0, ends.get(each.record, 0))
    await refusals.mark_ended(session, peer, UP, ends, limit=1)


def with_content(entries: Iterable[ReceivedEntry]) -> dict[int, Revision]:
    """Of these entries of an `up` those with content that holders answer for, and what each is a revision of."""
    return {
        each.index: (line.record, line.rev)
        for each in entries
        if (line := each.line) is not None and line.record is not None and line.rev is not None
        if each.effect in WITH_CONTENT
    }


async def tell_ended(
    ctx: Context, peer: str, kept: Mapping[int, FeedEntry], content: Mapping[int, Revision]
) -> Collection[int]:
    """Tell without their content those of these, refused of an `up`, whose records ended behind them; their places.

    Nobody refuses them any more, and whoever waits for an answer has it then; the next of their records are seen to
    after them. The copy's head is held.
    """
    session, records = await ctx.session(), {record for record, _ in content.values()}
    await learn(session, peer, records)
    ends = await revisions.ended(session, peer, records)
    ended = {index: record for index, (record, rev) in content.items() if rev < ends.get(record, 0)}
    entries = [kept[index] for index in sorted(ended)]
    await keep(ctx, _chunks(peer, UP, entries, ended.keys(), anew=False), tell=True)
    wanted = {record: ends[record] for record in ended.values()}
    await refusals.mark_ended(session, peer, UP, wanted, limit=_AT_ONCE)
    return ended.keys()


async def learn(session: Session, peer: str, records: Collection[UUID]) -> None:
    """Read off its page what became of these records by a revision of which an older version noted the place alone."""
    for record in await revisions.unread(session, peer, records):
        beyond = -1
        while unread := await revisions.unread_of(session, peer, record, beyond=beyond, limit=_AT_ONCE):
            beyond = unread[-1].index
            found = await _read(session, peer, UP, [each.index for each in unread])
            changes = {each.index: each.effect for each in found}
            # What is not there any more is taken for what leaves nothing to be shown.
            known = [each._replace(change=changes.get(each.index) or "withheld") for each in unread]
            await revisions.read(session, peer, known)


def _says(entry: ReceivedEntry) -> bool:
    """Whether it says what it is told for: marks and ends do without a body, what was refused has none."""
    needs_body = entry.line is None or entry.line.change not in STATE_CHANGES - {"discharged"}
    return entry.body is not None or not needs_body


async def let_go(ctx: Context, peer: str, feed: str) -> bool:
    """Tell the next pages of what a copy held back until it had caught up; whether there may be more.

    Of a record of which something waits all waits, but for its end: what it says may not be so any more.
    """
    session = await ctx.session()
    await waiting.hold(session, peer, feed)
    copy = await copies.found(session, peer, feed)
    if not copy.behind or copy.catches_up:
        return False
    held = await catching_up.held(session, peer, feed)
    read = [recall(PageReceived, each.data) for each in held]
    entries = [entry for page in read for entry in page.received]
    gone = await replaced(session, peer, entries)
    said = {each.record for each in entries if each.record is not None}
    waits = await waiting.waiting_records(session, peer, feed, said) if copy.waiting else set()
    behind = [
        WaitingEntry(each.index, BEHIND, each.record)
        for each in entries
        if each.record in waits and each.line is not None and not each.ends
    ]
    places = {each.index for each in behind}
    for row, page in zip(held, read, strict=True):
        if any(each.index in gone or each.index in places for each in page.entries):
            told = held_back(page, replaced=gone - places, waiting=places)
            await pages.rewrite(session, [(row.part, row.id, told.data)])
        ctx.emit_row(row.id, part=row.part)
    await waiting.add(session, peer, feed, behind, already=copy.waiting)
    await catching_up.told(session, peer, feed, until=held[-1].until if held else None)
    await mark_ended(session, peer, entries)
    return bool(held)


async def keep(ctx: Context, chunks: Sequence[PageChunk], *, tell: bool, ahead: bool = False) -> None:
    """Keep these chunks of what was verified, and tell them or not; or what of them is told ahead."""
    chunks = await _marked(await ctx.session(), chunks)
    rows = [_row(ctx, chunk)._replace(keys=ahead) for chunk in chunks]
    if tell:
        for row, chunk in zip(rows, chunks, strict=True):
            ctx.emit_row(row.id, part=row.part)
            remember(chunk.page, row.data)
    await pages.write(await ctx.session(), rows)


async def _marked(session: Session, chunks: Sequence[PageChunk]) -> Sequence[PageChunk]:
    """The same, with what is not proven in them, whoever tells it and why; all are of one feed."""
    if not chunks or chunks[0].page.feed != UP:
        return chunks
    peer, first, until = chunks[0].page.peer, chunks[0].page.first, chunks[-1].page.until
    places = await origins.unproven(session, peer, UP, first=first, until=until)
    return [chunk.with_unproven(places) for chunk in chunks] if places else chunks


async def note_keys(session: Session, entries: Iterable[ReceivedEntry]) -> None:
    """Remember where the keys of a peer's `up` stand: what they seal may be passed on as it came."""
    keys = [(each, _read_key(each.body)) for each in entries if each.feed == UP and each.type == KEY]
    await origins.note_keys(session, [KeyPlace(each.peer, key, each.index) for each, key in keys if key is not None])


async def note_sent(session: Session, entries: Iterable[ReceivedEntry], *, fresh: bool = False) -> None:
    """Remember where each revision stands in the `up` of a peer, and what became of its record by it.

    `fresh`: the copy has just been moved behind these, and never was there before.
    """
    await revisions.note_sent(
        session,
        [
            SentRevision(line.record, line.rev, each.peer, each.index, each.effect)
            for each in entries
            if (line := each.line) is not None and each.feed == UP and line.type == "record"
            if line.record is not None and line.rev is not None
        ],
        fresh=fresh,
    )


def _read_key(body: str | None) -> str | None:
    """The name of the key that an entry carries; None where it cannot be read."""
    try:
        return FeedKeyBody.model_validate_json(body or "").key
    except ValidationError:
        return None


async def _read(session: Session, peer: str, feed: str, places: Collection[int]) -> tuple[ReceivedEntry, ...]:
    return read_entries(peer, feed, _in_order(await pages.at(session, peer, feed, places)))


def _in_order(entries: Mapping[int, FeedEntry]) -> list[FeedEntry]:
    return [entries[index] for index in sorted(entries)]


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
        data=pack(data),
        weight=len(data),
    )
