"""What a child is told through its own feed, `down-<node>`: at once, or when that may be appended to."""

from collections.abc import Sequence

from creditmesh.chassis.context import Context
from creditmesh.exchange.entries import passed_draft
from creditmesh.exchange.operations.comparing import is_appendable
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.store import child_entries, feeds
from creditmesh.exchange.store.child_entries import ChildEntry
from creditmesh.schemas.exchange import DOWN

MANY = 1000
"""So many that wait for one child are told to an operator."""


async def pass_on(ctx: Context, entries: Sequence[ChildEntry]) -> None:
    """Append to each child's feed what it is to be told, child by child in the order of their codes.

    For a child whose feed may not be appended to it waits: that concerns no other child, and nobody who tells.
    """
    for child in sorted({each.child for each in entries}):
        some, feed = [each for each in entries if each.child == child], f"{DOWN}-{child}"
        if is_appendable(ctx, feed):
            await append(ctx, feed, [passed_draft(each.type, each.body, at=ctx.instant) for each in some])
        else:
            await child_entries.wait(await ctx.session(), some)


async def many_waiting(ctx: Context) -> list[str]:
    """The children for whom more waits than should."""
    session = await ctx.alone()
    children = await child_entries.children(session)
    return [child for child in children if await child_entries.has_more(session, child, than=MANY)]


async def waiting_children(ctx: Context) -> list[str]:
    """The children for whom something waits, and whose feeds may be appended to by now."""
    children = await child_entries.children(await ctx.alone())
    return [child for child in children if is_appendable(ctx, f"{DOWN}-{child}")]


async def pass_on_waiting(ctx: Context, child: str) -> bool:
    """Append some of what waits for this child; False if there is nothing, or somebody else appends."""
    session, feed = await ctx.session(), f"{DOWN}-{child}"
    held = await feeds.lead(session, feed)
    if held is None:
        return False
    some = await child_entries.take(session, child)  # others may have been first
    if some:
        await append(ctx, feed, [passed_draft(each.type, each.body, at=ctx.instant) for each in some], held=held)
    return bool(some)
