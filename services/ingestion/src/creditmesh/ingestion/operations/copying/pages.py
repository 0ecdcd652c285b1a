"""Stretches of peers' feeds of records, judged whole: the sender learns what became of each entry."""

from collections.abc import Sequence

from creditmesh.chassis.context import Context
from creditmesh.ingestion.operations.copying.copies import apply_entries
from creditmesh.ingestion.operations.copying.entry_results import EntryResults
from creditmesh.ingestion.operations.copying.feed_keys import keep_keys
from creditmesh.schemas.events import PageReceived
from creditmesh.schemas.exchange import KEY, NEWER_VERSION, UP
from creditmesh.schemas.reasons import reason


async def apply_pages(ctx: Context, pages: Sequence[PageReceived]) -> None:
    """Keep their keys, then apply their records in the order of each feed; what is neither is refused.

    Other feeds than `up` have none. What is told ahead holds, and is judged when it comes with the rest.
    """
    own = [page for page in pages if page.feed == UP]
    ahead = [page for page in own if page.ahead]
    early = [entry for page in ahead for entry in page.received]
    await keep_keys(ctx, [entry for entry in early if entry.type == KEY])
    await apply_entries(ctx, [entry for entry in early if entry.type == "record"], EntryResults(ahead))
    whole = [page for page in own if not page.ahead]
    entries = [entry for page in whole for entry in page.received]
    results = EntryResults(whole)
    for entry, refusal in await keep_keys(ctx, [entry for entry in entries if entry.type == KEY]):
        results.refuse(entry, refusal)
    about = [entry for entry in entries if entry.type == "record" or (entry.unknown and entry.record)]
    await apply_entries(ctx, about, results)
    for entry in entries:
        if entry.unknown is not None and entry.record is None:
            results.refuse(entry, reason(NEWER_VERSION))
        elif entry.unknown is None and entry.type not in {KEY, "record"}:
            results.refuse(entry, reason("unreadable_entry"))
    results.emit(ctx)
