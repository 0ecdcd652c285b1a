"""What this node holds of a peer, for comparison: the heads of their feeds, and what the peer's `up` says of records.

The log is here and verified, so that what it says is read here. What ingestion made of it is compared there, and where
it is not what the log says the record is told anew, whatever is held of it.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

import httpx

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.exchange.chunks import alone
from creditmesh.exchange.errors import CopyCatchingUp, NoSuchFeed
from creditmesh.exchange.operations.comparing import begins, feeds_of, signed_here
from creditmesh.exchange.operations.telling import fitting_of, keep, learn, tell_anew
from creditmesh.exchange.peer import NotNow, Peer
from creditmesh.exchange.store import copies, feeds, pages, revisions, waiting
from creditmesh.exchange.store.revisions import SaidLast
from creditmesh.exchange.store.waiting import FirstWaiting
from creditmesh.schemas.acknowledgements import MOST_ANSWERED
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import DOWN, HIDING, UP, FeedEntry
from creditmesh.schemas.received import read_entries
from creditmesh.schemas.reconciling import Heads, HeadsOut, RecordsOut, SaidOut, SaidPage, Saying, ToldOut
from creditmesh.schemas.tlog import Range
from creditmesh.schemas.words import Change

_AT_ONCE = 200
"""Entries that are looked through at once."""
_WAITING_AT_ONCE = 50
_MOST_BYTES = 4 * 1024 * 1024
"""Of what they say, unless it is of one record."""
_TIMEOUT = 30.0


async def heads_with(ctx: Context, peer: str) -> list[HeadsOut]:
    """The heads of the feeds between this node and a peer as both have them; NoSuchFeed if it is no enrolled node."""
    party = _party(ctx, peer, "below", "above")
    copied = (UP,) if party.place == "below" else (DOWN, f"{DOWN}-{ctx.node.code}")
    session = await ctx.alone()
    here = {feed: (await copies.found(session, peer, feed)).range for feed in copied}
    await ctx.rollback()  # no session is held while a peer is asked; what it has then is newer than what was here
    async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
        clock = ctx.equipment.clock
        asked = Peer(party=party, node=ctx.node.code, keys=ctx.keys, clock=clock, client=client)
        theirs = [await _theirs(asked, feed, own) for feed, own in here.items()]
        return theirs + [await _own(ctx, asked, feed) for feed in feeds_of(party)]


async def _theirs(peer: Peer, feed: str, own: Range) -> HeadsOut:
    """A feed of the peer: what is here of it was verified, and is its beginning unless it is none of the length."""
    out = HeadsOut(node=peer.party.code, feed=feed, here=own.size, heads="no_answer")
    try:
        there = None if peer.party.url is None else await peer.standing(feed)
    except NotNow:
        there = None
    if there is None:
        return out
    fits = there.size > own.size or (there.size, there.root) == (own.size, own.root().hex())
    return _compared(out, there.size, fits=fits)


async def _own(ctx: Context, peer: Peer, feed: str) -> HeadsOut:
    """A feed of this node, as the peer has verified it: what it says counts under this node's signature."""
    try:
        answer = None if peer.party.url is None else await peer.held(feed)
    except NotNow:
        answer = None
    head = signed_here(ctx.equipment, peer.party.code, feed, answer)
    session = await ctx.alone()
    out = HeadsOut(node=ctx.node.code, feed=feed, here=(await feeds.head(session, feed)).size, heads="no_answer")
    fits = head is None or await begins(session, feed, head)
    await ctx.rollback()
    if answer is None or (head is None and answer.size):
        return out
    return _compared(out, 0 if head is None else head.size, fits=fits)


def _compared(out: HeadsOut, there: int, *, fits: bool) -> HeadsOut:
    heads: Heads = "differing" if not fits else "equal" if out.here == there else "under_way"
    return out.model_copy(update={"there": there, "heads": heads})


async def said_from(ctx: Context, peer: str, *, after: int) -> SaidPage:
    """What the peer's `up` says last of records, of which it does so in the next entries after so many.

    NoSuchFeed if the peer sends no records here, CopyCatchingUp while the copy does.
    """
    session, size = await _whole(ctx, peer)
    until = min(after + _AT_ONCE, size)
    kept = {each.index: each for each in await pages.kept(session, peer, UP, after=after, until=until)}
    records = {each.record for each in read_entries(peer, UP, list(kept.values())) if each.record is not None}
    items, weight = list[SaidOut](), 0
    for each in await _said(session, peer, records, kept=kept):
        if not after <= each.index < until:
            continue
        weight += sum(len(body or "") for body in (each.newest, each.content))
        if items and weight > _MOST_BYTES:
            return SaidPage(items=tuple(items), until=each.index, size=size)
        items.append(each)
    return SaidPage(items=tuple(items), until=until, size=size)


