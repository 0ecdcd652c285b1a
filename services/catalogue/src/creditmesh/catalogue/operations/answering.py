"""What became of a higher tier's entries, told for the exchange: the node above learns who has taken over what."""

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from creditmesh.catalogue.store import RefusedEntry
from creditmesh.chassis.context import Context
from creditmesh.schemas.acknowledgements import EntryRefusal
from creditmesh.schemas.events import CatalogueReceived, EntriesJudged

_ANSWERED = "down"
"""The feed whose entries are all the catalogue's to judge; `down-<node>` carries what others said."""
EntryPlace = tuple[str, str, int]


def answer(
    ctx: Context,
    heard: Sequence[CatalogueReceived],
    mended: Sequence[RefusedEntry],
    refused: Mapping[EntryPlace, RefusedEntry],
) -> None:
    """Tell what became of the entries that were heard, once a peer, and of those that had waited until now."""
    indices: dict[str, list[int]] = {}
    for event in heard:
        if event.feed == _ANSWERED:
            indices.setdefault(event.peer, []).append(event.index)
    for peer, told in indices.items():
        rows = ((index, refused.get((peer, _ANSWERED, index))) for index in sorted(told))
        wrong = tuple(_refusal(index, row) for index, row in rows if row is not None)
        ctx.emit(EntriesJudged(peer=peer, feed=_ANSWERED, first=min(told), until=max(told) + 1, refused=wrong))
    for row in mended:
        if row.feed == _ANSWERED:
            ctx.emit(EntriesJudged(peer=row.peer, feed=_ANSWERED, first=row.index, until=row.index + 1))


def _refusal(index: int, row: RefusedEntry) -> EntryRefusal:
    try:
        return EntryRefusal.model_validate({"index": index, "code": row.errors[0]["code"]})
    except (ValidationError, LookupError):
        return EntryRefusal(index=index, code="refused")
