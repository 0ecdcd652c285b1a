"""What this node's `up` forgets: the line of an entry stays, so that proofs hold, and what it said of a record goes.

In turns, each a transaction of its own which holds no feed's head; whoever knows of something to be forgotten writes a
row. Of a record that is deleted here all goes, also what copies of peers' feeds keep of it, and of an item that is
shared no more its content. What was replaced or has ended goes as soon as every node above has answered for it; and
before a node that comes later is given the keys, whoever has answered: what had ended is not for it.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.exchange.operations.answering import forget
from creditmesh.exchange.store import feeds, forgetting, set_aside
from creditmesh.exchange.store.forgetting import ENTRIES_AT_ONCE, RECORDS_AT_ONCE, Asked
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordPurged
from creditmesh.schemas.exchange import UP


async def forget_next(ctx: Context, *, waits_for: Sequence[str]) -> bool | None:
    """Forget some of what `up` is to; whether more is left of what there was. For what these nodes answer is waited.

    None where another process is at it. Transient while this process has not followed the catalogue, for nothing brings
    a body back; and what is appended after that is looked at by the next turn, whose law may be another.
    """
    session = await ctx.session()
    size = (await feeds.head(session, UP)).size
    await ctx.assert_followed()
    first = await forgetting.looked_through(session, UP)
    until = min(first + ENTRIES_AT_ONCE, size)
    if waits_for and until > first:
        until = min(until, *(await forgetting.answered(session, UP, waits_for, first=first)).values())
    items, looked_at = shared_no_more(ctx), await forgetting.looked_at(session)
    places = await forgetting.next_of_items(session, UP, {each: looked_at.get(each, 0) for each in items}, size=size)
    asked = await forgetting.asked(session)
    if until == first and not places and not asked and items >= looked_at.keys():
        return False
    if not await forgetting.lead(session, UP, until=first):
        return None
    await forgetting.open_again(session, items)
    if until > first:
        await forgetting.replaced(session, UP, first=first, until=until)
        await forgetting.move(session, UP, until=until)
    if places:
        await forgetting.narrowed(session, UP, places)
    if asked:
        await _forget_asked(session, asked, items, until=until, size=size)
    return bool(asked) or ENTRIES_AT_ONCE in {until - first, len(places)}


async def _forget_asked(
    session: Session, asked: Sequence[Asked], items: Collection[str], *, until: int, size: int
) -> None:
    """Forget what these rows ask for, or some of it."""
    again = [each for each in asked if not each.deleted]
    if again:
        records = {each.record for each in again}
        await forgetting.replaced_in(session, UP, records, until=until)
        await forgetting.narrowed_in(session, UP, records, items, size=size)
        await forgetting.settled(session, [each.number for each in again])
    gone = [each for each in asked if each.deleted]
    if gone:
        await set_aside.forget(session, {each.record for each in gone})
        if await forgetting.deleted(session, UP, {each.record for each in gone}):
            return
    copied = await forgetting.copied(session, [each.number for each in gone])
    await forget(session, forgetting.in_copies(copied))
    if len(copied) < RECORDS_AT_ONCE:
        await forgetting.settled(session, [each.number for each in gone])
        return
    last = copied[-1]
    await forgetting.settled(session, [each.number for each in gone if each.number < last.number])
    await forgetting.go_on_at(session, last)


async def forget_purged(ctx: Context, purged: Sequence[RecordPurged]) -> None:
    """These records are deleted here: `up` forgets them, and so do this node's copies of its peers' feeds."""
    await forgetting.ask(await ctx.session(), [each.record for each in purged])


async def kept_for(ctx: Context, nodes: Collection[str]) -> dict[str, int]:
    """Those of these nodes above which have not answered for what is to be looked through next, and where that is."""
    session = await ctx.session()
    first = await forgetting.looked_through(session, UP)
    if not nodes or first == (await feeds.head(session, UP)).size:
        return {}
    reached = await forgetting.answered(session, UP, nodes, first=first)
    return {node: first for node, until in reached.items() if until == first}


def shared_no_more(ctx: Context) -> set[str]:
    """The items whose content goes up no more."""
    """The items that this node does not share upwards, today and tomorrow: at midnight clocks do not agree."""
    directory, days = ctx.followed(Directory), (ctx.legal_date, ctx.legal_date + timedelta(days=1))
    closed = (
        {each.code for each in directory.objects("item", on=day) if isinstance(each, Item) and not _shared(ctx, each)}
        for day in days
    )
    return set.intersection(*closed)


def is_shared_no_more(ctx: Context, code: str) -> bool:
    """Whether it is one of these."""
    directory, days = ctx.followed(Directory), (ctx.legal_date, ctx.legal_date + timedelta(days=1))
    items = [directory.item(code, on=day) for day in days]
    return all(item is not None and not _shared(ctx, item) for item in items)


def _shared(ctx: Context, item: Item) -> bool:
    return item.shared_by(ctx.node.tier)
