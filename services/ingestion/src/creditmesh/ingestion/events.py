"""Messages in: what ingestion does about each event type."""

from collections.abc import Sequence

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.ingestion import operations
from creditmesh.schemas.events import CaseChanged, PageReceived


async def on_page_received(ctx: Context, events: Sequence[Delivered]) -> None:
    """A peer sent revisions of records and the keys that seal them: copies follow, and it learns what was refused."""
    await operations.apply_pages(ctx, [event.read(PageReceived) for event in events])


async def on_case_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A case took a step: what it does to a record of ours is done."""
    await operations.apply_cases(ctx, [event.read(CaseChanged) for event in events])


async def on_holder_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A holder answered: a refusal is kept for the quality board."""
    await operations.keep_refusals(ctx, events)
