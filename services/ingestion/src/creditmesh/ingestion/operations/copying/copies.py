"""Copies: what peers send of their records is judged, and applied in the order of the feed.

Who speaks is asked of every entry, and first; what it says only of entries with content. A mark or an end applies to
the copy that is held here, whatever has become of its item. Where none is held an end or a discharge is remembered:
content that it came after is not shown, and who was discharged stays so in content that comes later. An entry that came
before changes nothing. Of a record whose newest content is refused here, or gone, or of which something waits, nothing
is shown until content comes that is accepted: also that very content, for what stands in its place is no revision of
the origin's.

The node's own entries come so too, when they were fetched back after a restore: they are its records again, with the
ids and numbers that they had.
"""

from collections.abc import Sequence

from creditmesh.chassis.context import Context
from creditmesh.ingestion.operations.copying.copy_book import CopyBook
from creditmesh.ingestion.operations.copying.entries import PeerEntry, read_entry
from creditmesh.ingestion.operations.copying.entry_results import EntryResults
from creditmesh.ingestion.operations.copying.peer_gate import refused_sender
from creditmesh.ingestion.operations.copying.peer_intake import PeerIntake
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import HIDING, NOT_JUDGED, TOLD
from creditmesh.schemas.origins import NOT_OF_ORIGIN
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.received import ReceivedEntry


async def apply_entries(ctx: Context, received: Sequence[ReceivedEntry], results: EntryResults) -> None:
    """Judge these entries of records, write what was accepted, and say what became of each.

    Transient if something was refused while this process has not followed the catalogue to its announced head: the run
    is done again, by what the catalogue says then.
    """
    entries, directory, intake = [read_entry(each) for each in received], ctx.followed(Directory), PeerIntake(ctx)
    for entry in entries:
        entry.own = entry.peer == entry.origin == ctx.node.code
        if not entry.waits:
            party = directory.party(entry.peer)
            sender = None if entry.own else refused_sender(party, entry.origin, node=ctx.node.code)
            entry.authorised = sender is None
            entry.refusal = (sender if entry.origin else None) or entry.refusal
        if entry.item is not None and entry.refusal is not None and entry.refusal.code == NOT_JUDGED:
            entry.refusal = intake.refuses(entry.item, own=entry.own) or entry.refusal
    await intake.take(
        [entry for entry in entries if entry.refusal is None and entry.body is not None and not entry.changes_state]
    )
    if any(entry.refusal is not None for entry in entries):
        await ctx.assert_followed()
    copies = CopyBook(ctx)
    await copies.open(entries)
    for entry in entries:
        refusal = entry.refusal or (None if entry.replaced else copies.apply(entry))
        heard = entry.authorised or entry.anew
        if entry.waits or (heard and (entry.replaced if refusal is None else _withholds(entry, refusal))):
            copies.withhold(entry)
        if refusal is not None:
            results.refuse(entry, refusal)
        elif (ended := copies.ended_by(entry)) is not None:
            results.ended(entry, ended)
        if entry.change in TOLD:
            results.track(entry, entry.record)
    await copies.write()


def _withholds(entry: PeerEntry, refusal: FieldError) -> bool:
    """Whether what stands is not what the origin says any more: but for nine characters that this node cannot read.

    A discharge of which this node cannot say whom it is about leaves nobody restricted by the record. What this node
    said itself and cannot make again takes its number so, and is shown by nobody; nor is what it had ended, where the
    end cannot be made again: its party has to say that it stands.
    """
    if refusal.code == NOT_OF_ORIGIN:
        return entry.change in HIDING  # the sender's own word: it may say at any time that it shows nothing of it
    if entry.changes_state:
        return entry.change == "discharged" or (entry.own and entry.change in HIDING)
    return entry.own or refusal.code != "whole_code_needed"
