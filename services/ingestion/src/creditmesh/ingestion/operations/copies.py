"""Copies: what peers send of their records is judged, and applied in the order of the feed.

Who speaks is asked of every entry; what it says only of entries with content. A mark or an end applies to the copy that
is held here, whatever has become of its item, and where none is held there is nothing to do. An entry that came before
changes nothing. Of a record whose newest content is refused here nothing is shown until content comes that is accepted.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson

from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.ingestion.content import sealed_of
from creditmesh.ingestion.entries import PeerEntry, read_entry
from creditmesh.ingestion.operations.judgements import RunJudgements
from creditmesh.ingestion.operations.peer_intake import JudgedEntry, PeerIntake, assert_followed
from creditmesh.ingestion.operations.record_book import Life, Lives, Turn
from creditmesh.ingestion.peer_gate import refused_sender
from creditmesh.ingestion.revisions import Frame, Slot, event_of, facts_of
from creditmesh.ingestion.store import copies as store
from creditmesh.ingestion.store import revisions
from creditmesh.ingestion.store.revisions import Place
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordReceived
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.display import Period

_Index = tuple[str, str, int]


async def apply_entries(ctx: Context, received: Sequence[RecordReceived]) -> None:
    """Judge these entries, write what was accepted, and tell each feed's judgements once.

    Transient if something was refused while this process has not followed the catalogue to its announced head: the run
    is done again, by what the catalogue says then.
    """
    entries, directory = [read_entry(each) for each in received], ctx.followed(Directory)
    for entry in entries:
        sender = refused_sender(directory.party(entry.peer), entry.origin, node=ctx.node.code)
        entry.heard, entry.refusal = sender is None, entry.refusal or sender
    content = [entry for entry in entries if entry.refusal is None and not entry.turns]
    copies, ciphers = await PeerIntake(ctx).take(content)
    if any(entry.refusal is not None for entry in entries):
        await assert_followed(ctx)
    register = await _Copies.opened(ctx, entries, copies=copies, ciphers=ciphers)
    judged = RunJudgements()
    for entry in entries:
        refusal = entry.refusal or register.settle(entry)
        if refusal is not None and entry.heard and not entry.turns:
            register.withhold(entry)
        judged.add(entry.peer, entry.feed, entry.index, refusal, ended=register.ended_by(entry))
    await register.write()
    judged.emit(ctx)


class _Copies:
    """The copies of one transaction, under the locks of all their subjects."""

    def __init__(self, ctx: Context, copies: Sequence[JudgedEntry], ciphers: Mapping[UUID, Cipher]) -> None:
        self._ctx = ctx
        self._copies = {_index(copy.entry): copy for copy in copies}
        self._ciphers = ciphers
        self._held: dict[UUID, Place] = {}
        self._taken: set[UUID] = set()
        """Ids that are no copies', but of revisions of this node's own."""
        self._begun: list[tuple[int, UUID, Place]] = []
        self._lives = Lives(ctx)

    @classmethod
    async def opened(
        cls,
        ctx: Context,
        entries: Sequence[PeerEntry],
        *,
        copies: Sequence[JudgedEntry],
        ciphers: Mapping[UUID, Cipher],
    ) -> "_Copies":
        """Find what is held under the entries' ids (a record never moves), lock everybody, read what stands."""
        register, session = cls(ctx, copies, ciphers), await ctx.session()
        records = {entry.record for entry in entries if entry.heard}
        register._held = await store.held(session, {record: ctx.part(str(record)) for record in records})
        for copy in copies:
            held = register._held.get(copy.entry.record)
            copy.place = next((place for place in copy.former_places if place == held), copy.place)
        new = [(copy.place[0], copy.entry.record) for copy in copies if copy.entry.record not in register._held]
        register._taken = set(await revisions.firsts(session, new))
        register._lives = await Lives.opened(ctx, {*register._held.values(), *(copy.place for copy in copies)})
        return register

    def settle(self, entry: PeerEntry) -> FieldError | None:
        """Apply an entry that was not refused so far; why it is refused after all."""
        copy = self._copies.get(_index(entry))
        held = self._held.get(entry.record)
        place = held if copy is None else copy.place
        if place is None:
            return None
        life = self._lives.at(place)
        if entry.record in self._taken or held not in {None, place} or (life is not None and not _same(life, entry)):
            return reason("another_record")
        if life is not None and entry.rev <= life.rev:
            return None
        if copy is not None:
            self._write(copy)
            self._begin(entry.record, place)
        elif life is not None:
            self._lives.turn(life, _turn(entry, life))
        return None

    def withhold(self, entry: PeerEntry) -> None:
        """Show nothing of the copy whose newer content was refused: what it says is what its origin says no more."""
        held = self._held.get(entry.record)
        life = None if held is None else self._lives.at(held)
        if life is not None and _same(life, entry) and entry.rev > life.rev and life.state == "published":
            self._lives.turn(life, Turn(change="withheld", rev=entry.rev))

    def ended_by(self, entry: PeerEntry) -> UUID | None:
        """The subject whose record here this entry marks or ends; None for content, and where none is held."""
        held = self._held.get(entry.record) if entry.turns else None
        return None if held is None else held[1]

    async def write(self) -> None:
        """Write what was settled, in that order."""
        await self._lives.write()
        await store.add(await self._ctx.session(), self._begun)

    def _begin(self, record: UUID, place: Place) -> None:
        if record not in self._held:
            self._held[record] = place
            self._begun.append((self._ctx.part(str(record)), record, place))

    def _write(self, copy: JudgedEntry) -> None:
        body, (part, subject, natural_key) = copy.entry.said, copy.place
        frame = self._frame(copy)
        slot = Slot(part=part, subject=subject, natural_key=natural_key, record=body.record, rev=body.rev)
        own = self._ciphers[subject]
        other = own if copy.representative is None else self._ciphers[copy.representative]
        data = event_of(
            frame,
            slot,
            body.revision,
            change=body.change,
            mark=body.mark,
            content=self._facts(copy),
            sealed=sealed_of(copy.content, own, other, record=body.record),
        )
        life = Life(
            place=copy.place,
            record=body.record,
            origin=body.origin,
            item=copy.item.code,
            rev=body.rev,
            state="published",
            mark=body.mark,
            fingerprint=copy.fingerprint,
            data=data,
        )
        self._lives.add(frame, life)

    def _frame(self, copy: JudgedEntry) -> Frame:
        ctx, body = self._ctx, copy.entry.said
        return Frame(
            at=ctx.instant,
            legal_date=ctx.legal_date,
            traceparent=ctx.traceparent,
            origin=body.origin,
            party=body.party,
            officer=None,
            item=copy.item.code,
            item_version=copy.item.number,
            lane="live",
            submission=None,
            mac_key=ctx.keys.key_id("fingerprint"),
            mac_alg=ctx.keys.algorithm("fingerprint"),
            reason=body.reason,
            basis=body.basis,
            case=body.case,
        )

    def _facts(self, copy: JudgedEntry) -> dict[str, object]:
        body, other = copy.entry.said, copy.representative
        return facts_of(
            kind=body.kind,
            severity=body.severity,
            decided_on=body.decided_on,
            period=Period(body.display_from, body.display_until),
            issuer=body.issuer,
            clear=copy.content.clear,
            representative=None if other is None else (other, self._ctx.part(str(other))),
        )


def _index(entry: PeerEntry) -> _Index:
    return entry.peer, entry.feed, entry.index


def _same(life: Life, entry: PeerEntry) -> bool:
    return (life.record, life.origin) == (entry.record, entry.origin)


def _turn(entry: PeerEntry, life: Life) -> Turn:
    body = entry.body
    if body is None:
        return Turn(change=entry.change, rev=entry.rev)
    related = orjson.loads(life.data)["related"] if entry.change == "discharged" else ()
    return Turn(
        change=entry.change,
        reason=body.reason,
        basis=body.basis,
        case=body.case,
        about=next((UUID(each["subject"]) for each in related if each["role"] == body.role), None),
        ends_mark=body.mark is None,
        rev=body.rev,
        revision=body.revision,
    )
