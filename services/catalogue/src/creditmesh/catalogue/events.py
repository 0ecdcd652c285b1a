"""Messages in: what the catalogue does about a higher tier's."""

from collections.abc import Sequence

from creditmesh.catalogue import operations
from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.schemas.events import CatalogueReceived


async def on_catalogue_received(ctx: Context, events: Sequence[Delivered]) -> None:
    """A peer above has published: its catalogue holds here too."""
    await operations.take(ctx, [event.read(CatalogueReceived) for event in events])
