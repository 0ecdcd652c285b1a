"""The verdicts of one transaction: every row gets its own, and the doubtful ones are held."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

import orjson

from creditmesh.chassis.context import Context
from creditmesh.ingestion.operations.records.candidates import Candidate, all_fingerprints, natural_keys
from creditmesh.ingestion.operations.records.intake import IntakeRow
from creditmesh.ingestion.operations.records.record_book import RecordBook
from creditmesh.ingestion.revisions import Attribution
from creditmesh.ingestion.stated_names import StatedNames
from creditmesh.ingestion.store import reviews, revisions
from creditmesh.ingestion.store.reviews import KnownReviews, Review
from creditmesh.ingestion.verdicts import DELETED, PERHAPS_DELETED, REINSTATED, Known, Ruling, decide
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.events.record import Change
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.records import ReviewState
from creditmesh.schemas.verdicts import VerdictWord


class RowVerdict(NamedTuple):
    """The verdict on one row; `made` is the revision it wrote."""

    verdict: VerdictWord
    record: UUID | None = None
    rev: int | None = None
    review: UUID | None = None
    reasons: Sequence[FieldError] = ()
    made: UUID | None = None
    item: str = ""
    notices: Sequence[FieldError] = ()


class Clocks(NamedTuple):
    """What a record's periods count from and when it is shown no more, as days in ISO 8601."""

    decided_on: str
    until: str | None
    false_material: bool | None = False

    @classmethod
    def of(cls, candidate: Candidate) -> "Clocks":
        """Those that its content gives it."""
        judged = candidate.passed.judgement
        until = judged.period.until
        day = None if until is None else until.isoformat()
        return cls(judged.decided_on.isoformat(), day, judged.false_material)


def told(verdict: RowVerdict, row: IntakeRow) -> RowVerdict:
    """The verdict on this row, with what was left out of it."""
    return verdict._replace(notices=(*row.left_out.values(), *verdict.notices)) if row.left_out else verdict


