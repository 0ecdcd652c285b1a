"""Copies: what peers send of their records is judged, and applied in the order of the feed.

Who speaks is asked of every entry; what it says only of entries with content. A mark or an end applies to the copy that
is held here, whatever has become of its item, and where none is held there is nothing to do. An entry that came before
changes nothing. Of a record whose newest content is refused here, or gone, nothing is shown until content comes that is
accepted.

The node's own entries come so too, when they were fetched back after a restore: they are its records again, with the
ids and numbers that they had.
"""

from collections.abc import Sequence
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.ingestion.operations.copying.entries import PeerEntry, read_entry
from creditmesh.ingestion.operations.copying.entry_results import EntryResults
from creditmesh.ingestion.operations.copying.peer_gate import refused_sender
from creditmesh.ingestion.operations.copying.peer_intake import PeerIntake, assert_followed
from creditmesh.ingestion.operations.records.candidates import Candidate
from creditmesh.ingestion.operations.records.record_book import PeerRevision, RecordBook, StateChange
from creditmesh.ingestion.revisions import Attribution
from creditmesh.ingestion.store import copies as store
from creditmesh.ingestion.store import revisions
from creditmesh.ingestion.store.revisions import Place, RevisionSaid
from creditmesh.ingestion.verdicts import Known
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import TOLD, RecordBody
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.received import ReceivedEntry


async def apply_entries(ctx: Context, received: Sequence[ReceivedEntry], results: EntryResults) -> None:
    """Judge these entries of records, write what was accepted, and say what became of each.

    Transient if something was refused while this process has not followed the catalogue to its announced head: the run
    is done again, by what the catalogue says then.
    """
    entries, directory = [read_entry(each) for each in received], ctx.followed(Directory)
    for entry in entries:
        entry.own = entry.peer == entry.origin == ctx.node.code
        sender = None if entry.own else refused_sender(directory.party(entry.peer), entry.origin, node=ctx.node.code)
        entry.authorised, entry.refusal = sender is None, entry.refusal or sender
    await PeerIntake(ctx).take(
        [entry for entry in entries if entry.refusal is None and entry.body is not None and not entry.changes_state]
    )
    if any(entry.refusal is not None for entry in entries):
        await assert_followed(ctx)
    copies = _Copies(ctx)
    await copies.open(entries)
    for entry in entries:
        refusal = entry.refusal or (None if entry.says_nothing else copies.apply(entry))
        if entry.authorised and (entry.says_nothing if refusal is None else _withholds(entry, refusal)):
            copies.withhold(entry)
        if entry.own and entry.says_nothing:
            refusal = reason("unreadable_entry")
        if refusal is not None:
            results.refuse(entry, refusal)
        elif (ended := copies.ended_by(entry)) is not None:
            results.ended(entry, ended)
        if entry.change in TOLD:
            results.track(entry, entry.record)
    await copies.write()


def _withholds(entry: PeerEntry, refusal: FieldError) -> bool:
    """Whether what stands is not what the origin says any more: but for nine characters that this node cannot read.

    A discharge of which this node cannot say whom it is about leaves nobody restricted by the record.
    """
    if entry.own:
        return False
    return entry.change == "discharged" or not (entry.changes_state or refusal.code == "whole_code_needed")


