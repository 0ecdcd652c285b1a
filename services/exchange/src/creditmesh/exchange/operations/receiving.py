"""A verified page of a peer's feed: kept and told in one transaction with the copy's new head."""

from collections.abc import Sequence
from datetime import datetime

import orjson
from pydantic import ValidationError

from creditmesh.chassis.context import Context
from creditmesh.exchange.operations import answering
from creditmesh.exchange.store import catching_up, copies
from creditmesh.exchange.store.catching_up import HeldEntry
from creditmesh.exchange.store.copies import FeedCopy
from creditmesh.schemas.events import AcknowledgementReceived, CatalogueReceived, EntryReceived, FeedKeyReceived
from creditmesh.schemas.exchange import EntryLine, FeedEntry, LineType, base64_text
from creditmesh.schemas.pages import BadPage, VerifiedPage

_AT_ONCE = 500
_TOLD: dict[LineType, type[EntryReceived]] = {
    "feed.key": FeedKeyReceived,
    "catalogue": CatalogueReceived,
    "acknowledged": AcknowledgementReceived,
}


async def receive(
    ctx: Context, before: FeedCopy, entries: Sequence[FeedEntry], page: VerifiedPage, *, note: str
) -> None:
    """Keep the entries of a page that was verified, and tell them in their order.

    Of a copy that is behind the head that was announced, entries about records are held back until it stands there.
    Uncertain if the copy is elsewhere; BadPage for an entry of a kind that this version cannot handle.
    """
    session = await ctx.session()
    await copies.move(session, before, page.after, note=note)
    at, part = ctx.instant, ctx.part(f"{before.peer}/{before.feed}")
    rows, held = [], list[HeldEntry]()
    for entry in entries:
        line = _line(entry)
        row = _row(ctx, before, entry, line, at=at, part=part)
        rows.append(row)
        if line.record is not None:
            if before.behind:
                held.append(HeldEntry(before.peer, before.feed, entry.index, line.record, _replaces(line)))
            else:
                ctx.emit_row(row[1], part=part)
        else:
            ctx.emit(
                _TOLD[line.type](
                    peer=before.peer, feed=before.feed, index=entry.index, line=entry.line, body=entry.body
                )
            )
    await copies.write(session, rows)
    await catching_up.hold_back(session, held)
    if before.behind and page.after.size >= (before.announced or 0):
        await _let_go(ctx, before)


async def _let_go(ctx: Context, copy: FeedCopy) -> None:
    """Tell what was held back, in its order, without the content of what was replaced or ended meanwhile."""
    session = await ctx.session()
    gone = await catching_up.replaced(session, copy.peer, copy.feed)
    for first in range(0, len(gone), _AT_ONCE):
        await answering.forget(session, [(copy.peer, copy.feed, index) for index in gone[first : first + _AT_ONCE]])
    async for rows in catching_up.held(session, copy.peer, copy.feed):
        for part, id_ in rows:
            ctx.emit_row(id_, part=part)
        await ctx.flush()
    await catching_up.done(session, copy.peer, copy.feed)


def _replaces(line: EntryLine) -> bool:
    """Whether nothing that was said of the record before is to be shown once this is."""
    return line.change not in {"marked", "unmarked", "discharged"}


def _line(entry: FeedEntry) -> EntryLine:
    try:
        line = EntryLine.model_validate_json(entry.line)
    except ValidationError as error:
        raise BadPage("malformed", entry.index) from error  # a type of entry that this version does not know
    if (line.type == "record") != (line.record is not None and line.rev is not None):
        raise BadPage("malformed", entry.index)
    return line


def _row(
    ctx: Context, copy: FeedCopy, entry: FeedEntry, line: EntryLine, *, at: datetime, part: int
) -> copies.Received:
    data = {
        "peer": copy.peer,
        "feed": copy.feed,
        "index": entry.index,
        "line": entry.line,
        "salt": None if entry.salt is None else base64_text(entry.salt),
        "body": entry.body,
        "record": line.record,
        "rev": line.rev,
    }
    return (
        part, ctx.new_id(), f"{copy.peer}/{copy.feed}", at, ctx.legal_date, ctx.traceparent, copy.peer, copy.feed,
        entry.index, line.record, line.rev, orjson.dumps(data),
    )  # fmt: skip
