"""The records that one transaction changes: locked, read, added to, and written, whoever changes them.

What a book has read is read under the locks of all the subjects, so that it stays the newest; a later change of the
same transaction meets what an earlier one has done. Nothing is written before `write`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

import orjson

from creditmesh.chassis.context import Context
from creditmesh.chassis.packing import pack
from creditmesh.ingestion.operations.records.candidates import Candidate
from creditmesh.ingestion.operations.records.peer_revision import PeerRevision, not_always, own_rev, told_rev_of
from creditmesh.ingestion.revisions import Attribution, content_event, state_event
from creditmesh.ingestion.store import ends, erasing, named, revisions, whole_codes
from creditmesh.ingestion.store.revisions import Locked, Place, Stored
from creditmesh.ingestion.store.submissions import Written
from creditmesh.ingestion.verdicts import Known
from creditmesh.schemas.events.record import Change, RecordState
from creditmesh.schemas.exchange import STATE_CHANGES
from creditmesh.schemas.identifiers import SubjectKind


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """What becomes of a record while what it says stays: a mark, an end, a discharge; who says so and why."""

    change: Change
    officer: str | None = None
    reason: str | None = None
    basis: str | None = None
    case: UUID | None = None
    about: UUID | None = None
    """Of a discharge: whom the record concerns no more."""
    false_material: bool = False
    """Of a record that is opened again: its repair was obtained by false material."""
    until: date | None = None
    """Then, when it is shown no more; None: never."""
    ends_mark: bool = False
    """Of a discharge or a withdrawal: whether it decides what the record is marked for."""
    lifts: bool = False
    """Of a mark or a discharge: whether the copy was withheld only because this waited."""
    peer_revision: PeerRevision | None = None
    """As its origin counts it; None of this node's own: the next revision."""


