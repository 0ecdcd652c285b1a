"""Messages in: what exchange does about each event type."""

from collections.abc import Sequence

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.exchange.operations import accesses, answering, chain, forgetting, holders, relaying, sharing
from creditmesh.schemas.events import (
    AccessToPass,
    CatalogueChanged,
    DisclosedToBureau,
    PageReceived,
    RecordChanged,
    RecordPurged,
)
from creditmesh.schemas.exchange import UP


async def on_record_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A record has a new revision: who holds it is told, and it goes up where its item does."""
    changes = [(each, _as_at_its_origin(each.read(RecordChanged))) for each in events]
    await holders.lock(ctx, changes)
    await sharing.share_records(ctx, changes)
    await holders.tell(ctx, changes)


def _as_at_its_origin(event: RecordChanged) -> RecordChanged:
    """What leaves this node counts a revision as its origin does."""
    return event if event.origin_rev is None else event.model_copy(update={"rev": event.origin_rev})


async def on_record_purged(ctx: Context, events: Sequence[Delivered]) -> None:
    """Records are deleted here: nothing that feeds keep says any more what they said."""
    await forgetting.forget_purged(ctx, [each.read(RecordPurged) for each in events])


async def on_catalogue_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """The catalogue has changed: everybody below is told."""
    await sharing.share_catalogue(ctx, [(each, each.read(CatalogueChanged)) for each in events])


async def on_entries_judged(ctx: Context, events: Sequence[Delivered]) -> None:
    """Entries of a peer's feed were applied here: that is to be signed and sent."""
    await answering.note_judged(ctx, events)


async def on_page_received(ctx: Context, events: Sequence[Delivered]) -> None:
    """A peer's page was verified: who stands above, and what nodes there answered for entries of ours, is in it."""
    entries = [entry for event in events for entry in event.read(PageReceived).received if entry.feed != UP]
    await chain.take_rows(ctx, [entry for entry in entries if entry.type == "catalogue"])
    await accesses.take(ctx, [entry for entry in entries if entry.type == "accessed"])
    # Last, for it may hold children's feeds.
    await relaying.take_relayed(ctx, [entry for entry in entries if entry.type == "acknowledged"])


async def on_task_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A department has answered a task: who applied a measure holds its ground."""
    await holders.note_tasks(ctx, events)


async def on_disclosed_to_bureau(ctx: Context, events: Sequence[Delivered]) -> None:
    """A bureau was given records: it holds them."""
    await holders.note_readers(ctx, [(each.at, each.read(DisclosedToBureau)) for each in events])


async def on_access_to_pass(ctx: Context, events: Sequence[Delivered]) -> None:
    """Copies of a child's records were looked at, here or above: it is told."""
    await accesses.pass_down(ctx, [each.read(AccessToPass) for each in events])
