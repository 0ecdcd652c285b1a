"""A record's life after it was submitted: its own party reads it, corrects it, withdraws it, each as one revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound, Stale
from creditmesh.ingestion.errors import NaturalKeyChanged, NotTheOrigin, RecordClosed, RowRefused
from creditmesh.ingestion.operations.intake import Entry, Intake
from creditmesh.ingestion.operations.register import Outcome, Register, frame_of
from creditmesh.ingestion.revisions import Frame, Slot, ended_event, revision_row
from creditmesh.ingestion.store import revisions
from creditmesh.ingestion.store.revisions import Stored
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.reasons import reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a party changes of its record: made from the revision `expected`, for this reason, on this basis."""

    record: UUID
    expected: int
    why: str
    basis: str | None
    fields: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A revision as its own party sees it: sealed fields opened."""

    stored: Stored
    event: RecordChanged
    fields: Mapping[str, JsonValue] = field(repr=False)


async def record_of(ctx: Context, record: UUID) -> Opened:
    """The record as it stands now; an access. NotFound if it is not the caller's."""
    (opened,) = await _opened(ctx, (await _own(ctx, record))[-1:])
    return opened


async def history_of(ctx: Context, record: UUID) -> list[Opened]:
    """Every revision of the record, oldest first; an access. NotFound if it is not the caller's."""
    return await _opened(ctx, await _own(ctx, record))


async def correct_record(ctx: Context, change: Change) -> Outcome:
    """Replace the content of a record; a record that was withdrawn or repaired is opened again by it.

    Stale if the record has changed since `expected`, RowRefused where the gate refuses the new content (or doubts that
    of a record that has ended), NaturalKeyChanged if it would be another record. Doubtful content is held.
    """
    standing = (await _own(ctx, change.record))[-1]
    intake = Intake.of(ctx, standing.item, party=ctx.known_caller.party)
    entry = intake.judge(1, intake.compiled.validate(change.fields))
    if entry.refusals:
        raise _refused(entry)
    ciphers = await intake.identify([entry])
    if entry.place != standing.place:
        raise NaturalKeyChanged("Withdraw this record and submit the other one.", "请撤回本记录并另行报送。")
    frame = frame_of(ctx, intake, lane="live", submission=None, why=change.why, basis=change.basis)
    register = await Register.opened(ctx, intake, frame, entries=[entry], ciphers=ciphers)
    _expect(change.expected, register.history(entry)[-1].rev)
    outcome = _corrected(register, entry)
    await register.write()
    return outcome._replace(item=intake.item.code)


async def withdraw_record(ctx: Context, change: Change) -> Outcome:
    """End a record: it is shown and used no more. Stale if it has changed, RecordClosed if it has ended already."""
    standing = (await _own(ctx, change.record))[-1]
    await ctx.lock([standing.place[1]])
    newest = (await revisions.revisions(await ctx.connection(), change.record, parts=ctx.node.parts))[-1]
    _expect(change.expected, newest.rev)
    if newest.state != "published":
        raise RecordClosed("It has ended already.", "该记录已终止。")
    event = RecordChanged.model_validate_json(newest.data)
    part, subject, natural_key = newest.place
    slot = Slot(part=part, subject=subject, natural_key=natural_key, record=newest.record, rev=newest.rev + 1)
    frame, revision = _ending(ctx, event, change), ctx.new_id()
    data = ended_event(newest.data, frame, slot, revision, change="withdrawn", state="withdrawn")
    row = revision_row(
        frame, slot, revision, fingerprint=newest.fingerprint, state="withdrawn", mark=event.mark, data=data
    )
    await revisions.write(await ctx.connection(), [row])
    ctx.emit_row(revision, part=part)
    return Outcome("corrected", newest.record, slot.rev, made=revision, item=newest.item)


def _corrected(register: Register, entry: Entry) -> Outcome:
    history = register.history(entry)
    if history[-1].state != "published":
        if entry.holds:
            raise _refused(entry)
        return register.revise(entry, "reopened")
    if history[-1].fingerprint == entry.fingerprint:
        return Outcome("unchanged", history[-1].record, history[-1].rev, reasons=(reason("same"),))
    return register.hold(entry) or register.revise(entry, "corrected")


def _ending(ctx: Context, event: RecordChanged, change: Change) -> Frame:
    # Not the intake's: a record of an item that is no longer collected can still be withdrawn.
    return Frame(
        at=ctx.instant,
        legal_date=ctx.legal_date,
        traceparent=ctx.traceparent,
        origin=event.origin,
        party=event.party,
        officer=ctx.known_caller.officer,
        item=event.item,
        item_version=event.item_version,
        lane="live",
        submission=None,
        mac_key=ctx.keys.key_id("fingerprint"),
        mac_alg=ctx.keys.algorithm("fingerprint"),
        reason=change.why,
        basis=change.basis,
    )


def _expect(expected: int, found: int) -> None:
    if expected != found:
        raise Stale("Read it again and repeat the change.", "请重新读取后再更改。", headers={"ETag": f'"{found}"'})


def _refused(entry: Entry) -> RowRefused:
    return RowRefused("See errors.", "原因见 errors。", errors=(*entry.refusals, *entry.holds))


async def _own(ctx: Context, record: UUID) -> list[Stored]:
    async with ctx.transaction() as connection:
        history = await revisions.revisions(connection, record, parts=ctx.node.parts)
    if not history or history[-1].party != ctx.known_caller.party:
        raise NotFound("You have no record of this id.", "您没有该编号的记录。")
    if history[-1].origin != ctx.node.code:
        raise NotTheOrigin(f"Its origin is {history[-1].origin}.", f"其来源节点为 {history[-1].origin}。")
    return history


async def _opened(ctx: Context, history: Sequence[Stored]) -> list[Opened]:
    events = [RecordChanged.model_validate_json(stored.data) for stored in history]
    ciphers = await ctx.vault.open({sealed.about for event in events for sealed in event.sealed})
    opened = []
    for stored, event in zip(history, events, strict=True):
        fields = dict(event.fields)
        for sealed in event.sealed:
            fields |= ciphers[sealed.about].unseal(sealed, object=event.record, field=sealed.field)
        opened.append(Opened(stored=stored, event=event, fields=fields))
    for about in {event.subject for event in events} | set(ciphers):
        ctx.disclose(
            about,
            purpose="own_record",
            ground="statutory",
            outcome="released",
            items=[events[0].item],
            records=[events[0].record],
        )
    return opened