class RecordBook:
    """What is known of these records, and what this transaction adds to them; see the module."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._at = ctx.instant
        self._mac = ctx.keys.key_id("fingerprint"), ctx.keys.algorithm("fingerprint")
        # By natural key: one stands at one place, and the hash of bytes is kept.
        self._histories: dict[bytes, list[Known]] = {}
        self._deleted: dict[bytes, str] = {}
        self._newest: dict[bytes, bytes] = {}
        """Newest events, of those read by `open_newest` and those added."""
        self._queued: list[tuple[UUID, int]] = []
        self._kinds: dict[UUID, SubjectKind] = {}
        """Of those whom the content that was added is about, or names."""
        self.rows: list[tuple[object, ...]] = []
        """To be written, as rows of `store.revisions.COLUMNS`."""
        self._codes: dict[UUID, set[bytes]] = {}
        self._new_codes: set[tuple[UUID, bytes]] = set()
        self._named: set[tuple[UUID, UUID]] = set()
        self._erased: list[tuple[Place, UUID]] = []

    async def open_histories(
        self, places: Collection[Place], *, party: str, doubtful: Collection[bytes] = (), names: Collection[Place] = ()
    ) -> Locked:
        """Lock the subjects at these places and read all revisions there, without what they say.

        Returns what is known under the locks: beside the histories, of this party's reviews and of the names.
        """
        session, locks = await self._ctx.session(), self._ctx.locks(subject for _, subject, _ in places)
        known = await revisions.locked(session, locks, places, party=party, doubtful=doubtful, names=names)
        for natural_key, history in known.histories.items():
            self._histories.setdefault(natural_key, history)
        self._deleted |= known.deleted
        for subject, codes in known.codes.items():
            self._codes.setdefault(subject, set()).update(codes)
        return known

    async def open_newest(self, places: Iterable[Place]) -> None:
        """Lock the subjects at these places and read their newest revisions with what they say.

        Only such records, and those added in this transaction, can change their state.
        """
        wanted = set(places)
        await self._ctx.lock(subject for _, subject, _ in wanted)
        for place, stored in (await revisions.newest(await self._ctx.session(), wanted)).items():
            self._histories[place[2]] = [stored.known]
            self._newest[place[2]] = stored.data

    async def open_ends(self, places: Iterable[Place]) -> None:
        """As `open_newest`, for records that end whatever they say: one that cannot be read is known by its columns."""
        session, wanted = await self._ctx.session(), set(places)
        await self._ctx.lock(subject for _, subject, _ in wanted)
        kinds = await self._ctx.vault.kinds({subject for _, subject, _ in wanted})
        for place, (known, says) in (await ends.newest(session, wanted, kinds)).items():
            self._histories[place[2]], self._newest[place[2]] = [known], says

    def history(self, place: Place) -> list[Known]:
        """The revisions known of the record at this place, this transaction's included; empty if there is none."""
        return self._histories.setdefault(place[2], [])

    def deleted_as(self, place: Place) -> str | None:
        """How the record at this place had ended that was deleted after its term; None if none was."""
        return self._deleted.get(place[2])

    def has_another_code(self, candidate: Candidate) -> bool:
        """Whether its subject stands under other codes of 18 characters, by what was stored and what was added.

        A code that is doubted for itself is looked at anyway.
        """
        if candidate.code is None or candidate.passed.subject.doubts:
            return False
        codes = self._codes.get(candidate.place[1], set())
        return bool(codes) and candidate.code not in codes

    @property
    def written(self) -> Written:
        """What is to be written."""
        return Written(self.rows, self._kinds, [(*each, *self._mac) for each in self._new_codes], self._named)

    def newest(self, place: Place) -> Known | None:
        """The newest of them."""
        history = self._histories.get(place[2])
        return history[-1] if history else None

    def origin_rev(self, place: Place) -> int:
        """The number of the newest at its origin; 0 if there is none."""
        newest = self.newest(place)
        return 0 if newest is None else self.says(place).get("origin_rev") or newest.rev

    def says(self, place: Place) -> dict[str, Any]:
        """The newest event of the record at this place."""
        event: dict[str, Any] = orjson.loads(self._newest[place[2]])
        return event

    def add(
        self,
        candidate: Candidate,
        by: Attribution,
        *,
        change: Change,
        about: UUID | None = None,
        peer_revision: PeerRevision | None = None,
    ) -> UUID:
        """Add a revision with this content: as its origin tells it, or the next one. The id of its row.

        `about`: whom it discharges, where its content came after the discharge.
        """
        place, newest, row = candidate.place, self.newest(candidate.place), self._ctx.new_id()
        if peer_revision is not None:
            record, _, named, mark, _ = peer_revision
            revision = named or self._ctx.new_id()
            rev = own_rev(newest, peer_revision)
            row = record if newest is None else row
        elif newest is None:
            record, rev, revision, mark = row, 1, row, None
        else:
            record, rev, revision, mark = newest.record, newest.rev + 1, row, newest.mark
        known = Known(record, rev, candidate.fingerprint, "published", mark, by.submission, by.party)
        if candidate.representative is not None:
            self._kinds[candidate.representative[0]] = "natural_person"
            self._named.add((candidate.representative[0], record))
        self._kinds[place[1]] = candidate.passed.subject.kind
        event = content_event(
            by, known, revision, change=change, subject=place[1], facts=candidate.facts(),
            sealed=candidate.sealed(record), more=not_always(peer_revision, rev, about),
        )  # fmt: skip
        own = by.origin == self._ctx.node.code
        if own and candidate.code is not None:
            codes = self._codes.setdefault(place[1], set())
            if candidate.code not in codes:
                codes.add(candidate.code)
                self._new_codes.add((place[1], candidate.code))
        # What peers call a subject is theirs to know: names are compared with those of own rows.
        name = candidate.name if own else None
        number = candidate.number if own and newest is None else None
        told_rev = told_rev_of(peer_revision, rev)
        made = self._add(place, row, known, by, event, told_rev=told_rev, name=name, number=number)
        if newest is None and peer_revision is not None and peer_revision.anew:
            self._queued.pop()  # an event of this id was told before what stood here was lost
            return self.add(candidate, by, change=change, about=about, peer_revision=peer_revision)
        return made

    def change_state(self, place: Place, what: StateChange) -> UUID:
        """Mark, unmark or end the record at this place, as one more revision. The id of its row."""
        says, newest, row = self.says(place), self.history(place)[-1], self._ctx.new_id()
        rev = newest.rev + 1 if what.peer_revision is None else own_rev(newest, what.peer_revision)
        # Only what was decided here has the id of its row.
        revision = row if what.peer_revision is None else what.peer_revision.revision or self._ctx.new_id()
        state, mark = _changed(newest, what)
        known = newest._replace(rev=rev, state=state, mark=mark, submission=None)
        # The record's own item and version: one that is no longer collected can still be marked and ended.
        by = Attribution(
            **{name: says[name] for name in ("origin", "party", "item", "item_version")},
            officer=what.officer, reason=what.reason, basis=what.basis, case=what.case,
        )  # fmt: skip
        if what.false_material:
            says |= {"false_material": True, "display_until": what.until and what.until.isoformat()}
        says.pop("origin_rev", None)
        says |= not_always(what.peer_revision, rev, None)
        event = state_event(says, by, known, revision, change=what.change, about=what.about)
        if what.change == "erased":
            self._erased.append((place, known.record))
        told_rev = None if what.change == "withheld" else told_rev_of(what.peer_revision, rev)
        return self._add(place, row, known, by, event, told_rev=told_rev)

    def write_again(self, place: Place, stored: Stored, *, above: int, mark: Literal["disputed"] | None) -> None:
        """Add a revision that this node decided once more, as the next one above that number; marked like this now.

        A mark, an end or a discharge says by itself nothing of what stands there: a mark shows nothing that is hidden.
        """
        said, newest, row = orjson.loads(stored.data), self.history(place)[-1], self._ctx.new_id()
        whole = said if said["change"] not in STATE_CHANGES else self.says(place)
        fingerprint = newest.fingerprint if whole is not said else stored.fingerprint
        state = stored.state if whole is said else _changed(newest, StateChange(change=said["change"]))[0]
        known = Known(newest.record, max(newest.rev, above) + 1, fingerprint, state, mark, None, stored.party)
        by = Attribution(
            **{name: whole[name] for name in ("origin", "party", "item", "item_version")},
            **{name: said[name] for name in ("officer", "reason", "basis", "case")},
        )  # fmt: skip
        whole = {name: value for name, value in whole.items() if name != "origin_rev"}
        event = state_event(whole, by, known, row, change=said["change"], about=said.get("about"))
        self._add(place, row, known, by, event, told_rev=None)

    def forget(self) -> None:
        """Write nothing of what was added; that it was is still known."""
        self.rows.clear()
        self._new_codes.clear()
        self._named.clear()
        self._queued.clear()
        self._kinds.clear()
        self._newest.clear()

    async def write(self) -> None:
        """Write the revisions with their queue rows, in the order they were added, and who is known by them."""
        session = await self._ctx.session()
        await revisions.write(session, self.rows)
        await whole_codes.add(session, self.written.codes)
        await named.add(session, self._named)
        await erasing.add(session, self._erased)
        await self._ctx.vault.know(session, self._kinds)
        self.queue()

    def queue(self) -> None:
        """Gather the queue rows of revisions that are written with something else."""
        for row, part in self._queued:
            self._ctx.emit_row(row, part=part)

    def _add(
        self,
        place: Place,
        row: UUID,
        known: Known,
        by: Attribution,
        event: bytes,
        *,
        told_rev: int | None,
        name: bytes | None = None,
        number: bytes | None = None,
    ) -> UUID:
        ctx, (part, subject, natural_key) = self._ctx, place
        self.rows.append((
            self._at, ctx.legal_date, part, known.rev, by.item_version, row, known.record, subject, by.submission,
            natural_key, known.fingerprint, *self._mac, by.item, by.party, by.origin, by.lane,
            known.state, known.mark, ctx.traceparent, pack(event), name, told_rev, number,
        ))  # fmt: skip
        self._queued.append((row, part))
        self.history(place).append(known)
        self._newest[natural_key] = event
        return row


def _changed(newest: Known, what: StateChange) -> tuple[RecordState, Literal["disputed"] | None]:
    standing: RecordState = "published" if what.lifts else newest.state
    match change := what.change:
        case "marked":
            return standing, "disputed"
        case "unmarked":
            return standing, None
        case "withdrawn":
            return change, None if what.ends_mark else newest.mark
        case "reopened":
            return "published", newest.mark
        case "repaired" | "withheld" | "erased":
            return change, newest.mark
        case "discharged":
            return standing, None if what.ends_mark else newest.mark
        case _:
            raise ValueError(f"{change} changes what a record says")