async def said_of(ctx: Context, peer: str, records: Collection[UUID]) -> SaidPage:
    """What the peer's `up` says last of those of these records of which it says anything; refusals as `said_from`."""
    session, size = await _whole(ctx, peer)
    return SaidPage(items=tuple(await _said(session, peer, set(records), kept={})), until=size, size=size)


async def unsaid(ctx: Context, records: Collection[UUID]) -> RecordsOut:
    """Those of these records of which no peer's feed says anything."""
    return RecordsOut(records=tuple(await revisions.unsaid(await ctx.alone(), records)))


async def tell_records(ctx: Context, peer: str, records: Collection[UUID]) -> ToldOut:
    """Tell this node anew of these records, all that the peer's `up` says of them; refusals as `said_from`.

    Whatever is held of them is not what it says. Of which something waits, that alone is told: it hides the record.
    """
    _party(ctx, peer, "below")
    session = await ctx.session()
    await waiting.hold(session, peer, UP)
    if (await copies.found(session, peer, UP)).behind:
        raise CopyCatchingUp
    first = await revisions.first_places(session, peer, records)
    some = await fitting_of(session, peer, first)
    said = await _said(session, peer, [first[place] for place in some], kept={})  # what was found may be so no more
    waits = {each.record: each.index for each in said if each.saying == "waits"}
    await _tell_waiting(ctx, peer, waits)
    comparable = {each.record for each in said if each.saying == "comparable"}
    await tell_anew(ctx, peer, UP, [place for place in some if first[place] in comparable], anew=True)
    left = tuple(record for place, record in first.items() if place > some[-1])
    return ToldOut(told=tuple(comparable), withheld=tuple(waits), left=left)


async def _tell_waiting(ctx: Context, peer: str, newest: Mapping[UUID, int]) -> None:
    """Tell that something waits of these records: here, or at its sender, whose feed says so last."""
    session = await ctx.session()
    here = await waiting.firsts(session, peer, UP, newest, most=MOST_ANSWERED)
    places = sorted(first.place for first in here.values())
    for number in range(0, len(places), _WAITING_AT_ONCE):
        kept = await pages.at(session, peer, UP, places[number : number + _WAITING_AT_ONCE])
        chunks = [alone(peer, UP, entry).with_waiting([index]) for index, entry in sorted(kept.items())]
        await keep(ctx, chunks, tell=True)
        await ctx.flush()
    there = [index for record, index in newest.items() if record not in here]
    await tell_anew(ctx, peer, UP, there, anew=True)


async def _whole(ctx: Context, peer: str) -> tuple[Session, int]:
    """A session, and how far the copy of the peer's `up` goes."""
    _party(ctx, peer, "below")
    session = await ctx.alone()
    copy = await copies.found(session, peer, UP)
    if copy.behind:
        raise CopyCatchingUp
    return session, copy.range.size


async def _said(
    session: Session, peer: str, records: Collection[UUID], *, kept: Mapping[int, FeedEntry]
) -> list[SaidOut]:
    """In the order of the feed; `kept` are entries that were read already."""
    await learn(session, peer, records)
    last = await revisions.said_last(session, peer, UP, records, most=MOST_ANSWERED)
    waits = await waiting.firsts(session, peer, UP, records, most=MOST_ANSWERED)
    shown = [each for each in last if each.change not in HIDING]
    places = {place for each in shown for place in (each.index, each.content) if place is not None}
    entries = {**kept} | await pages.at(session, peer, UP, places - kept.keys())
    said = [_of(peer, each, entries, waits=waits.get(each.record)) for each in last]
    return sorted(said, key=lambda each: each.index)


def _of(peer: str, last: SaidLast, entries: Mapping[int, FeedEntry], *, waits: FirstWaiting | None) -> SaidOut:
    content = None if last.content is None else entries.get(last.content)
    saying: Saying = "comparable"
    change: Change = "withheld" if last.change == "waits" else last.change
    if last.elsewhere:
        saying = "elsewhere"
    elif not last.judged:
        saying = "under_way"
    elif last.change not in HIDING:
        if last.refused:
            saying = "kept_back"
        elif waits is not None or last.change == "waits":  # compared as what is withheld for good
            saying, change = "waits" if waits is None or waits.judged else "under_way", "withheld"
        elif content is None or content.body is None:
            saying = "kept_back"
    said = SaidOut(peer=peer, record=last.record, saying=saying, index=last.index, rev=last.rev, change=change)
    if saying != "comparable" or last.change in HIDING:
        return said
    newest = entries.get(last.index)
    bodies = {"newest": newest and newest.body, "content": content and content.body}
    return said.model_copy(update=bodies)


def _party(ctx: Context, peer: str, *places: str) -> Party:
    party = ctx.followed(Directory).party(peer)
    if party is None or party.place not in places:
        raise NoSuchFeed
    return party
