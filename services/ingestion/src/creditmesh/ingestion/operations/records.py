"""A record's life after it was submitted: its own party corrects it, withdraws it, each as one revision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Stale
from creditmesh.ingestion.errors import NaturalKeyChanged, RecordClosed, RowRefused
from creditmesh.ingestion.operations.intake import Intake, IntakeRow
from creditmesh.ingestion.operations.own_records import own_revisions
from creditmesh.ingestion.operations.record_book import Lives, Turn
from creditmesh.ingestion.operations.register import EntryVerdict, Register, frame_of
from creditmesh.schemas.reasons import reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a party changes of its record: made from the revision `expected`, for this reason, on this basis."""

    record: UUID
    expected: int
    why: str
    basis: str | None
    fields: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)


async def correct_record(ctx: Context, change: Change) -> EntryVerdict:
    """Replace the content of a record; a record that was withdrawn or repaired is opened again by it.

    Stale if the record has changed since `expected`, RowRefused where the gate refuses the new content (or doubts that
    of a record that has ended), NaturalKeyChanged if it would be another record. Doubtful content is held.
    """
    standing = (await own_revisions(ctx, change.record))[-1]
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


async def withdraw_record(ctx: Context, change: Change) -> EntryVerdict:
    """End a record: it is shown and used no more. Stale if it has changed, RecordClosed if it has ended already."""
    place = (await own_revisions(ctx, change.record))[-1].place
    lives = await Lives.opened(ctx, [place])
    life = lives.at(place)
    if life is None:
        raise RuntimeError("a record that was read has gone")
    _expect(change.expected, life.rev)
    if life.state != "published":
        raise RecordClosed("It has ended already.", "该记录已终止。")
    officer = ctx.known_caller.officer
    made = lives.turn(life, Turn(change="withdrawn", officer=officer, reason=change.why, basis=change.basis))
    await lives.write()
    return EntryVerdict("corrected", life.record, life.rev + 1, made=made, item=life.item)


def _corrected(register: Register, entry: IntakeRow) -> EntryVerdict:
    history = register.history(entry)
    if history[-1].state != "published":
        if entry.holds:
            raise _refused(entry)
        return register.revise(entry, "reopened")
    if history[-1].fingerprint == entry.fingerprint:
        return EntryVerdict("unchanged", history[-1].record, history[-1].rev, reasons=(reason("same"),))
    return register.hold(entry) or register.revise(entry, "corrected")


def _expect(expected: int, found: int) -> None:
    if expected != found:
        raise Stale("Read it again and repeat the change.", "请重新读取后再更改。", headers={"ETag": f'"{found}"'})


def _refused(entry: IntakeRow) -> RowRefused:
    return RowRefused("See errors.", "原因见 errors。", errors=(*entry.refusals, *entry.holds))