class Register:
    """Gives the rows of one party their verdicts, in a book that is open at all their records.

    `settle` is pure in memory, so that a later row meets what an earlier one has done; `write` writes all of it.
    """

    def __init__(self, ctx: Context, by: Attribution) -> None:
        self._ctx = ctx
        self._by = by
        self._reviews: KnownReviews = {}
        self._names = StatedNames()
        self._held: list[Review] = []
        self._clocks: dict[bytes, Clocks] = {}
        """Of records that candidates may change, by their natural keys."""
        self.book = RecordBook(ctx)

    async def open(self, candidates: Sequence[Candidate]) -> None:
        """Lock the subjects of these candidates, then read what their records are."""
        for candidate in candidates:  # of an attempt that met another writer, they have what was found then
            candidate.place = candidate.places[0]
        known = await self.book.open_histories(
            [place for candidate in candidates for place in candidate.places],
            party=self._by.party,
            doubtful={
                each for candidate in candidates if candidate.holds for each in all_fingerprints(self._ctx, candidate)
            },
            names=[(*candidate.place[:2], candidate.name) for candidate in candidates],
        )
        self._reviews |= known.reviews
        self._names.meet(((each.place[1], each.name) for each in candidates), heard=known.heard, unheard=known.unheard)
        await self._find_former(candidates)
        await self._find_clocks(candidates)
        await self._find_reviews(candidates)

    def history(self, candidate: Candidate) -> list[Known]:
        """Every revision of the candidate's record, this transaction's included."""
        return self.book.history(candidate.place)

    def is_for_office(self, candidate: Candidate) -> bool:
        """Whether what it would become is for the credit office: another party's record, or perhaps a deleted one."""
        return self._ruled(candidate).verdict == "held"

    def settle(self, row: IntakeRow, *, cleared: bool = False) -> RowVerdict:
        """The verdict on a submitted row; `cleared`: an officer who may has decided that it goes into the record."""
        candidate, held = row.candidate, None
        if candidate is None:
            return RowVerdict("refused", reasons=row.refusals)
        ruling, newest = self._ruled(candidate), self.book.newest(candidate.place)
        said = () if ruling.reason is None else (reason(ruling.reason),)
        if said and ruling.verdict != "held":
            told = newest if ruling.verdict != "refused" or (newest and newest.party == self._by.party) else None
            record, rev = (None, None) if told is None else (told.record, told.rev)
            return RowVerdict(ruling.verdict, record, rev, reasons=said)
        if not cleared:
            held = self._hold(row.number, candidate, (*candidate.holds, *said)) if said else self.hold(row)
        return held or self.revise(candidate, "accepted" if newest is None else "corrected")

    def hold(self, row: IntakeRow) -> RowVerdict | None:
        """Hold a doubtful row for an officer; None if there is no doubt, or an officer has cleared exactly this row."""
        candidate = row.passed_candidate
        doubts = (*candidate.holds, *self._named_otherwise(candidate, "another_name", person=True))
        if self.book.has_another_code(candidate):
            doubts = (*doubts, reason("another_code", f"/{candidate.item.roles.uscc}"))
        if self._moves_its_day(candidate):
            day = candidate.item.field(candidate.item.roles.decided_on)
            doubts = (*doubts, reason("decision_day_moved", f"/{day.code}", name=day.name, name_zh=day.name_zh))
        if not doubts or self._review_of(candidate)[1] == "released":
            return None
        return self._hold(row.number, candidate, doubts)

    def revise(self, candidate: Candidate, change: Change) -> RowVerdict:
        """Write a revision with the candidate's content."""
        notices = self._named_otherwise(candidate, "name_changed", person=False)
        made = self.book.add(candidate, self._by, change=change)
        self._names.write(candidate.place[1], candidate.name)
        self._clocks[candidate.place[2]] = Clocks.of(candidate)
        newest = self.history(candidate)[-1]
        verdict: VerdictWord = "accepted" if change == "accepted" else "corrected"
        return RowVerdict(verdict, newest.record, newest.rev, made=made, notices=notices)

    def rehearsed(self) -> "Register":
        """The same, which knows what was settled and will not write it."""
        self.book.forget()
        self._held.clear()
        return self

    async def write(self) -> None:
        """Write the revisions with their queue rows and the reviews, in the order they were settled."""
        await self.book.write()
        await reviews.add_reviews(await self._ctx.session(), self._held)

    async def write_beside(self) -> None:
        """Write what goes with the revisions where these are written with their submission."""
        self.book.queue()
        await reviews.add_reviews(await self._ctx.session(), self._held)

    def _ruled(self, candidate: Candidate) -> Ruling:
        history, fingerprints = self.history(candidate), candidate.fingerprints
        if self.has_deleted(candidate):
            if not candidate.is_whole_decision and self.book.deleted_as(candidate.place) is None:
                return PERHAPS_DELETED
            ended = {self.book.deleted_as(place) for place in candidate.places} - {None}
            return REINSTATED if self._by.reason == REINSTATED.reason and ended == {"withdrawn"} else DELETED
        if history and not any(known.fingerprint in fingerprints for known in history):
            # How content was recognised before is asked only of a record that exists and does not have it otherwise.
            fingerprints = all_fingerprints(self._ctx, candidate)
        return decide(history, fingerprints, submission=self._by.submission, party=self._by.party)

    def has_deleted(self, candidate: Candidate) -> bool:
        """Whether no record of the candidate's is left, and one that may have been its was deleted."""
        return not self.history(candidate) and any(
            self.book.deleted_as(place) is not None for place in candidate.places
        )

    def _review_of(self, candidate: Candidate) -> tuple[UUID | None, ReviewState]:
        known = (self._reviews[each] for each in all_fingerprints(self._ctx, candidate) if each in self._reviews)
        return next(known, (None, "held"))

    def _hold(self, number: int, candidate: Candidate, why: Sequence[FieldError]) -> RowVerdict:
        review, state = self._review_of(candidate)
        if state == "refused":
            return RowVerdict("refused", reasons=(*why, reason("review_refused")))
        if review is None:
            review = self._ctx.new_id()
            self._reviews[candidate.fingerprint] = (review, "held")
            self._held.append(self._review(review, number, candidate, why))
        return RowVerdict("held", review=review, reasons=why)

    async def _find_former(self, candidates: Iterable[Candidate]) -> None:
        """Let candidates have the record that is found at a former place, if it is about the same."""
        former = [(each, place) for each in candidates for place in each.places[1:] if self.book.history(place)]
        if not former:
            return
        stored = await revisions.newest(await self._ctx.session(), (place for _, place in former))
        for candidate, place in former:
            if place in stored and self._is_same(candidate, stored[place].data):  # a dry run has stored none
                candidate.place = place

    async def _find_clocks(self, candidates: Iterable[Candidate]) -> None:
        """Find from and until when the records are shown that stand and that candidates say something new of."""
        known = (each for each in candidates if self.book.newest(each.place) and each.place[2] not in self._clocks)
        changed = {each.place for each in known if self._may_change(each)}
        for place, stored in (await revisions.newest(await self._ctx.session(), changed)).items():
            event = orjson.loads(stored.data)
            self._clocks[place[2]] = Clocks(event["decided_on"], event["display_until"], event.get("false_material"))
        for each in candidates:
            if (stands := self._clocks.get(each.place[2])) is not None and stands.false_material:
                each.lengthen()

    def _may_change(self, candidate: Candidate) -> bool:
        """Whether it says something new of its record, or opens it again."""
        ruling = self._ruled(candidate)
        return ruling.verdict == "corrected" or ruling.reason in {"record_closed", "record_ended"}

    def _moves_its_day(self, candidate: Candidate) -> bool:
        """Whether it dates the decision otherwise than its record does, so that something ends on another day.

        Of an adverse record that is always so: display, the day from which repair is possible, what measures rest on
        it and retention count from the decision (order 36 of 2025). Of others only where their own end moves.
        """
        stands, says = self._clocks.get(candidate.place[2]), Clocks.of(candidate)
        if stands is None or stands.decided_on == says.decided_on:
            return False
        return candidate.item.nature == "adverse" or stands.until != says.until

    def _is_same(self, candidate: Candidate, data: bytes) -> bool:
        event = RecordChanged.model_validate_json(data)
        row = {code: str(value) for code, value in event.fields.items()}
        for sealed in event.sealed:
            if sealed.field == "subject":
                opened = candidate.cipher.unseal(sealed, object=event.record, field=sealed.field)
                row |= {code: str(value) for code, value in opened.items()}
        row[candidate.item.roles.issuer] = event.issuer
        _, subject, natural_key = candidate.places[0]
        keys = natural_keys(self._ctx, candidate.item, row, subject=subject, origin=candidate.passed.origin)
        return keys[0] == natural_key

    def _named_otherwise(self, candidate: Candidate, code: str, *, person: bool) -> tuple[FieldError, ...]:
        """What to say of a name that is new to a person, or a body; of a correction it is the name that changes."""
        if (candidate.passed.subject.kind == "natural_person") != person or self.history(candidate):
            return ()
        if not self._names.is_another(candidate.place[1], candidate.name):
            return ()
        return (reason(code, f"/{candidate.item.roles.name}"),)

    async def _find_reviews(self, candidates: Iterable[Candidate]) -> None:
        """Find the reviews of rows that are held for what their records are, or their subjects' names."""
        doubtful = [each for each in candidates if not each.holds and self._may_be_held(each)]
        if asked := {fingerprint for each in doubtful for fingerprint in all_fingerprints(self._ctx, each)}:
            self._reviews |= await reviews.states(await self._ctx.session(), self._by.party, asked)

    def _may_be_held(self, candidate: Candidate) -> bool:
        newest = self.book.newest(candidate.place)
        if self.book.has_another_code(candidate):
            return True
        if newest is not None:
            return newest.party != self._by.party or self._moves_its_day(candidate)
        if self.has_deleted(candidate):
            return True
        person = candidate.passed.subject.kind == "natural_person"
        return person and self._names.may_be_another(candidate.place[1], candidate.name)

    def _review(self, review: UUID, number: int, candidate: Candidate, why: Sequence[FieldError]) -> Review:
        by, newest, split = self._by, self.book.newest(candidate.place), candidate.content.split
        sealed = [candidate.cipher.seal_json({**split.clear, **split.subject}, object=review, field="row")]
        if split.representative:
            sealed.append(candidate.other_cipher.seal_json(split.representative, object=review, field="representative"))
        return Review(
            id=review,
            at=self._ctx.instant,
            legal_date=self._ctx.legal_date,
            party=by.party,
            item=by.item,
            item_version=by.item_version,
            lane=by.lane,
            submission=by.submission,
            row=number,
            record=None if newest is None else newest.record,
            rev=0 if newest is None else newest.rev,
            why=by.reason,
            basis=by.basis,
            subject=candidate.place[1],
            fingerprint=candidate.fingerprint,
            mac_key=self._ctx.keys.key_id("fingerprint"),
            mac_alg=self._ctx.keys.algorithm("fingerprint"),
            reasons=orjson.dumps([each.model_dump() for each in why]).decode(),
            sealed=orjson.dumps(sealed).decode(),
        )
