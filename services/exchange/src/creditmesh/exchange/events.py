"""Messages in: what exchange does about each event type."""

from collections.abc import Sequence

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.exchange.operations import acknowledging, answering, holders, sharing
from creditmesh.schemas.events import AccessRecorded, CatalogueChanged, DisclosedToBureau, RecordChanged


async def on_record_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A record has a new revision: who holds it is told, and it goes up where its item does."""
    changes = [(each, each.read(RecordChanged)) for each in events]
    await holders.lock(ctx, changes)
    await sharing.share_records(ctx, changes)
    await holders.tell(ctx, changes)


async def on_catalogue_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """The catalogue has changed: everybody below is told."""
    await sharing.share_catalogue(ctx, [(each, each.read(CatalogueChanged)) for each in events])


async def on_entries_judged(ctx: Context, events: Sequence[Delivered]) -> None:
    """Ingestion has applied entries of a peer's feed: that is signed."""
    await answering.sign(ctx, events)


async def on_acknowledgement_received(ctx: Context, events: Sequence[Delivered]) -> None:
    """A higher tier has answered for entries of ours."""
    await acknowledging.take_relayed(ctx, events)


async def on_task_changed(ctx: Context, events: Sequence[Delivered]) -> None:
    """A department has answered a task: who applied a measure holds its ground."""
    await holders.note_tasks(ctx, events)


async def on_disclosed_to_bureau(ctx: Context, events: Sequence[Delivered]) -> None:
    """A bureau was given records: it holds them."""
    await holders.note_readers(ctx, [(each.at, each.read(DisclosedToBureau)) for each in events])


async def on_access_recorded(ctx: Context, events: Sequence[Delivered]) -> None:
    """Somebody looked: a bureau that was given a record holds it."""
    accesses = [(each.at, each.read(AccessRecorded)) for each in events]
    await holders.note_readers(ctx, [(at, given) for at, each in accesses if (given := _to_bureau(each)) is not None])


def _to_bureau(access: AccessRecorded) -> DisclosedToBureau | None:
    if access.caller != "bureau" or access.outcome != "released" or access.party is None:
        return None
    return DisclosedToBureau(
        access=access.access,
        subject=access.subject,
        party=access.party,
        records=access.records,
        use_until=access.use_until,
    )
