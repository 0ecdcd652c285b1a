"""Changes of a record by its own party: it corrects it, withdraws it, asks that it be taken in again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound, Stale
from creditmesh.ingestion.errors import (
    NaturalKeyChanged,
    NothingToReinstate,
    OfficerNeeded,
    RecordClosed,
    ReopeningUnfounded,
    RowRefused,
)
from creditmesh.ingestion.operations.records.candidates import Candidate
from creditmesh.ingestion.operations.records.intake import Intake, IntakeRow
from creditmesh.ingestion.operations.records.reading import NONE, own_revisions
from creditmesh.ingestion.operations.records.record_book import RecordBook, StateChange
from creditmesh.ingestion.operations.records.register import Register, RowVerdict, told
from creditmesh.ingestion.verdicts import REINSTATED, Known
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.visibility import has_ended


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """What a party changes of its record: made from the revision `expected`, for this reason, on this basis."""

    record: UUID
    expected: int
    why: str
    basis: str | None
    fields: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)


async def correct_record(ctx: Context, change: ChangeRequest) -> RowVerdict:
    """Replace the content of a record; a named officer opens a withdrawn record again by it, for a reason, on a basis.

    Stale if the record has changed since `expected`, RowRefused where the gate refuses the new content (or doubts that
    of a record that has ended), NaturalKeyChanged if it would be another record. Doubtful content is held. A repaired
    record, and one that a case withdrew, is RecordClosed: only that case opens it. OfficerNeeded and ReopeningUnfounded
    for one that its party withdrew.
    """
    stored = (await own_revisions(ctx, change.record))[-1]
    intake = Intake.of(ctx, stored.item, party=ctx.known_caller.party)
    row = intake.read_fields(1, change.fields)
    await intake.identify([row])
    if row.refusals:
        raise _refused(row.refusals)
    candidate = row.passed_candidate
    register = Register(ctx, intake.attribution(why=change.why, basis=change.basis))
    await register.open([candidate])
    if candidate.place != stored.place:
        raise NaturalKeyChanged("Withdraw this record and submit the other one.", "请撤销本记录并另行报送。")
    newest = _newest(register.history(candidate))
    _expect(change.expected, newest.rev)
    _expect(stored.rev, newest.rev)
    if has_ended(newest.state):
        _assert_reopens(ctx, change, RecordChanged.model_validate_json(stored.data))
    verdict = _corrected(register, row, candidate)
    await register.write()
    return told(verdict._replace(item=intake.item.code), row)


async def withdraw_record(ctx: Context, change: ChangeRequest) -> RowVerdict:
    """End a record: it is shown and used no more. Stale if it has changed, RecordClosed if it has ended already."""
    stored = (await own_revisions(ctx, change.record))[-1]
    book = RecordBook(ctx)
    await book.open_newest([stored.place])
    newest = _newest(book.history(stored.place))
    _expect(change.expected, newest.rev)
    if has_ended(newest.state):
        raise RecordClosed("It has ended already.", "该记录已终止。")
    officer = ctx.known_caller.officer
    withdrawal = StateChange(change="withdrawn", officer=officer, reason=change.why, basis=change.basis)
    made = book.change_state(stored.place, withdrawal)
    await book.write()
    return RowVerdict("corrected", newest.record, newest.rev + 1, made=made, item=stored.item)


async def reinstate_record(ctx: Context, item: str, fields: Mapping[str, JsonValue], *, basis: str) -> RowVerdict:
    """Ask the credit office to take a decision in again whose withdrawn record was deleted: held; an access.

    OfficerNeeded; UnconfirmedItem; RowRefused by the gate, or if the record had ended otherwise; NothingToReinstate if
    none was deleted.
    """
    if ctx.known_caller.officer is None:
        raise OfficerNeeded("Sign in with a personal token of an officer.", "请使用工作人员个人令牌登录。")
    intake = Intake.of(ctx, item, party=ctx.known_caller.party)
    intake.assert_collected()
    row = intake.read_fields(1, fields)
    await intake.identify([row])
    if row.refusals:
        raise _refused(row.refusals)
    candidate = row.passed_candidate
    register = Register(ctx, intake.attribution(why=REINSTATED.reason, basis=basis))
    await register.open([candidate])
    if not register.has_deleted(candidate):
        raise NothingToReinstate("Send it, or correct its record.", "请直接报送，或更正其记录。")
    verdict = register.settle(row)
    if verdict.verdict == "refused":
        raise _refused(verdict.reasons)
    await register.write()
    ctx.disclose(candidate.place[1], purpose="reinstatement", ground="statutory", outcome="nothing", items=[item])
    return told(verdict._replace(item=intake.item.code), row)


def _newest(history: Sequence[Known]) -> Known:
    """The newest under the lock; NotFound: it was deleted since it was read without one."""
    if not history:
        raise NotFound(*NONE)
    return history[-1]


def _assert_reopens(ctx: Context, change: ChangeRequest, newest: RecordChanged) -> None:
    if newest.state == "repaired":
        raise RecordClosed(
            "It is opened only by its case, whose approval is revoked.", "仅可在其案件中撤销准予决定以恢复。"
        )
    if newest.state == "erased":
        raise RecordClosed("It was erased and is opened by nothing.", "该记录已被删除，不得恢复。")
    if newest.case is not None and newest.change != "discharged":
        raise RecordClosed(
            "It was withdrawn by the decision of a case; it is opened only there, where the approval is revoked.",
            "该记录已依案件决定撤销，仅可在该案件中撤销准予决定以恢复。",
        )
    if ctx.known_caller.officer is None:
        raise OfficerNeeded("Sign in with a personal token of an officer.", "请使用工作人员个人令牌登录。")
    if change.why != "reopened" or change.basis is None or not change.basis.strip():
        raise ReopeningUnfounded(
            "Give the reason reopened, and the document it rests on as basis.",
            "请将 reason 填为 reopened，并在 basis 中填写所依据的文书。",
        )


def _corrected(register: Register, row: IntakeRow, candidate: Candidate) -> RowVerdict:
    newest = register.history(candidate)[-1]
    if has_ended(newest.state):
        if candidate.holds:
            raise _refused(candidate.holds)
        return register.revise(candidate, "reopened")
    if newest.state == "published" and newest.fingerprint in candidate.fingerprints:
        return RowVerdict("unchanged", newest.record, newest.rev, reasons=(reason("same"),))
    return register.hold(row) or register.revise(candidate, "corrected")


def _expect(expected: int, found: int) -> None:
    if expected != found:
        raise Stale("Read it again and repeat the change.", "请重新读取后再更改。", headers={"ETag": f'"{found}"'})


def _refused(errors: Sequence[FieldError]) -> RowRefused:
    return RowRefused("See errors.", "原因见 errors。", errors=errors)
