"""Cases that a database lost which was restored: what they decided has come back with their records.

Whoever decided such a case can revoke it, and no record stays repaired only because nobody has its case any more.
"""

from collections.abc import Mapping
from dataclasses import replace

from creditmesh.chassis.context import Context
from creditmesh.repair.clocks import NONE
from creditmesh.repair.course import Move
from creditmesh.repair.operations.steps import STATEMENT, By, Words, sealed, take
from creditmesh.repair.store import cases
from creditmesh.repair.store.cases import Case
from creditmesh.schemas.cases import StepAction
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.events.case import CaseState
from creditmesh.schemas.events.record import Change
from creditmesh.schemas.words import FALSE_MATERIAL, REVOKED

_DECIDED: Mapping[Change, tuple[StepAction, Move]] = {
    "repaired": ("approve", Move(state="approved", effect="repair", done=True)),
    "withdrawn": ("approve", Move(state="approved", effect="withdraw", done=True)),
    "discharged": ("approve", Move(state="approved", effect="discharge", done=True)),
}
"""What a case had come to that made such a revision."""
_REVOCATIONS: Mapping[str, tuple[StepAction, Move]] = {
    REVOKED: ("revoke", Move(state="revoked", effect="reopen", done=True)),
    FALSE_MATERIAL: ("revoke", Move(state="revoked", effect="reopen", false_material=True, done=True)),
}
"""The same by the reason that it gives: a revocation may leave the record withdrawn by its party, or withheld."""
_AFTER: Mapping[CaseState, frozenset[CaseState]] = {
    "approved": frozenset({"approved", "revoked"}),
    "revoked": frozenset({"revoked"}),
}
_STATEMENT = "This statement was lost with the node's database. / 原陈述已随节点数据库丢失。"


async def remake_case(ctx: Context, part: int, event: RecordChanged) -> bool:
    """Bring the case that made this revision to where it had come, if it is not there; if it is lost, make it again.

    One that discharged somebody is not made again: it has nothing to revoke. What is told of the step has no effect:
    its revision is here. Whether a step was taken.
    """
    decided = _decided(event)
    if decided is None:
        return False
    action, move = decided
    case = await _case_of(ctx, part, event)
    if case is None and event.case is not None and event.change != "discharged":
        case = await _made(ctx, part, event, state=move.state)
    elif case is None or case.state in _AFTER[move.state]:
        return False
    if case is not None:  # who decides after a refusal decides an appeal
        heard = replace(case, appealed=case.appealed or case.state == "refused")
        by = By(party=event.party, officer=event.officer)
        await take(ctx, heard, action, move, by=by, words=Words(basis=event.basis))
    return case is not None


def _decided(event: RecordChanged) -> tuple[StepAction, Move] | None:
    """What a case decided by this revision; None: no case made it."""
    revoked = _REVOCATIONS.get(event.reason or "")
    if event.case is None:  # a party gives such a reason only with content
        return revoked if event.change == "withdrawn" else None
    return _DECIDED.get(event.change, revoked)


async def _case_of(ctx: Context, part: int, event: RecordChanged) -> Case | None:
    """Its case; where a revocation leaves the record withdrawn by its party it names none, and the end had named it."""
    session = await ctx.session()
    if event.case is None:
        return await cases.ended_by(session, part=part, record=event.record, before=event.rev)
    return await cases.case_of(session, event.case, parts=ctx.node.parts)


async def _made(ctx: Context, part: int, event: RecordChanged, *, state: CaseState) -> Case | None:
    """The case, as far as the revision says; None: its subject was erased."""
    cipher = (await ctx.vault.open_left([event.subject])).get(event.subject)
    if cipher is None or event.case is None:
        return None
    case = Case(
        part=part,
        id=event.case,
        kind="objection" if event.change == "withdrawn" else "repair",
        subject=event.subject,
        record=event.record,
        rev=max(event.rev - 1, 1),
        item=event.item,
        party=event.party,
        outcome_wanted=None,
        filed_on=ctx.legal_date,
        sealed=sealed(cipher, _STATEMENT, event.case, STATEMENT),
        state=state,
        steps=0,
        due=NONE.on,
        calendar=NONE.calendar,
    )
    await cases.add(await ctx.session(), case)
    return case
