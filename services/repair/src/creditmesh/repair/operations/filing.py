"""A subject files a case about a record of theirs: one that is about them, or names them."""

from collections.abc import Collection
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Forbidden, MeshError, NotFound
from creditmesh.repair.clocks import deadline
from creditmesh.repair.course import Move
from creditmesh.repair.errors import CaseOpen, NotTheOrigin, NotYours
from creditmesh.repair.filing import Record, check_filing, check_not_barred
from creditmesh.repair.operations.seeing import PURPOSE
from creditmesh.repair.operations.steps import STATEMENT, By, Words, bar, note, procedure_of, rule_of, sealed
from creditmesh.repair.store import cases, records
from creditmesh.repair.store.cases import Case
from creditmesh.schemas.cases import CaseIn
from creditmesh.schemas.catalogue import Procedure, Repair
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.events.case import CaseKind

_NONE = ("You have no record of this id.", "您没有该编号的记录。")


async def file_case(ctx: Context, filed: CaseIn) -> UUID:
    """File it: the new case's id.

    NotFound if there is no such record, NotYours (a kept access) if it neither is about the caller nor names them;
    NotTheOrigin of a copy; refusals as `check_filing`; RepairBarred; CaseOpen; NoProcedure.
    """
    subject, about = await _about(ctx, filed)
    cipher = (await ctx.vault.open([subject]))[subject]
    await ctx.lock([subject, about])
    record = await _own_record(ctx, filed.record, subject)
    procedure = procedure_of(ctx, filed.kind)
    rule = rule_of(ctx, record) if filed.kind == "repair" else None
    check_filing(filed.kind, record, rule=rule, law=ctx.followed(Directory).own_law(ctx.legal_date))
    if rule is not None:
        await check_honest(ctx, subject, rule)
    await check_none_open(ctx, record.part, record.record, filed.kind, subject=subject)
    case_id = ctx.new_id()
    statement = sealed(cipher, filed.statement, case_id, STATEMENT)
    await _begin(
        ctx, _case(ctx, filed, record, procedure, case_id=case_id, subject=subject, statement=statement), procedure
    )
    return case_id


async def check_honest(ctx: Context, subject: UUID, rule: Repair) -> None:
    """RepairBarred while this rule bars the subject for a repair that they had obtained by false material."""
    check_not_barred(await cases.false_material_on(await ctx.session(), subject), rule, today=ctx.legal_date)


async def check_none_open(ctx: Context, part: int, record: UUID, kind: CaseKind, *, subject: UUID) -> None:
    """CaseOpen if such a case of this subject's is open, or an objection of somebody else's is being decided."""
    standing = await cases.open_cases(await ctx.session(), part=part, records=[record], kind=kind)
    if bar(standing, kind, subject=subject) == "own":
        raise CaseOpen("Add to that case instead; it is in your cases.", "请在已有案件中补充；见本人案件列表。")
    check_no_others(standing, kind, subject=subject)


def check_no_others(standing: Collection[Case], kind: CaseKind, *, subject: UUID) -> None:
    """CaseOpen if somebody else's objection is among these open cases, and the body or the office has it to decide."""
    if bar([each for each in standing if each.subject != subject], kind, subject=subject) is not None:
        raise CaseOpen(
            "Somebody else's objection to it is being decided; send this again after that.",
            "他人对该记录的异议正在办理；请待办结后重新提交。",
        )


async def _about(ctx: Context, filed: CaseIn) -> tuple[UUID, UUID]:
    """Who files, and whom the record is about."""
    subject = ctx.known_caller.subject
    if subject is None:
        raise Forbidden("This token is not bound to a person.", "该令牌未绑定信用主体。")
    return subject, (await _own_record(ctx, filed.record, subject)).subject


async def _own_record(ctx: Context, record_id: UUID, subject: UUID) -> Record:
    record = await records.record_of(await ctx.session(), record_id, parts=ctx.node.parts)
    if record is None:
        raise await _no_record_of_ours(ctx, record_id, subject)
    if not record.concerns(subject):
        raise _anothers(ctx, record)
    return record


async def _no_record_of_ours(ctx: Context, record_id: UUID, subject: UUID) -> MeshError:
    """NotTheOrigin of a copy that is about the subject or names them, NotYours of another, NotFound without one."""
    copy = await records.copy_of(await ctx.session(), record_id, parts=ctx.node.parts)
    if copy is None or copy.record != record_id or copy.origin == ctx.node.code:  # the id may be of a later revision
        return NotFound(*_NONE)
    if subject not in {copy.subject, *copy.named}:
        return _anothers(ctx, copy)
    return NotTheOrigin(
        f"File it with the node {copy.origin}, where the record was made.",
        f"请向记录的来源节点 {copy.origin} 提出。",
    )


def _anothers(ctx: Context, record: Record | RecordChanged) -> NotYours:
    """The attempt is an access of whom the record is about."""
    ctx.disclose(
        record.subject,
        purpose=PURPOSE,
        ground="self",
        outcome="refused",
        reason=NotYours.code,
        items=[record.item],
        records=[record.record],
    )
    return NotYours(*_NONE)


async def _begin(ctx: Context, case: Case, procedure: Procedure) -> None:
    await cases.add(await ctx.session(), case)
    due = deadline(ctx.legal_date, procedure.accept_working_days)
    await note(ctx, case, "file", Move(state="filed", due=due), by=By(), words=Words())


def _case(
    ctx: Context, filed: CaseIn, record: Record, procedure: Procedure, *, case_id: UUID, subject: UUID, statement: bytes
) -> Case:
    due = deadline(ctx.legal_date, procedure.accept_working_days)
    return Case(
        part=record.part,
        id=case_id,
        kind=filed.kind,
        subject=subject,
        record=record.record,
        rev=record.rev,
        item=record.item,
        party=record.party,
        outcome_wanted=filed.outcome_wanted,
        filed_on=ctx.legal_date,
        sealed=statement,
        state="filed",
        steps=1,
        due=due.on,
        calendar=due.calendar,
    )
