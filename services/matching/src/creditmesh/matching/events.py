"""Messages in: what the matching service does about each event type."""

from collections.abc import Sequence

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.matching.operations import projection


async def on_record_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A record has a new revision: who stands where follows."""
    await projection.apply_records(ctx, events)


async def on_record_purged(ctx: Context, events: Sequence[Delivered]) -> None:
    """A record was kept for its term: nobody's place and no answer stays of it."""
    await projection.purge_records(ctx, events)
