"""The register of one transaction: gives every entry its verdict and gathers what is to be written."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import orjson
from pydantic import JsonValue

from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.ingestion.content import sealed_of
from creditmesh.ingestion.operations.intake import Intake, IntakeRow
from creditmesh.ingestion.revisions import Frame, Lane, Slot, event_of, facts_of, revision_row
from creditmesh.ingestion.stated_names import StatedNames
from creditmesh.ingestion.store import reviews, revisions
from creditmesh.ingestion.store.reviews import Review
from creditmesh.ingestion.verdicts import Known, Ruling, decide
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.events.record import Change
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.verdicts import VerdictWord


class EntryVerdict(NamedTuple):
    """The verdict on one entry; `made` is the revision it wrote."""

    verdict: VerdictWord
    record: UUID | None = None
    revision: int | None = None
    review: UUID | None = None
    reasons: Sequence[FieldError] = ()
    made: UUID | None = None
    item: str = ""
    notices: Sequence[FieldError] = ()


class Register:
    """What is known of the entries' records, and what this transaction adds to it.

    Made by `opened`, under the locks of all subjects; `settle` is pure in memory, so that a later row of the same
    transaction meets what an earlier one has done; `write` writes all of it.
    """

    def __init__(self, ctx: Context, intake: Intake, frame: Frame, ciphers: Mapping[UUID, Cipher]) -> None:
        self._ctx = ctx
        self._intake = intake
        self._frame = frame
        self._ciphers = ciphers
        self._histories: dict[bytes, list[Known]] = {}
        self._reviews: dict[bytes, tuple[UUID, reviews.State]] = {}
        self._names = StatedNames()
        self.revisions: list[tuple[object, ...]] = []
        """To be written, as rows of `store.revisions.COLUMNS`."""
        self._events: list[tuple[UUID, int]] = []
        self._held: list[Review] = []

    @classmethod
    async def opened(
        cls, ctx: Context, intake: Intake, frame: Frame, *, entries: Sequence[IntakeRow], ciphers: Mapping[UUID, Cipher]
    ) -> "Register":
        """Lock the subjects of these entries, then read what their records are."""
        register = cls(ctx, intake, frame, ciphers)
        passing = [entry for entry in entries if entry.subject is not None]
        for entry in passing:  # of an attempt that met another writer, they have what was found then
            entry.natural_key = entry.keys[0]
        known = await revisions.locked(
            await ctx.session(),
            ctx.locks(entry.place[1] for entry in passing),
            (place for entry in passing for place in (entry.place, *entry.former_places)),
            party=intake.party.code,
            doubtful={each for entry in passing if entry.holds for each in register._all_fingerprints(entry)},
            names=((*entry.place[:2], entry.name) for entry in passing),
        )
        register._histories, register._reviews = known.histories, known.reviews
        register._names = StatedNames(((each.place[1], each.name) for each in passing), unheard=known.unheard)
        await register._find_former(passing)
        await register._find_reviews(passing)
        return register

    def history(self, entry: IntakeRow) -> list[Known]:
        """Every revision of the entry's record, this transaction's included."""
        return self._histories.setdefault(entry.natural_key, [])

    def is_anothers(self, entry: IntakeRow) -> bool:
        """Whether the entry would change a record of another party."""
        history = self.history(entry)
        fingerprints = self._recognised_by(entry)
        return bool(history) and self._ruled(history, fingerprints).reason == "another_partys_record"

    def settle(self, entry: IntakeRow, *, cleared: bool = False) -> EntryVerdict:
        """The verdict on a submitted row; `cleared`: an officer who may has decided that it goes into the record."""
        if entry.refusals:
            return EntryVerdict("refused", reasons=entry.refusals)
        history = self.history(entry)
        ruling = self._ruled(history, self._recognised_by(entry))
        if ruling.verdict == "held":
            held = None if cleared else self._hold(entry, (*entry.holds, reason("another_partys_record")))
        elif ruling.reason is not None:
            newest = history[-1]
            return EntryVerdict(ruling.verdict, newest.record, newest.rev, reasons=(reason(ruling.reason),))
        else:
            held = None if cleared else self.hold(entry)
        return held or self.revise(entry, "corrected" if history else "accepted")

    def hold(self, entry: IntakeRow) -> EntryVerdict | None:
        """Hold a doubtful row for an officer; None if there is no doubt, or an officer has cleared exactly this row."""
        others = self._named_otherwise(entry, "another_name") if entry.kind == "natural_person" else ()
        doubts = (*entry.holds, *others)
        if not doubts or self._review_of(entry)[1] == "released":
            return None
        return self._hold(entry, doubts)

    def _named_otherwise(self, entry: IntakeRow, code: str) -> tuple[FieldError, ...]:
        # Of a correction it is the name that changes.
        if self.history(entry) or not self._names.is_another(entry.place[1], entry.name):
            return ()
        return (reason(code, f"/{self._intake.item.roles.name}"),)

    def _hold(self, entry: IntakeRow, why: Sequence[FieldError]) -> EntryVerdict:
        review, state = self._review_of(entry)
        if state == "refused":
            return EntryVerdict("refused", reasons=(*why, reason("review_refused")))
        if review is None:
            review = self._ctx.new_id()
            self._reviews[entry.fingerprint] = (review, "held")
            self._held.append(self._review(review, entry, why))
        return EntryVerdict("held", review=review, reasons=why)

    def _review_of(self, entry: IntakeRow) -> tuple[UUID | None, reviews.State]:
        known = (self._reviews[each] for each in self._all_fingerprints(entry) if each in self._reviews)
        return next(known, (None, "held"))

    def _ruled(self, history: Sequence[Known], fingerprints: frozenset[bytes]) -> Ruling:
        return decide(history, fingerprints, submission=self._frame.submission, party=self._frame.party)

    def _recognised_by(self, entry: IntakeRow) -> frozenset[bytes]:
        # How content was recognised before is asked only of a record that exists and does not have it otherwise.
        history = self.history(entry)
        known = not history or any(each.fingerprint in entry.fingerprints for each in history)
        return entry.fingerprints if known else self._all_fingerprints(entry)

    def _all_fingerprints(self, entry: IntakeRow) -> frozenset[bytes]:
        return entry.fingerprints | self._intake.former_fingerprints(entry)

    async def _find_former(self, entries: Iterable[IntakeRow]) -> None:
        """Let entries have the record that is found under a former key, if it is about the same."""
        former = [(entry, place) for entry in entries for place in entry.former_places if place[2] in self._histories]
        if not former:
            return
        stored = await revisions.newest(await self._ctx.session(), (place for _, place in former))
        for entry, place in former:
            if self._is_same(entry, stored[place]):
                entry.natural_key = place[2]

    def _is_same(self, entry: IntakeRow, stored: revisions.Stored) -> bool:
        event = RecordChanged.model_validate_json(stored.data)
        row = {code: str(value) for code, value in event.fields.items()}
        for sealed in event.sealed:
            if sealed.field == "subject":
                opened = self._ciphers[sealed.about].unseal(sealed, object=event.record, field=sealed.field)
                row |= {code: str(value) for code, value in opened.items()}
        row[self._intake.item.roles.issuer] = event.issuer
        return self._intake.natural_keys(row, entry.place[1])[0] == entry.keys[0]

    async def _find_reviews(self, entries: Iterable[IntakeRow]) -> None:
        """Find the reviews of rows that are held for what their records are, or their subjects' names."""
        party = self._frame.party
        doubtful = [entry for entry in entries if not entry.holds and self._may_be_held(entry)]
        asked = {each for entry in doubtful for each in self._all_fingerprints(entry)}
        if asked:
            self._reviews |= await reviews.states(await self._ctx.session(), party, asked)

    def _may_be_held(self, entry: IntakeRow) -> bool:
        if history := self._histories.get(entry.natural_key):
            return history[-1].party != self._frame.party
        return entry.kind == "natural_person" and self._names.may_be_another(entry.place[1], entry.name)

    def revise(self, entry: IntakeRow, change: Change) -> EntryVerdict:
        """Write a revision with the entry's content."""
        history = self.history(entry)
        newest = history[-1] if history else None
        revision = self._ctx.new_id()
        part, subject, natural_key = entry.place
        slot = Slot(
            part=part,
            subject=subject,
            natural_key=natural_key,
            record=revision if newest is None else newest.record,
            rev=1 if newest is None else newest.rev + 1,
        )
        mark, frame = None if newest is None else newest.mark, self._frame
        content, sealed = self._content(entry), self._sealed(entry, slot.record)
        data = event_of(frame, slot, revision, change=change, mark=mark, content=content, sealed=sealed)
        row = revision_row(
            frame,
            slot,
            revision,
            fingerprint=entry.fingerprint,
            state="published",
            mark=mark,
            data=data,
            name=entry.name,
        )
        self.revisions.append(row)
        notices = () if entry.kind == "natural_person" else self._named_otherwise(entry, "name_changed")
        self._names.write(subject, entry.name)
        self._events.append((revision, part))
        history.append(
            Known(slot.record, slot.rev, entry.fingerprint, "published", mark, frame.submission, frame.party)
        )
        verdict: VerdictWord = "accepted" if change == "accepted" else "corrected"
        return EntryVerdict(verdict, slot.record, slot.rev, made=revision, notices=notices)

    async def write(self) -> None:
        """Write the revisions with their queue rows and the reviews, in the order they were settled."""
        await revisions.write(await self._ctx.session(), self.revisions)
        await self.write_beside()

    async def write_beside(self) -> None:
        """Write what goes with the revisions where these are written with their submission."""
        for revision, part in self._events:
            self._ctx.emit_row(revision, part=part)
        await reviews.add_reviews(await self._ctx.session(), self._held)

    def _content(self, entry: IntakeRow) -> dict[str, object]:
        judged, other = entry.judgement, entry.representative
        return facts_of(
            kind=entry.kind,
            severity=judged.severity,
            decided_on=judged.decided_on,
            period=judged.period,
            issuer=entry.row[self._intake.item.roles.issuer],
            clear=entry.said.clear,
            representative=None if other is None else (other, self._ctx.part(str(other))),
        )

    def _sealed(self, entry: IntakeRow, record: UUID) -> list[dict[str, JsonValue]]:
        own = self._ciphers[entry.place[1]]
        other = own if entry.representative is None else self._ciphers[entry.representative]
        return sealed_of(entry.said, own, other, record=record)

    def _review(self, review: UUID, entry: IntakeRow, why: Sequence[FieldError]) -> Review:
        frame, history, split = self._frame, self.history(entry), entry.said.split
        own = self._ciphers[entry.place[1]]
        other = own if entry.representative is None else self._ciphers[entry.representative]
        sealed = [own.seal_json({**split.clear, **split.subject}, object=review, field="row")]
        if split.representative:
            sealed.append(other.seal_json(split.representative, object=review, field="representative"))
        return Review(
            id=review,
            at=frame.at,
            legal_date=frame.legal_date,
            party=frame.party,
            item=frame.item,
            item_version=frame.item_version,
            lane=frame.lane,
            submission=frame.submission,
            row=entry.number,
            record=history[-1].record if history else None,
            rev=history[-1].rev if history else 0,
            why=frame.reason,
            basis=frame.basis,
            subject=entry.place[1],
            fingerprint=entry.fingerprint,
            mac_key=frame.mac_key,
            mac_alg=frame.mac_alg,
            reasons=orjson.dumps([each.model_dump() for each in why]).decode(),
            sealed=orjson.dumps(sealed).decode(),
        )


def frame_of(
    ctx: Context,
    intake: Intake,
    *,
    lane: Lane,
    submission: UUID | None,
    why: str | None = None,
    basis: str | None = None,
) -> Frame:
    """What all revisions of this transaction have in common."""
    return Frame(
        at=ctx.instant,
        legal_date=ctx.legal_date,
        traceparent=ctx.traceparent,
        origin=ctx.node.code,
        party=intake.party.code,
        officer=ctx.known_caller.officer,
        item=intake.item.code,
        item_version=intake.item.number,
        lane=lane,
        submission=submission,
        mac_key=ctx.keys.key_id("fingerprint"),
        mac_alg=ctx.keys.algorithm("fingerprint"),
        reason=why,
        basis=basis,
    )
