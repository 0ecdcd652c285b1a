"""What became of a higher tier's entries, told for the exchange: the node above learns who has taken over what."""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from creditmesh.catalogue.store import RefusedEntry
from creditmesh.chassis.context import Context
from creditmesh.schemas.acknowledgements import EntryRefusal
from creditmesh.schemas.events import EntriesJudged, PageReceived
from creditmesh.schemas.exchange import NEWER_VERSION
from creditmesh.schemas.received import ReceivedEntry

_ANSWERED = "down"
"""The feed whose entries are all the catalogue's to judge; `down-<node>` carries what others said."""
EntryPlace = tuple[str, str, int]


def answer(
    ctx: Context,
    pages: Sequence[PageReceived],
    mended: Sequence[RefusedEntry],
    refused: Mapping[EntryPlace, RefusedEntry],
) -> None:
    """Tell what became of these pages, whole, and of entries that had waited until now."""
    for page in pages:
        if page.feed == _ANSWERED:
            wrong = tuple(filter(None, (_wrong(entry, refused) for entry in page.received)))
            ctx.emit(EntriesJudged(peer=page.peer, feed=page.feed, first=page.first, until=page.until, refused=wrong))
    for row in mended:
        if row.feed == _ANSWERED:
            ctx.emit(EntriesJudged(peer=row.peer, feed=_ANSWERED, first=row.index, until=row.index + 1))


def _wrong(entry: ReceivedEntry, refused: Mapping[EntryPlace, RefusedEntry]) -> EntryRefusal | None:
    if entry.line is None:
        return EntryRefusal(index=entry.index, code="unreadable_entry" if entry.unknown is None else NEWER_VERSION)
    row = refused.get((entry.peer, entry.feed, entry.index))
    return None if row is None else _refusal(entry.index, row)


def _refusal(index: int, row: RefusedEntry) -> EntryRefusal:
    try:
        return EntryRefusal.model_validate({"index": index, "code": row.errors[0]["code"]})
    except (ValidationError, LookupError):
        return EntryRefusal(index=index, code="refused")
