"""Messages in: what ingestion does about each event type."""

from collections.abc import Sequence

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.ingestion import operations
from creditmesh.schemas.events import AccessReceived, CaseChanged, CopiesDisclosed, PageReceived, RevisionOutnumbered


async def on_page_received(ctx: Context, events: Sequence[Delivered]) -> None:
    """A peer sent revisions of records and the keys that seal them: copies follow, and it learns what was refused."""
    await operations.apply_pages(ctx, [event.read(PageReceived) for event in events])


async def on_case_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A case took a step: what it does to a record of ours is done."""
    await operations.apply_cases(ctx, [event.read(CaseChanged) for event in events])


async def on_holder_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A holder answered: a refusal is kept for the quality board, and what is answered of what was erased."""
    await operations.keep_refusals(ctx, events)
    await operations.keep_answers(ctx, events)


async def on_copies_disclosed(ctx: Context, events: Sequence[Delivered]) -> None:
    """Records were looked at here: of those that other nodes sent, these are told."""
    await operations.tell_origins(ctx, [(each.at, each.read(CopiesDisclosed)) for each in events])


async def on_access_received(ctx: Context, events: Sequence[Delivered]) -> None:
    """A node above has looked at copies: it stands in the log of whom the records are about, here and below."""
    await operations.log_from_above(ctx, [event.read(AccessReceived) for event in events])


async def on_revision_outnumbered(ctx: Context, events: Sequence[Delivered]) -> None:
    """Numbers of revisions of ours are taken in this node's feed: what they decided, and stands, is decided above."""
    await operations.write_above(ctx, [event.read(RevisionOutnumbered) for event in events])
