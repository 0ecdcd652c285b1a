"""Messages in: what repair does about each event type."""

from collections.abc import Sequence

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.repair import operations


async def on_record_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A record has a new revision: a case may have had its effect, or lost its object."""
    await operations.follow_records(ctx, events)


async def on_record_purged(ctx: Context, events: Sequence[Delivered]) -> None:
    """A record was kept for its term: it is forgotten, unless a case was about it, which needs to know whose it was."""
    await operations.forget_records(ctx, events)


async def on_holder_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A holder was told of a revision, or has answered: the certificate has a line."""
    await operations.follow_holders(ctx, events)