class _Copies:
    """The copies of one transaction, in a book that is open at all of them."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._book = RecordBook(ctx)
        self._held: dict[UUID, Place] = {}
        self._expired: set[Place] = set()
        """Where copies were that ended here by the law of a day, and were deleted."""
        self._own_ids: set[UUID] = set()
        """Ids that are no copies', but of revisions of this node's own."""
        self._said: dict[tuple[Place, int], RevisionSaid] = {}
        """Of entries that came before: what the revisions of their numbers are here."""
        self._begun: list[tuple[int, UUID, Place]] = []

    async def open(self, entries: Sequence[PeerEntry]) -> None:
        """Find what is held under the entries' ids (a record never moves), lock everybody, read what stands."""
        session = await self._ctx.session()
        records = {entry.record for entry in entries if entry.authorised}
        self._held = await store.held(session, {record: self._ctx.part(str(record)) for record in records})
        own = {entry.record for entry in entries if entry.own}
        self._held |= await revisions.homes(session, own, parts=self._ctx.node.parts)
        made = [(entry.record, entry.candidate) for entry in entries if entry.candidate is not None]
        for record, candidate in made:
            held = self._held.get(record)
            candidate.place = next((place for place in candidate.places if place == held), candidate.place)
        new = [(candidate.place[0], record) for record, candidate in made if record not in self._held]
        self._own_ids = set(await revisions.firsts(session, new))
        await self._book.open_newest({*self._held.values(), *(candidate.place for _, candidate in made)})
        self._said = await revisions.said(session, self._numbered(entries))
        self._expired = await revisions.expired(session, (place for _, each in made for place in _told_by(each)))

    def apply(self, entry: PeerEntry) -> FieldError | None:
        """Apply an entry that was not refused so far; why it is refused after all."""
        held, candidate = self._held.get(entry.record), entry.candidate
        place = held if candidate is None else candidate.place
        if place is None:
            return reason("unreadable_entry") if entry.own else None
        newest = self._book.newest(place)
        if entry.record in self._own_ids or held not in {None, place} or not self._is_of(entry, place, newest):
            return reason("another_record")
        if newest is not None and entry.rev <= newest.rev:
            return self._came_before(entry, place, newest)
        if newest is None and candidate is not None and not self._expired.isdisjoint(_told_by(candidate)):
            return reason("retention_over")
        if newest is not None and entry.change == "discharged" and self._discharged(entry, place) is None:
            return reason("unreadable_entry" if entry.body is None else "contradictory_entry")
        if candidate is not None:
            self._add(entry.known_body, candidate)
        elif newest is not None:
            self._book.change_state(place, self._change_of(entry, place))
        return None

    def withhold(self, entry: PeerEntry) -> None:
        """Show nothing of the copy whose newer content was refused: what it says is what its origin says no more."""
        place = self._held.get(entry.record)
        newest = None if place is None else self._book.newest(place)
        if place is None or newest is None or newest.state != "published" or entry.rev <= newest.rev:
            return
        if self._is_of(entry, place, newest):
            revision = PeerRevision(entry.record, entry.rev)
            self._book.change_state(place, StateChange(change="withheld", peer_revision=revision))

    def ended_by(self, entry: PeerEntry) -> UUID | None:
        """The subject whose record here this entry marks or ends; None for content, and where none is held."""
        held = self._held.get(entry.record) if entry.changes_state else None
        return None if held is None else held[1]

    async def write(self) -> None:
        """Write what was applied, in that order."""
        await self._book.write()
        await store.add(await self._ctx.session(), self._begun)

    def _numbered(self, entries: Sequence[PeerEntry]) -> set[tuple[Place, int]]:
        """Where these entries came before, and their numbers."""
        found = set[tuple[Place, int]]()
        for entry in entries:
            place = self._held.get(entry.record) if entry.candidate is None else entry.candidate.place
            newest = None if place is None or not entry.authorised else self._book.newest(place)
            if place is not None and newest is not None and entry.rev <= newest.rev:
                found.add((place, entry.rev))
        return found

    def _came_before(self, entry: PeerEntry, place: Place, newest: Known) -> FieldError | None:
        if entry.rev == newest.rev and newest.state == "withheld" and not entry.changes_state:
            return reason("withheld_here")
        return reason("contradictory_entry") if self._contradicts(entry, place) else None

    def _contradicts(self, entry: PeerEntry, place: Place) -> bool:
        """Whether another revision has its number here: a number is used once.

        What was withheld here in its place is no other. An own one that is not here stands nowhere.
        """
        said = self._said.get((place, entry.rev))
        if said is None or (said.change == "withheld" and not entry.own):
            return entry.own
        if said.change != entry.change or entry.changes_state or entry.body is None:
            return said.change != entry.change
        return said.revision != str(entry.body.revision)

    def _is_of(self, entry: PeerEntry, place: Place, newest: Known | None) -> bool:
        """Whether what stands there, if anything, is the entry's record."""
        return newest is None or (newest.record == entry.record and self._book.says(place)["origin"] == entry.origin)

    def _add(self, body: RecordBody, candidate: Candidate) -> None:
        by = Attribution(
            origin=body.origin,
            party=body.party,
            item=candidate.item.code,
            item_version=candidate.item.number,
            reason=body.reason,
            basis=body.basis,
            case=body.case,
        )
        revision = PeerRevision(body.record, body.rev, body.revision, body.mark)
        self._book.add(candidate, by, change=body.change, peer_revision=revision)
        if body.record not in self._held:
            self._held[body.record] = candidate.place
            if body.origin == self._ctx.node.code:
                return
            self._begun.append((self._ctx.part(str(body.record)), body.record, candidate.place))

    def _discharged(self, entry: PeerEntry, place: Place) -> UUID | None:
        """Who has the role here whose holder concerns the record no more; None if it cannot be told."""
        if entry.body is None:
            return None
        role, related = entry.body.role, self._book.says(place)["related"]
        return next((UUID(each["subject"]) for each in related if each["role"] == role), None)

    def _change_of(self, entry: PeerEntry, place: Place) -> StateChange:
        body = entry.body
        if body is None:
            return StateChange(change=entry.change, peer_revision=PeerRevision(entry.record, entry.rev))
        return StateChange(
            change=entry.change,
            reason=body.reason,
            basis=body.basis,
            case=body.case,
            about=self._discharged(entry, place) if entry.change == "discharged" else None,
            ends_mark=body.mark is None,
            peer_revision=PeerRevision(body.record, body.rev, body.revision),
        )


def _told_by(candidate: Candidate) -> Sequence[Place]:
    """The places that are its own record's beyond doubt: others may be of another one under the same decision."""
    return candidate.places if candidate.is_whole_decision else (candidate.place,)
