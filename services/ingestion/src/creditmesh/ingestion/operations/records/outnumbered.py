"""Revisions of this node's own whose numbers its feed has for others: what still stands of them is written once more.

Numbers are given here, under the record's lock, and nowhere else. Only what was decided here is written: a revision
that came back from a node above stands there already.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from itertools import dropwhile
from typing import NamedTuple
from uuid import UUID

import orjson
import structlog

from creditmesh.chassis.context import Context
from creditmesh.ingestion.operations.records.record_book import RecordBook
from creditmesh.ingestion.store import revisions
from creditmesh.ingestion.store.revisions import Place, Stored
from creditmesh.schemas.bounds import MOST_REVISIONS
from creditmesh.schemas.events import RevisionOutnumbered
from creditmesh.schemas.exchange import BESIDE_CONTENT
from creditmesh.schemas.words import Change

_log = structlog.get_logger(__name__)


class OwnDecision(NamedTuple):
    """A revision that was decided here."""

    stored: Stored
    change: Change
    about: str | None
    """Of a discharge: whom it is about."""


async def write_above(ctx: Context, asked: Sequence[RevisionOutnumbered]) -> None:
    """Write what these revisions decided, as far as it still stands, as the next revisions of their records.

    Nothing where all that still stands has higher numbers than their feed: it is shared by itself.
    """
    session = await ctx.session()
    ids, above = defaultdict[UUID, set[UUID]](set), defaultdict[UUID, int](int)
    for each in asked:
        ids[each.record].add(each.revision)
        above[each.record] = max(above[each.record], each.above)
    places = await revisions.homes(session, ids.keys(), parts=ctx.node.parts)
    book = RecordBook(ctx)
    await book.open_newest(places.values())
    for record, place in places.items():
        history = await revisions.revisions(session, record, parts=ctx.node.parts)
        _write(book, place, decided_since(history, ids[record]), above=above[record])
    await book.write()


def _write(book: RecordBook, place: Place, decided: Sequence[OwnDecision], *, above: int) -> None:
    again = standing(decided)
    if all(each.stored.rev > above for each in again):
        return
    if max(book.history(place)[-1].rev, above) + len(again) > MOST_REVISIONS:
        _log.error("no number is left for what was decided of a record", record=str(again[0].stored.record))
        return
    for each in again:
        book.write_again(place, each.stored, above=above, mark=decided[-1].stored.mark)


def decided_since(history: Sequence[Stored], ids: Collection[UUID]) -> list[OwnDecision]:
    """What was decided here of a record, from the first of these revisions on; nothing where none of them was.

    A revision that came from a feed has another id than its row, and a node that withholds decides nothing.
    """
    read = [(each, orjson.loads(each.data)) for each in history]
    own = [
        OwnDecision(each, event["change"], event.get("about"))
        for each, event in read
        if event["revision"] == str(each.id) and event["change"] != "withheld"
    ]
    return list(dropwhile(lambda each: each.stored.id not in ids, own))


def standing(decided: Sequence[OwnDecision]) -> list[OwnDecision]:
    """Those of these that no later one has replaced: the last content or end, and what came beside it.

    Who was discharged stays so whatever later revisions say, unless the record was erased.
    """
    last = max((n for n, each in enumerate(decided) if each.change not in BESIDE_CONTENT), default=0)
    discharges = {each.about: n for n, each in enumerate(decided) if each.change == "discharged"}
    if decided and decided[last].change == "erased":
        return [decided[last]]
    kept = {n for n in discharges.values() if n < last}
    kept |= {n for n in range(last, len(decided)) if discharges.get(decided[n].about, n) == n}
    return [decided[n] for n in sorted(kept)]
