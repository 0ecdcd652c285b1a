"""The register of one transaction: gives every entry its verdict and gathers what is to be written."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import orjson
from pydantic import JsonValue

from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.ingestion.content import sealed_of
from creditmesh.ingestion.operations.intake import Intake, IntakeRow
from creditmesh.ingestion.revisions import Frame, Lane, Slot, event_of, facts_of, revision_row
from creditmesh.ingestion.store import reviews, revisions
from creditmesh.ingestion.store.reviews import Review
from creditmesh.ingestion.verdicts import Known, decide
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
        register._histories, register._reviews = await revisions.locked(
            await ctx.session(),
            ctx.locks(entry.place[1] for entry in passing),
            (entry.place for entry in passing),
            party=intake.party.code,
            doubtful={entry.fingerprint for entry in passing if entry.holds},
        )
        return register

    def history(self, entry: IntakeRow) -> list[Known]:
        """Every revision of the entry's record, this transaction's included."""
        return self._histories.setdefault(entry.natural_key, [])

    def settle(self, entry: IntakeRow) -> EntryVerdict:
        """The verdict on a submitted row."""
        if entry.refusals:
            return EntryVerdict("refused", reasons=entry.refusals)
        history = self.history(entry)
        decision = decide(history, entry.fingerprint, submission=self._frame.submission)
        if decision.reason is not None:
            newest = history[-1]
            return EntryVerdict(decision.verdict, newest.record, newest.rev, reasons=(reason(decision.reason),))
        held = self.hold(entry)
        if held is not None:
            return held
        return self.revise(entry, "corrected" if history else "accepted")

    def hold(self, entry: IntakeRow) -> EntryVerdict | None:
        """Hold a doubtful row for an officer; None if there is no doubt, or an officer has cleared exactly this row."""
        if not entry.holds:
            return None
        review, state = self._reviews.get(entry.fingerprint, (None, "held"))
        if state == "released":
            return None
        if state == "refused":
            return EntryVerdict("refused", reasons=(*entry.holds, reason("review_refused")))
        if review is None:
            review = self._ctx.new_id()
            self._reviews[entry.fingerprint] = (review, "held")
            self._held.append(self._review(review, entry))
        return EntryVerdict("held", review=review, reasons=entry.holds)

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
        mark = None if newest is None else newest.mark
        data = event_of(
            self._frame,
            slot,
            revision,
            change=change,
            mark=mark,
            content=self._content(entry),
            sealed=self._sealed(entry, slot.record),
        )
        self.revisions.append(
            revision_row(
                self._frame, slot, revision, fingerprint=entry.fingerprint, state="published", mark=mark, data=data
            )
        )
        self._events.append((revision, part))
        history.append(Known(slot.record, slot.rev, entry.fingerprint, "published", mark, self._frame.submission))
        verdict: VerdictWord = "accepted" if change == "accepted" else "corrected"
        return EntryVerdict(verdict, slot.record, slot.rev, made=revision)

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

    def _review(self, review: UUID, entry: IntakeRow) -> Review:
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
            reasons=orjson.dumps([each.model_dump() for each in entry.holds]).decode(),
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
