"""The copies of one transaction: where they are, how far they are counted, and what was said of what is not held."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.ingestion.operations.copying.early_changes import EarlyChanges
from creditmesh.ingestion.operations.copying.entries import PeerEntry
from creditmesh.ingestion.operations.copying.peer_gate import refused_sender
from creditmesh.ingestion.operations.records.candidates import Candidate
from creditmesh.ingestion.operations.records.peer_revision import PeerRevision
from creditmesh.ingestion.operations.records.record_book import RecordBook, StateChange
from creditmesh.ingestion.revisions import Attribution
from creditmesh.ingestion.store import copies as store
from creditmesh.ingestion.store import revisions
from creditmesh.ingestion.store.revisions import Place, RevisionSaid
from creditmesh.ingestion.verdicts import Known
from creditmesh.schemas.bounds import MOST_REVISIONS
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import ENDS, HIDING, NEWER_VERSION, STATE_CHANGES, effect
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason


class CopyBook:
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
        self._shown: dict[Place, int] = {}
        """Of copies that are withheld: the newest revision, as its origin counts it, that was applied before."""
        self._published: dict[Place, int] = {}
        """Of copies that are not shown: the newest revision, as its origin counts it, after which they were."""
        self._early = EarlyChanges(ctx)

    async def open(self, entries: Sequence[PeerEntry]) -> None:
        """Find what is held under the entries' ids (a record never moves), lock everybody, read what stands."""
        session = await self._ctx.session()
        records = {entry.record for entry in entries if entry.authorised or entry.waits or entry.anew}
        parts = {record: self._ctx.part(str(record)) for record in records}
        self._held = await store.held(session, parts)
        own = {entry.record for entry in entries if entry.own}
        self._held |= await revisions.homes(session, own, parts=self._ctx.node.parts)
        astray = {entry.record for entry in entries if entry.anew} - self._held.keys()
        found = await store.astray(session, astray, node=self._ctx.node.code, parts=self._ctx.node.parts)
        self._held |= found
        self._begun += [(parts[record], record, place) for record, place in found.items() if record in parts]
        made = [(entry.record, entry.candidate) for entry in entries if entry.candidate is not None]
        for record, candidate in made:
            held = self._held.get(record)
            candidate.place = next((place for place in candidate.places if place == held), candidate.place)
        new = [(candidate.place[0], record) for record, candidate in made if record not in self._held]
        self._own_ids = set(await revisions.firsts(session, new))
        await self._book.open_newest({*self._held.values(), *(candidate.place for _, candidate in made)})
        self._said = await revisions.said(session, self._numbered(entries))
        withheld = {record: place for record, place in self._held.items() if self._state(place) == "withheld"}
        self._shown = await revisions.newest_of(session, withheld.values(), {"published", *ENDS})
        hidden = {
            record: place for record, place in self._held.items() if self._state(place) not in {None, "published"}
        }
        self._published = await revisions.newest_of(session, hidden.values(), {"published"})
        await self._early.open({r: parts[r] for r, _ in made if r not in self._held or r in hidden})
        self._expired = await revisions.expired(session, (place for _, each in made for place in _told_by(each)))

    def apply(self, entry: PeerEntry) -> FieldError | None:
        """Apply an entry that was not refused so far; why it is refused after all."""
        held, candidate = self._held.get(entry.record), entry.candidate
        place = held if candidate is None else candidate.place
        if place is None:
            return reason("unreadable_entry") if entry.own else self._remember(entry)
        newest = self._book.newest(place)
        if entry.record in self._own_ids or held not in {None, place} or not self._is_of(entry, place, newest):
            return reason("another_record")
        if self._came_before(entry, place):
            return reason("contradictory_entry") if self._contradicts(entry, place) else self._passed(entry)
        if entry.change == "discharged" and self._state(place) == "withheld" and not self._waits(place):
            # Of content that was refused: who that is, what stands here does not say.
            return reason("contradictory_entry") if entry.own else self._remember(entry)
        if (refusal := self._refusal(entry, place)) is not None:
            return refusal
        if candidate is not None:
            self._add(entry, candidate)
        elif newest is not None:
            self._note_shown(place)
            self._book.change_state(place, self._change_of(entry, place))
        return None

    def _passed(self, entry: PeerEntry) -> FieldError | None:
        """A discharge that comes after the end that it stood before: it waited, or its content was refused."""
        discharged = entry.change == "discharged" and not entry.own
        return self._remember(entry) if discharged and entry.rev > self._shown_rev(entry.record) else None

    def _refusal(self, entry: PeerEntry, place: Place) -> FieldError | None:
        newest, candidate = self._book.newest(place), entry.candidate
        if entry.own and entry.change == "withheld":  # what is here was not to be shown above: what it was is gone
            return reason("content_gone")
        if not self._has_room(entry, newest):
            return reason("contradictory_entry")
        if newest is None and candidate is not None and not self._expired.isdisjoint(_told_by(candidate)):
            return reason("retention_over")
        if newest is not None and entry.change == "discharged" and self._discharged(entry, place) is None:
            return (None if entry.own else self._remember(entry)) or reason("contradictory_entry")
        return None

    def withhold(self, entry: PeerEntry) -> None:
        """Show nothing of the copy of which something newer was refused or waits: it is said no more, or perhaps not.

        What waits does not always say which revision it is. What it turns out to be may be refused then. Each revision
        of this node's own that cannot be made again takes its number, for above it is that revision's. An end that
        cannot, since another revision has its number here, hides what was made of the record after it was lost.
        """
        place = self._held.get(entry.record)
        state = None if place is None else self._state(place)
        if place is None or state is None:
            return
        waits = self._waits(place)
        ended = entry.own and entry.change in ENDS
        if not (state == "published" or (waits and not entry.waits) or (entry.own and not ended)):
            return
        reached = self._shown.get(place, 0) if waits else self._book.origin_rev(place)
        reached = 0 if entry.anew and not entry.replaced else reached
        unproven = entry.unproven and entry.rev > reached  # how far its number goes is nobody's word
        rev = reached + 1 if entry.waits or ended or unproven else entry.rev
        if rev > reached and self._book.history(place)[-1].rev < MOST_REVISIONS and self._may_withhold(entry, place):
            self._note_shown(place)
            why = NEWER_VERSION if entry.waits else None
            what = StateChange(change="withheld", reason=why)
            if entry.own and entry.effect == "withheld":  # it may be what a case left of the record
                what = self._change_of(entry, place)
            self._book.change_state(place, replace(what, peer_revision=PeerRevision(entry.record, rev)))

    def _waits(self, place: Place) -> bool:
        """Whether what stands there is withheld because something that was said of it waited."""
        says = self._book.says(place) if self._state(place) == "withheld" else None
        return says is not None and effect(says["change"], says["reason"]) == "waits"

    def _state(self, place: Place) -> str | None:
        newest = self._book.newest(place)
        return None if newest is None else newest.state

    def _note_shown(self, place: Place) -> None:
        """Note what is applied there before something else is."""
        if self._state(place) != "withheld":
            self._shown[place] = self._book.origin_rev(place)
        if self._state(place) == "published":
            self._published[place] = self._book.origin_rev(place)

    def _came_before(self, entry: PeerEntry, place: Place) -> bool:
        """Whether it changes nothing: what is held is newer or withheld for good, or it ended before it came."""
        withheld = entry.change == "withheld" and self._state(place) == "withheld" and not entry.own
        for_good = withheld and (entry.effect == "waits" or not self._waits(place))
        ended = entry.record not in self._held and self._early.has_ended(entry)
        return for_good or ended or entry.rev <= self._reached(entry, place)

    def _reached(self, entry: PeerEntry, place: Place) -> int:
        """The revision that this one has to be newer than: in what stands for refused content none is counted."""
        if entry.anew:
            return 0
        newest_withholds = self._state(place) == "withheld" and self._book.says(place)["change"] == "withheld"
        if newest_withholds or (self._state(place) == "withheld" and not entry.changes_state):
            return self._shown.get(place, 0)
        return self._book.origin_rev(place)

    def _shown_rev(self, record: UUID) -> int:
        """The newest revision of the record, as its origin counts it, that is shown or was; 0 of what is not held."""
        place = self._held.get(record)
        if place is None or self._state(place) != "published":
            return 0 if place is None else self._published.get(place, 0)
        return self._book.origin_rev(place)

    def _remember(self, entry: PeerEntry) -> FieldError | None:
        return self._early.remember(entry, shown=self._shown_rev(entry.record))

    def ended_by(self, entry: PeerEntry) -> UUID | None:
        """The subject whose record here this entry marks or ends; None for content, and where none is held."""
        held = self._held.get(entry.record) if entry.changes_state else None
        return None if held is None else held[1]

    async def write(self) -> None:
        """Write what was applied, in that order."""
        await self._book.write()
        session = await self._ctx.session()
        await store.add(session, self._begun)
        await self._early.write()

    def _numbered(self, entries: Sequence[PeerEntry]) -> set[tuple[Place, int]]:
        """Where these entries came before, and their numbers."""
        found: set[tuple[Place, int]] = set()
        for entry in entries:
            place = self._held.get(entry.record) if entry.candidate is None else entry.candidate.place
            if place is not None and entry.authorised and entry.rev <= self._book.origin_rev(place):
                found.add((place, entry.rev))
        return found

    def _contradicts(self, entry: PeerEntry, place: Place) -> bool:
        """Whether another revision has its number here: a number is used once.

        What is withheld here in its place is no other, nor is own content not to be shown above, nor an own lost one.
        """
        said = self._said.get((place, entry.rev))
        if said is None or (said.change == "withheld" and not entry.own):
            return entry.own
        if entry.own and entry.change == "withheld" and said.change not in STATE_CHANGES:
            return False
        if said.change != entry.change or entry.changes_state or entry.body is None:
            return said.change != entry.change
        return said.revision != str(entry.body.revision)

    def _is_of(self, entry: PeerEntry, place: Place, newest: Known | None) -> bool:
        """Whether what stands there, if anything, is the entry's record."""
        return newest is None or (newest.record == entry.record and self._book.says(place)["origin"] == entry.origin)

    def _has_room(self, entry: PeerEntry, newest: Known | None) -> bool:
        """Whether it can be counted here, with a discharge that came early before it, and what hides it behind it."""
        counted = 0 if newest is None else newest.rev
        if entry.change in ENDS:
            return counted < MOST_REVISIONS
        return max(entry.rev, counted + 2) < MOST_REVISIONS

    def _may_withhold(self, entry: PeerEntry, place: Place) -> bool:
        """Whether what stands there is the entry's record; what waits does not always say whose it is."""
        if not entry.waits:
            return self._is_of(entry, place, self._book.newest(place))
        origin = self._book.says(place)["origin"]
        peer = self._ctx.followed(Directory).party(entry.peer)
        return refused_sender(peer, origin, node=self._ctx.node.code) is None

    def _add(self, entry: PeerEntry, candidate: Candidate) -> None:
        body = entry.known_body
        by = Attribution(
            origin=body.origin,
            party=body.party,
            item=candidate.item.code,
            item_version=candidate.item.number,
            reason=body.reason,
            basis=body.basis,
            case=body.case,
        )
        revision = PeerRevision(body.record, body.rev, body.revision, body.mark, entry.anew)
        self._discharge_early(revision, by, candidate)
        self._book.add(candidate, by, change=body.change, peer_revision=revision)
        self._early.came(body.record, body.rev)
        if body.record not in self._held:
            self._held[body.record] = candidate.place
            if body.origin == self._ctx.node.code:
                return
            self._begun.append((self._ctx.part(str(body.record)), body.record, candidate.place))

    def _discharge_early(self, before: PeerRevision, by: Attribution, candidate: Candidate) -> None:
        """Who was discharged between what was shown and this content is so in it: who it was is not known here."""
        shown = self._published.get(candidate.place, 0)
        if self._state(candidate.place) == "published":  # whatever came since was applied
            return
        for role, rev in self._early.discharges(before.record, origin=by.origin, behind=shown, before=before.rev):
            about = candidate.has_role(role)
            if about is not None:
                revision = PeerRevision(before.record, rev, mark=before.mark)
                self._book.add(candidate, by, change="discharged", about=about, peer_revision=revision)
                return

    def _discharged(self, entry: PeerEntry, place: Place) -> UUID | None:
        """Who has the role here whose holder concerns the record no more; None if it cannot be told."""
        if entry.body is None:
            return None
        role, related = entry.body.role, self._book.says(place)["related"]
        return next((UUID(each["subject"]) for each in related if each["role"] == role), None)

    def _change_of(self, entry: PeerEntry, place: Place) -> StateChange:
        body = entry.body
        if body is None:
            lifts = entry.change not in HIDING and self._waits(place)
            revision = PeerRevision(entry.record, entry.rev, anew=entry.anew)
            return StateChange(change=entry.change, lifts=lifts, peer_revision=revision)
        return StateChange(
            change=entry.change,
            reason=body.reason,
            basis=body.basis,
            case=body.case,
            about=self._discharged(entry, place) if entry.change == "discharged" else None,
            false_material=entry.own and body.false_material,
            until=body.display_until,
            ends_mark=body.mark is None,
            lifts=entry.change not in HIDING and self._waits(place),
            peer_revision=PeerRevision(body.record, body.rev, body.revision, anew=entry.anew),
        )


def _told_by(candidate: Candidate) -> Sequence[Place]:
    """The places that are its own record's beyond doubt: others may be of another one under the same decision."""
    return candidate.places if candidate.is_whole_decision else (candidate.place,)
