"""What this node's `up` forgets: the line of an entry stays, so that proofs hold, and what it said of a record goes.

At once where the record is deleted here or its item is shared no more. What was replaced or has ended goes as soon as
every node above has answered for it; and before a node that comes later is given the keys, whoever has answered: what
had ended is not for it.
"""

from collections.abc import Sequence

from creditmesh.chassis.context import Context
from creditmesh.exchange.operations.answering import forget
from creditmesh.exchange.store import feeds, forgetting, revisions, waiting
from creditmesh.exchange.store.forgetting import ENTRIES_AT_ONCE, Forgotten
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordPurged
from creditmesh.schemas.exchange import UP

_PAGES_AT_ONCE = 50


async def forget_next(ctx: Context, *, waits_for: Sequence[str]) -> bool | None:
    """Look through the next entries of `up`; whether more are left. What these nodes have not answered for stays.

    None where another process is at it.
    """
    session = await ctx.session()
    before = await forgetting.lead(session, UP)
    if before is None:
        return None
    size = (await feeds.head(session, UP)).size
    items = _shared_no_more(ctx)
    scanned = before.scanned if items <= set(before.items) else 0
    until = min(before.until + ENTRIES_AT_ONCE, size)
    if waits_for and until > before.until:
        until = min(until, await forgetting.answered(session, UP, waits_for, first=before.until))
    after = Forgotten(until, min(scanned + ENTRIES_AT_ONCE, size) if items else size, sorted(items))
    if after == before:
        return False
    if until > before.until:
        await forgetting.replaced(session, UP, first=before.until, until=until)
    if items and after.scanned > scanned:
        await forgetting.narrowed(session, UP, items, first=scanned, until=after.scanned)
    await forgetting.move(session, UP, after)
    return ENTRIES_AT_ONCE in (until - before.until, after.scanned - scanned)


async def forget_purged(ctx: Context, purged: Sequence[RecordPurged]) -> None:
    """These records are deleted here: `up` forgets them, and so do this node's copies of its peers' feeds."""
    session = await ctx.session()
    records = [each.record for each in purged]
    sent = await revisions.sent_of(session, records)
    for peer in sorted({peer for peer, _ in sent}):
        await waiting.hold(session, peer, UP)  # first, as whoever moves the copy does
    for first in range(0, len(sent), _PAGES_AT_ONCE):
        await forget(session, [(peer, UP, index) for peer, index in sent[first : first + _PAGES_AT_ONCE]])
    await forgetting.purged(session, UP, records)


def _shared_no_more(ctx: Context) -> set[str]:
    """The items in force today that this node does not share upwards."""
    items = ctx.followed(Directory).objects("item", on=ctx.legal_date)
    return {each.code for each in items if isinstance(each, Item) and not each.shared_by(ctx.node.tier)}
