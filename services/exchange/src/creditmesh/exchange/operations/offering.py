"""What this node refused of a peer's feed, offered to it once more: what was missing then may be here by now.

The bodies of refused entries are not kept: they are asked for again, and count where the line is the one that was
verified. Of a record it is told with all that came of it later, so that nothing is shown that has been replaced or has
ended since: what became of it in between comes without its content.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import httpx

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Unavailable
from creditmesh.exchange.chunks import alone
from creditmesh.exchange.errors import NoSuchFeed, NotOffered
from creditmesh.exchange.operations.receiving import keep, replaces
from creditmesh.exchange.peer import NotNow, Peer
from creditmesh.exchange.store import copies, pages, revisions
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import DOWN, STATE_CHANGES, UP, FeedEntry, OfferedOut
from creditmesh.schemas.pages import BadPage, check_entry
from creditmesh.schemas.received import ReceivedEntry, read_entries

_AT_ONCE = 50
_TIMEOUT = 30.0


async def offer_again(ctx: Context, peer: str, feed: str, *, after: int) -> OfferedOut:
    """Tell the next entries from `after` on that this node has refused anew, with what came later of their records.

    None while the copy is behind. NoSuchFeed if nothing of it is judged here, NotOffered if the peer no longer gives
    what was verified, Unavailable if it does not answer.
    """
    party = ctx.followed(Directory).party(peer)
    if party is None or feed != {"below": UP, "above": DOWN}.get(party.place or ""):
        raise NoSuchFeed
    session = await ctx.alone()
    refused = await copies.refused(session, peer, feed, after=after, limit=_AT_ONCE)
    if not refused or (await copies.found(session, peer, feed)).behind:
        return OfferedOut(peer=peer, feed=feed)
    wanted = await pages.at(session, peer, feed, refused)
    records = {each.record: each.index for each in reversed(_read(peer, feed, wanted)) if each.record is not None}
    later = await revisions.later(session, peer, records, after=refused[0]) if feed == UP else ()
    wanted |= await pages.at(session, peer, feed, later)
    told = _told(_read(peer, feed, wanted), records)
    await ctx.rollback()  # no session is held while a peer is asked
    lost = [wanted[index] for index, whole in told.items() if whole and wanted[index].body is None]
    entries = wanted | await _asked(ctx, party, feed, lost)
    chosen = [entries[index] if whole else _blank(entries[index]) for index, whole in told.items()]
    await keep(ctx, [alone(peer, feed, entry) for entry in chosen], tell=True)
    return OfferedOut(peer=peer, feed=feed, offered=len(refused), next=refused[-1] + 1)


def _read(peer: str, feed: str, entries: Mapping[int, FeedEntry]) -> Sequence[ReceivedEntry]:
    return read_entries(peer, feed, [entries[index] for index in sorted(entries)])


def _told(entries: Iterable[ReceivedEntry], records: Mapping[UUID, int]) -> dict[int, bool]:
    """The places to be told, in their order, each whole or without the content that a later one replaced."""
    newest = {each.record: each.index for each in entries if replaces(each)}
    return {
        each.index: each.index >= newest.get(each.record, 0) or each.line.change in STATE_CHANGES
        for each in entries
        if each.line is not None
        if each.record is None or each.index >= records.get(each.record, each.index)
    }


def _blank(entry: FeedEntry) -> FeedEntry:
    return entry.model_copy(update={"salt": None, "body": None})


async def _asked(ctx: Context, party: Party, feed: str, lost: Sequence[FeedEntry]) -> dict[int, FeedEntry]:
    """These entries as the peer sends them now, with their bodies."""
    code = party.code
    if not party.active or party.url is None:
        raise _refused(code, "it is enrolled no more")
    came: dict[int, FeedEntry] = {}
    async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
        clock = ctx.equipment.clock
        peer = Peer(party=party, node=ctx.node.code, keys=ctx.keys, clock=clock, client=client)
        try:
            for entry in lost:
                if entry.index not in came:
                    pulled = await peer.pull(feed, after=entry.index, limit=1, wait=0)
                    came |= {each.index: each for each in (() if pulled is None else pulled.entries)}
                _check(code, entry, came.get(entry.index))
        except NotNow as error:
            raise Unavailable(str(error), f"节点 {code} 暂无法提供。") from error
        except BadPage as bad:
            raise _refused(code, str(bad)) from bad
    return {entry.index: came[entry.index] for entry in lost}


def _check(code: str, entry: FeedEntry, given: FeedEntry | None) -> None:
    if given is None or given.line != entry.line:
        raise _refused(code, f"another entry at index {entry.index}")
    check_entry(given, entry.index)


def _refused(peer: str, why: str) -> NotOffered:
    return NotOffered(f"{peer}: {why}.", f"{peer}：{why}。")
