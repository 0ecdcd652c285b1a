"""Messages in: what the query service does about each event type."""

from collections.abc import Sequence

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.query.operations import projection


async def on_record_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A record has a new revision: both read models follow."""
    await projection.apply_records(ctx, events)


async def on_record_purged(ctx: Context, events: Sequence[Delivered]) -> None:
    """A record was kept for its term: nothing of it stays here but the log of who looked."""
    await projection.purge_records(ctx, events)


async def on_access_recorded(ctx: Context, events: Sequence[Delivered]) -> None:
    """Another service disclosed or refused: the log has a new line."""
    await projection.log_accesses(ctx, events)


async def on_chain_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """More is known of who is above: a person is told where else there are logs."""
    await projection.note_nodes_above(ctx, events)
