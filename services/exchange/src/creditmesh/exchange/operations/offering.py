"""What this node refused of a peer's feed, offered to it once more: what was missing then may be here by now.

The bodies of refused entries are not kept: they are asked for again, and count where the line is the one that was
verified. What has come of their records by the time that they are told is told with them.
"""

from collections.abc import Sequence

import httpx

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Unavailable
from creditmesh.exchange.errors import CopyCatchingUp, NoSuchFeed, NotOffered
from creditmesh.exchange.operations.telling import fitting, lacking, tell_anew
from creditmesh.exchange.peer import NotNow, Peer
from creditmesh.exchange.store import copies, refusals, waiting
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import DOWN, UP, FeedEntry, OfferedOut
from creditmesh.schemas.pages import BadPage, check_entry

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
    await ctx.rollback()  # no session is held while a peer is asked
    given = await _asked(ctx, party, feed, lost)
    later = min((each.index for each in lost if each.index not in given), default=refused[-1] + 1)
    refused = [index for index in refused if index < later]
    session = await ctx.session()
    await waiting.hold(session, peer, feed)
    await _assert_caught_up(session, peer, feed)
    await tell_anew(ctx, peer, feed, refused, given=given)
    return OfferedOut(peer=peer, feed=feed, offered=len(refused), next=refused[-1] + 1)


async def _assert_caught_up(session: Session, peer: str, feed: str) -> None:
    if (await copies.found(session, peer, feed)).behind:
        raise CopyCatchingUp


async def _asked(ctx: Context, party: Party, feed: str, lost: Sequence[FeedEntry]) -> dict[int, FeedEntry]:
    """These entries as the peer sends them now, with their bodies; the first of them, where that is much."""
    code = party.code
    if not party.active or party.url is None:
        raise _refused(code, "it is enrolled no more")
    wanted, came = {entry.index for entry in lost}, dict[int, FeedEntry]()
    size = 0
    async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
        clock = ctx.equipment.clock
        peer = Peer(party=party, node=ctx.node.code, keys=ctx.keys, clock=clock, client=client)
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
        except NotNow as error:
            raise Unavailable(str(error), f"节点 {code} 暂无法提供。") from error
        except BadPage as bad:
            raise _refused(code, str(bad)) from bad
    return came


def _check(code: str, entry: FeedEntry, given: FeedEntry | None) -> None:
    if given is None or given.line != entry.line:
        raise _refused(code, f"another entry at index {entry.index}")
    check_entry(given, entry.index)


def _refused(peer: str, why: str) -> NotOffered:
    return NotOffered(f"{peer}: {why}.", f"{peer}：{why}。")
