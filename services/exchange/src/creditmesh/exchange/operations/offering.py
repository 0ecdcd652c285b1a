"""What this node refused of a peer's feed, offered to it once more: what was missing then may be here by now.

The bodies of refused entries are not kept: they are asked for again, and count where the line is the one that was
verified. What has come of their records by the time that they are told is told with them.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Unavailable
from creditmesh.exchange.errors import CopyCatchingUp, NoSuchFeed, NotOffered
from creditmesh.exchange.operations.proving import unproven
from creditmesh.exchange.operations.telling import fitting, lacking, note_sent, tell_anew
from creditmesh.exchange.peer import LIMIT, NotNow, Peer
from creditmesh.exchange.store import copies, origins, pages, refusals, waiting
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import DOWN, UP, FeedEntry, OfferedOut
from creditmesh.schemas.pages import BadPage, check_entry
from creditmesh.schemas.received import ReceivedEntry, read_entries

_AT_ONCE = 50
_MOST_BYTES = 4 * 1024 * 1024
"""Of bodies: when so much has come, no more are asked for at once."""
_TIMEOUT = 30.0


async def offer_again(ctx: Context, peer: str, feed: str, *, after: int) -> OfferedOut:
    """Tell the next entries from `after` on that this node has refused anew, with what came later of their records.

    NoSuchFeed if nothing of it is judged here, CopyCatchingUp while the copy is behind, NotOffered if the peer no
    longer gives what was verified, Unavailable if it does not answer.
    """
    party = ctx.followed(Directory).party(peer)
    if party is None or feed != {"below": UP, "above": DOWN}.get(party.place or ""):
        raise NoSuchFeed
    session = await ctx.alone()
    await _assert_caught_up(session, peer, feed)
    refused = await refusals.refused(session, peer, feed, after=after, limit=_AT_ONCE)
    if not refused:
        return OfferedOut(peer=peer, feed=feed)
    refused = await fitting(session, peer, feed, refused)
    lost = await lacking(session, peer, feed, refused)
    doubtful = await _unproven(session, peer, feed, refused)
    await ctx.rollback()  # no session is held while a peer is asked
    given = await _asked(ctx, party, feed, lost)
    proven = await _proven(ctx, party, feed, doubtful)
    later = min((each.index for each in lost if each.index not in given), default=refused[-1] + 1)
    refused = [index for index in refused if index < later]
    session = await ctx.session()
    await waiting.hold(session, peer, feed)
    await _assert_caught_up(session, peer, feed)
    await origins.take_unproven(session, peer, feed, proven)
    await note_sent(session, [each for each in doubtful if each.index in proven])
    await tell_anew(ctx, peer, feed, refused, given=given)
    return OfferedOut(peer=peer, feed=feed, offered=len(refused), next=refused[-1] + 1)


async def _assert_caught_up(session: Session, peer: str, feed: str) -> None:
    if (await copies.found(session, peer, feed)).behind:
        raise CopyCatchingUp


async def _unproven(session: Session, peer: str, feed: str, refused: Sequence[int]) -> tuple[ReceivedEntry, ...]:
    """Those of these entries that were not proven to be of their origins."""
    places = await origins.unproven(session, peer, feed, first=refused[0], until=refused[-1] + 1)
    kept = await pages.at(session, peer, feed, places.intersection(refused))
    return read_entries(peer, feed, [kept[index] for index in sorted(kept)])


async def _proven(ctx: Context, party: Party, feed: str, doubtful: Sequence[ReceivedEntry]) -> set[int]:
    """Those of them that are proven now: their origins may have keys that were handed over since."""
    async with _peer(ctx, party) as peer:
        left = await unproven(ctx.followed(Directory), peer, feed, doubtful, limit=LIMIT)
    return {each.index for each in doubtful} - left


@asynccontextmanager
async def _peer(ctx: Context, party: Party) -> AsyncIterator[Peer]:
    """The peer to be asked; Unavailable if it does not answer."""
    if not party.active or party.url is None:
        raise _refused(party.code, "it is enrolled no more")
    clock = ctx.equipment.clock
    async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
        try:
            yield Peer(party=party, node=ctx.node.code, keys=ctx.keys, clock=clock, client=client)
        except NotNow as error:
            raise Unavailable(str(error), f"节点 {party.code} 暂无法提供。") from error


async def _asked(ctx: Context, party: Party, feed: str, lost: Sequence[FeedEntry]) -> dict[int, FeedEntry]:
    """These entries as the peer sends them now, with their bodies; the first of them, where that is much."""
    code = party.code
    wanted, came = {entry.index for entry in lost}, dict[int, FeedEntry]()
    size = 0
    async with _peer(ctx, party) as peer:
        try:
            for entry in lost:
                if entry.index not in came:
                    if size >= _MOST_BYTES:
                        break
                    pulled = await peer.pull(feed, after=entry.index, limit=1, wait=0)
                    given = () if pulled is None else pulled.entries
                    came |= {each.index: each for each in given if each.index in wanted}
                    size = sum(len(each.body or "") for each in came.values())
                _check(code, entry, came.get(entry.index))
        except BadPage as bad:
            raise _refused(code, str(bad)) from bad
    return came


def _check(code: str, entry: FeedEntry, given: FeedEntry | None) -> None:
    if given is None or given.line != entry.line:
        raise _refused(code, f"another entry at index {entry.index}")
    check_entry(given, entry.index)


def _refused(peer: str, why: str) -> NotOffered:
    return NotOffered(f"{peer}: {why}.", f"{peer}：{why}。")
