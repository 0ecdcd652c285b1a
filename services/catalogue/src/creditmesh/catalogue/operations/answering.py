"""What became of a higher tier's entries, told for the exchange: the node above learns who has taken over what."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from pydantic import ValidationError

from creditmesh.catalogue.store import RefusedEntry
from creditmesh.chassis.context import Context
from creditmesh.schemas.acknowledgements import MOST_ANSWERED, EntryRefusal
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
    for peer, run in groupby((page for page in pages if page.feed == _ANSWERED), key=lambda page: page.peer):
        for stretch in _stretches(run):
            wrong = (_wrong(entry, refused) for page in stretch for entry in page.received)
            first, until = stretch[0].first, stretch[-1].until
            ctx.emit(
                EntriesJudged(peer=peer, feed=_ANSWERED, first=first, until=until, refused=tuple(filter(None, wrong)))
            )
    for row in mended:
        if row.feed == _ANSWERED:
            ctx.emit(EntriesJudged(peer=row.peer, feed=_ANSWERED, first=row.index, until=row.index + 1))


def _stretches(pages: Iterable[PageReceived]) -> list[list[PageReceived]]:
    """Pages that follow each other without a gap, as many as one answer may be about."""
    found: list[list[PageReceived]] = []
    for page in pages:
        if found and found[-1][-1].until == page.first and page.until - found[-1][0].first <= MOST_ANSWERED:
            found[-1].append(page)
        else:
            found.append([page])
    return found


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
