"""A step of a case by whoever may take it: the body that made the record, the credit office, the subject."""

from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Stale
from creditmesh.repair.course import Actor, Move, check_actor, moved
from creditmesh.repair.errors import RecordNotShown
from creditmesh.repair.filing import check_period
from creditmesh.repair.operations.filing import check_honest, check_none_open
from creditmesh.repair.operations.seeing import locked_case
from creditmesh.repair.operations.steps import By, Words, procedure_of, record_of, rule_of, sealed, standing_of, take
from creditmesh.repair.store.cases import Case
from creditmesh.schemas.cases import ActionIn
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.rules.visibility import has_ended


async def act(ctx: Context, case_id: UUID, asked: ActionIn, *, expected: int) -> UUID:
    """Take the step from the state of the case that the caller has read (`expected` is the number of its steps).

    Stale if it has moved since; refusals of `seen_case`, `check_actor` and `moved`; of a repair's approval TooEarly and
    RepairBarred;
    RecordNotShown or CaseOpen where an appeal has lost its object.
    """
    case, actor = await locked_case(ctx, case_id)
    if case.steps != expected:
        raise Stale("Read it again and repeat the step.", "请重新读取后再办理。", headers={"ETag": f'"{case.steps}"'})
    standing = await standing_of(ctx, case)
    check_actor(asked.action, actor, ctx.known_caller.officer, standing, today=ctx.legal_date)
    move = moved(asked, standing, procedure_of(ctx, case.kind), today=ctx.legal_date)
    await _check_record(ctx, case, move)
    await take(ctx, case, asked.action, move, by=_by(ctx, actor), words=await _words(ctx, case, asked))
    return case.id


async def _check_record(ctx: Context, case: Case, move: Move) -> None:
    if case.kind == "repair" and move.effect == "repair":
        record = await record_of(ctx, case)
        rule = rule_of(ctx, record)
        check_period(record, rule, law=ctx.followed(Directory).law(ctx.legal_date))
        await check_honest(ctx, case.subject, rule)
    if move.state == "appealed":
        if has_ended((await record_of(ctx, case)).state):
            raise RecordNotShown("It has ended meanwhile; nothing is left to decide.", "该记录已终止，无需再作决定。")
        await check_none_open(ctx, case.part, case.record, case.kind, subject=case.subject)


def _by(ctx: Context, actor: Actor) -> By:
    caller = ctx.known_caller
    return By() if actor == "subject" else By(party=caller.party, officer=caller.officer)


async def _words(ctx: Context, case: Case, asked: ActionIn) -> Words:
    text = None
    if asked.reason is not None:
        cipher = (await ctx.vault.open([case.subject]))[case.subject]
        text = sealed(cipher, asked.reason, case.id, f"reason-{case.steps + 1}")
    return Words(sealed=text, basis=asked.basis, missing=asked.missing, remedy=asked.remedy)
