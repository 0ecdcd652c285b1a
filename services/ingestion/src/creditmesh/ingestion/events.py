"""Messages in: what ingestion does about each event type."""

from collections.abc import Sequence

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.ingestion import operations
from creditmesh.schemas.events import CaseChanged, FeedKeyReceived, RecordReceived


async def on_record_received(ctx: Context, events: Sequence[Delivered]) -> None:
    """A peer sent revisions of records: copies follow, and the sender learns what was refused."""
    await operations.apply_entries(ctx, [event.read(RecordReceived) for event in events])


async def on_feed_key_received(ctx: Context, events: Sequence[Delivered]) -> None:
    """A peer sent the key that seals its next entries."""
    await operations.keep_keys(ctx, [event.read(FeedKeyReceived) for event in events])


async def on_case_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A case took a step: what it does to a record of ours is done."""
    await operations.apply_cases(ctx, [event.read(CaseChanged) for event in events])


async def on_holder_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A holder answered: a refusal is kept for the quality board."""
    await operations.keep_refusals(ctx, events)
