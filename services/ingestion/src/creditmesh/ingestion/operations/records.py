"""A record's life after it was submitted: its own party corrects it, withdraws it, each as one revision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Stale
from creditmesh.ingestion.errors import (
    NaturalKeyChanged,
    OfficerNeeded,
    RecordClosed,
    ReopeningUnfounded,
    RowRefused,
)
from creditmesh.ingestion.operations.intake import Intake, IntakeRow
from creditmesh.ingestion.operations.own_records import own_revisions
from creditmesh.ingestion.operations.record_book import Lives, Turn
from creditmesh.ingestion.operations.register import EntryVerdict, Register, frame_of
from creditmesh.schemas.events.record import RecordState
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
    """Replace the content of a record; a named officer opens a withdrawn record again by it, for a reason, on a basis.

    Stale if the record has changed since `expected`, RowRefused where the gate refuses the new content (or doubts that
    of a record that has ended), NaturalKeyChanged if it would be another record. Doubtful content is held. A repaired
    record is RecordClosed: only a case opens it. OfficerNeeded and ReopeningUnfounded for a withdrawn one.
    """
    standing = (await own_revisions(ctx, change.record))[-1]
    intake = Intake.of(ctx, standing.item, party=ctx.known_caller.party)
    entry = intake.read_fields(1, change.fields)
    ciphers = await intake.identify([entry])
    if entry.refusals:
        raise _refused(entry)
    frame = frame_of(ctx, intake, lane="live", submission=None, why=change.why, basis=change.basis)
    register = await Register.opened(ctx, intake, frame, entries=[entry], ciphers=ciphers)
    if entry.place != standing.place:
        raise NaturalKeyChanged("Withdraw this record and submit the other one.", "请撤回本记录并另行报送。")
    newest = register.history(entry)[-1]
    _expect(change.expected, newest.rev)
    if newest.state != "published":
        _assert_reopens(ctx, change, newest.state)
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


def _assert_reopens(ctx: Context, change: Change, state: RecordState) -> None:
    if state == "repaired":
        raise RecordClosed("A repaired record is opened only by a case.", "已修复的记录仅可通过案件恢复。")
    if ctx.known_caller.officer is None:
        raise OfficerNeeded("Sign in with a personal token of an officer.", "请使用工作人员个人令牌登录。")
    if change.why != "reopened" or change.basis is None or not change.basis.strip():
        raise ReopeningUnfounded(
            "Give the reason reopened, and the document it rests on as basis.",
            "请将 reason 填为 reopened，并在 basis 中填写所依据的文书。",
        )


def _corrected(register: Register, entry: IntakeRow) -> EntryVerdict:
    history = register.history(entry)
    if history[-1].state != "published":
        if entry.holds:
            raise _refused(entry)
        return register.revise(entry, "reopened")
    if history[-1].fingerprint in entry.fingerprints:
        return EntryVerdict("unchanged", history[-1].record, history[-1].rev, reasons=(reason("same"),))
    return register.hold(entry) or register.revise(entry, "corrected")


def _expect(expected: int, found: int) -> None:
    if expected != found:
        raise Stale("Read it again and repeat the change.", "请重新读取后再更改。", headers={"ETag": f'"{found}"'})


def _refused(entry: IntakeRow) -> RowRefused:
    return RowRefused("See errors.", "原因见 errors。", errors=(*entry.refusals, *entry.holds))
