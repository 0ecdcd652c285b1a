"""Messages in: what the catalogue does about a higher tier's."""

from collections.abc import Sequence

from creditmesh.catalogue import operations
from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.schemas.events import PageReceived


async def on_page_received(ctx: Context, events: Sequence[Delivered]) -> None:
    """A peer's page was verified: what one above published in it holds here too."""
    pages = [event.read(PageReceived) for event in events]
    if told := [page for page in pages if page.feed.startswith("down")]:
        await operations.take(ctx, told)
