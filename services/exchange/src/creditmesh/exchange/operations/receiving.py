"""A verified page of a peer's feed: kept and told in one transaction with the copy's new head."""

from collections.abc import Sequence

from creditmesh.chassis.context import Context
from creditmesh.exchange.chunks import PageChunk
from creditmesh.exchange.store import copies
from creditmesh.exchange.store.copies import FeedCopy, ReceivedPage
from creditmesh.schemas.pages import VerifiedPage


async def receive(
    ctx: Context, before: FeedCopy, chunks: Sequence[PageChunk], page: VerifiedPage, *, note: str
) -> None:
    """Keep the chunks of a page that was verified, and tell them in their order. Uncertain if the copy is elsewhere."""
    session = await ctx.session()
    await copies.move(session, before, page.after, note=note)
    rows = [_row(ctx, chunk) for chunk in chunks]
    for row in rows:
        ctx.emit_row(row.id, part=row.part)
    await copies.write(session, rows)


def _row(ctx: Context, chunk: PageChunk) -> ReceivedPage:
    page, data = chunk
    records = [each.line if each.line is not None and each.type == "record" else None for each in page.received]
    return ReceivedPage(
        part=ctx.part(page.key),
        id=ctx.new_id(),
        key=page.key,
        at=ctx.instant,
        legal_date=ctx.legal_date,
        traceparent=ctx.traceparent,
        peer=page.peer,
        feed=page.feed,
        first=page.first,
        until=page.until,
        records=[None if line is None else line.record for line in records],
        revs=[None if line is None else line.rev for line in records],
        data=data,
    )
