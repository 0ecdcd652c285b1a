"""A step as it is taken: the case moves, its history grows, and the event tells it, all in one transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Unavailable
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.repair.clocks import Deadline, deadline
from creditmesh.repair.course import CasePosition, CaseSituation, Move
from creditmesh.repair.errors import NoProcedure
from creditmesh.repair.filing import Record
from creditmesh.repair.store import cases, documents, records
from creditmesh.repair.store.cases import Case, Step
from creditmesh.schemas.cases import EvidenceKind, Remedy, StepAction
from creditmesh.schemas.catalogue import Procedure, Repair
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import CaseChanged
from creditmesh.schemas.events.case import CaseKind
from creditmesh.schemas.rules.calendar import working_days
from creditmesh.schemas.rules.visibility import has_ended

STATEMENT = "statement"
"""What the statement of a case is sealed as; the reason of a step as `reason-<number>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who takes a step; nothing of it: the subject."""

    party: str | None = None
    officer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is said with a step."""

    sealed: bytes | None = None
    basis: str | None = None
    missing: Sequence[EvidenceKind] = ()
    remedy: Remedy | None = None


async def take(ctx: Context, case: Case, action: StepAction, move: Move, *, by: By, words: Words) -> Case:
    """Take the step: the case as it stands after it."""
    after = replace(
        case,
        state=move.state,
        steps=case.steps + 1,
        due=move.due.on,
        calendar=move.due.calendar,
        returned=case.steps + 1 if action == "return" else case.returned,
        missing=words.missing,
        appealed=case.appealed or action == "appeal",
        final=move.final,
        days_left=None,
        false_material_on=ctx.legal_date if move.false_material else case.false_material_on,
    )
    await cases.change(await ctx.session(), after)
    await note(ctx, after, action, move, by=by, words=words)
    return after


async def note(ctx: Context, case: Case, action: StepAction, move: Move, *, by: By, words: Words) -> None:
    """Add the step that brought the case to where it stands, and tell it; others' clocks stop or go on by it."""
    step = Step(
        part=case.part,
        case_id=case.id,
        number=case.steps,
        action=action,
        state=case.state,
        at=ctx.instant,
        legal_date=ctx.legal_date,
        party=by.party,
        officer=by.officer,
        basis=words.basis,
        missing=words.missing,
        remedy=words.remedy,
        effect=move.effect,
        sealed=words.sealed,
    )
    await cases.add_step(await ctx.session(), step, record=case.record)
    await _keep_clocks(ctx, case)
    ctx.emit(
        CaseChanged(
            case=case.id,
            kind=case.kind,
            subject=case.subject,
            record=case.record,
            state=case.state,
            effect=None if move.done else move.effect,
            party=by.party,
            officer=by.officer,
            basis=words.basis,
            false_material=move.false_material,
        )
    )


async def _keep_clocks(ctx: Context, moved: Case) -> None:
    """Stop the time of whoever could not appeal now, because another case is open; the rest of it goes on after."""
    session, today = await ctx.session(), ctx.legal_date
    standing = await cases.open_cases(session, part=moved.part, records=[moved.record], kind=moved.kind)
    for case in await cases.refused(session, part=moved.part, record=moved.record, kind=moved.kind):
        is_barred = bar(standing, case.kind, subject=case.subject) is not None
        if is_barred and case.due is not None and case.due >= today:
            left = working_days(today, case.due)
            await cases.change(session, replace(case, due=None, calendar="stopped", days_left=left))
        elif not is_barred and case.days_left is not None:
            due = deadline(today, case.days_left)
            await cases.change(session, replace(case, due=due.on, calendar=due.calendar, days_left=None))


def bar(standing: Collection[Case], kind: CaseKind, *, subject: UUID) -> Literal["own", "others"] | None:
    """Which of these open cases of that kind leaves no room for another of this subject: one of their own, or others'.

    An objection marks the record for everybody, and the body or the office has it to decide; a repair is for whoever
    asks for it. One that was returned waits for whoever filed it, perhaps for ever, and bars nobody else.
    """
    if any(each.subject == subject for each in standing):
        return "own"
    decided = kind == "objection" and any(each.state != "returned" for each in standing)
    return "others" if decided else None


def place_of(case: Case) -> CasePosition:
    """Where the case is in its course."""
    return CasePosition(state=case.state, due=Deadline(case.due, case.calendar), final=case.final)


async def standing_of(ctx: Context, case: Case) -> CaseSituation:
    """Where the case stands, with its documents and what its body did to the record meanwhile."""
    session = await ctx.session()
    record = await record_of(ctx, case)
    return CaseSituation(
        state=case.state,
        due=Deadline(case.due, case.calendar),
        final=case.final,
        kind=case.kind,
        since=await _complete_since(session, case),
        returned=case.returned > 0,
        appealed=case.appealed,
        documents=documents.kinds(await documents.documents_of(session, case)),
        corrected=record.corrected > case.rev,
        ended_record=record.case_id == case.id and record.change == record.state and has_ended(record.state),
        named=record.subject != case.subject,
    )


async def _complete_since(session: Session, case: Case) -> date:
    """The day its filing was complete, or it went on: what the subject took, or its record's end, is no body's time."""
    begun = (each for each in await cases.steps_of(session, case) if each.action in {"complete", "record_reopened"})
    return max((each.legal_date for each in begun), default=case.filed_on)


async def record_of(ctx: Context, case: Case) -> Record:
    """The record of a case. A case without one is a fault of ours: nothing removes a record."""
    found = await records.record_of(await ctx.session(), case.record, parts=ctx.node.parts)
    if found is None:
        raise LookupError(f"case {case.id} has no record {case.record}")
    return found


def procedure_of(ctx: Context, kind: CaseKind) -> Procedure:
    """The clocks of a kind of case in force today; NoProcedure if there are none."""
    found = ctx.followed(Directory).procedure(kind, on=ctx.legal_date)
    if found is None:
        raise NoProcedure("See /v1/catalogue/procedures.", "见 /v1/catalogue/procedures。")
    return found


def rule_of(ctx: Context, record: Record) -> Repair:
    """How records of its item are repaired today; Unavailable while this process does not know the item."""
    rule = ctx.followed(Directory).repair(record.item, record.item_version, on=ctx.legal_date)
    if rule is None:
        raise Unavailable(
            "This process does not know the record's item yet; send it again.", "目录尚未同步；请重新发送。",
            headers={"Retry-After": "1"},
        )  # fmt: skip
    return rule


def sealed(cipher: Cipher, said: str, case_id: UUID, field: str) -> bytes:
    """What somebody said, as it is kept."""
    return cipher.seal({field: said}, object=case_id, field=field).model_dump_json().encode()
