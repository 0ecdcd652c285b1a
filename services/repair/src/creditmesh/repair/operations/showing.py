"""A case as it is answered: where it stands, what was said in it, and what became of the record. An access."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.chassis.vault.ciphers import Erased
from creditmesh.repair.operations.documents import lacking
from creditmesh.repair.operations.seeing import disclose, seen_case
from creditmesh.repair.operations.steps import STATEMENT, place_of
from creditmesh.repair.store import cases, documents
from creditmesh.repair.store.cases import Case, Effect, Step
from creditmesh.repair.store.documents import Evidence
from creditmesh.schemas.cases import CaseEntry, CaseOut, EvidenceOut, StepOut
from creditmesh.schemas.cases import Standing as Mark
from creditmesh.schemas.sealed import Sealed


async def shown_case(ctx: Context, case_id: UUID) -> tuple[CaseOut, int]:
    """The case whole, and the number of its steps. Refusals as `seen_case`."""
    case, _ = await seen_case(ctx, case_id)
    session = await ctx.session()
    steps = await cases.steps_of(session, case)
    effects = (await cases.effects_of(session, [case]))[case.id]
    there = await documents.documents_of(session, case)
    cipher = await _cipher(ctx, case)
    disclose(ctx, [case], outcome="released")
    shown = CaseOut(
        **entry_of(ctx, case, effects).model_dump(),
        rev=case.rev,
        statement=_opened(cipher, case.sealed, case.id, STATEMENT),
        outcome_wanted=case.outcome_wanted,
        missing=lacking(case, there) if case.state == "returned" else (),
        evidence=tuple(evidence_out(each) for each in there),
        steps=tuple(_step(each, effects, cipher) for each in steps),
    )
    return shown, case.steps


def entry_of(ctx: Context, case: Case, effects: Sequence[Effect]) -> CaseEntry:
    """The case as it stands today, without what was said in it."""
    today, place = ctx.legal_date, place_of(case)
    refused = case.state == "refused"
    marking, effect = _consequences(effects)
    return CaseEntry.model_validate(
        {
            "case": case.id,
            "kind": case.kind,
            "state": place.shown_state(today),
            "record": case.record,
            "item": case.item,
            "party": case.party,
            "filed_on": case.filed_on,
            "due": None if refused else case.due,
            "calendar": case.calendar,
            "overdue": place.overdue(today),
            "appeal_until": case.due if refused else None,
            "appeal_open": place.appeal_open(today),
            "final": case.final,
            "marking": marking,
            "effect": effect,
            "false_material_on": case.false_material_on,
        }
    )


def evidence_out(of: Evidence) -> EvidenceOut:
    """A document by what it is."""
    return EvidenceOut(digest=of.digest.hex(), kind=of.kind, media_type=of.media_type, size=of.size, at=of.at)


def _consequences(effects: Sequence[Effect]) -> tuple[Mark, str | None]:
    """Whether the mark stands, and whether what was decided after it has become a revision."""
    mark = next((each for each in reversed(effects) if each.effect == "mark"), None)
    decided = [each for each in effects if each.effect != "mark" and (mark is None or each.number > mark.number)]
    effect = None if not decided else "under_way" if decided[-1].rev is None else "done"
    if mark is None or effect == "done":
        return "none", effect
    return "under_way" if mark.rev is None else "done", effect


def _step(step: Step, effects: Sequence[Effect], cipher: Cipher | None) -> StepOut:
    rev = next((each.rev for each in effects if each.number == step.number), None)
    reason = None if step.sealed is None else _opened(cipher, step.sealed, step.case_id, f"reason-{step.number}")
    return StepOut(
        number=step.number,
        action=step.action,
        state=step.state,
        at=step.at,
        legal_date=step.legal_date,
        party=step.party,
        officer=step.officer,
        reason=reason,
        basis=step.basis,
        missing=tuple(step.missing),
        remedy=step.remedy,
        effect=step.effect,
        rev=rev,
    )


async def _cipher(ctx: Context, case: Case) -> Cipher | None:
    try:
        opened: Mapping[UUID, Cipher] = await ctx.vault.open([case.subject])
    except Erased:
        return None
    return opened[case.subject]


def _opened(cipher: Cipher | None, text: bytes, case_id: UUID, field: str) -> str | None:
    if cipher is None:
        return None
    return str(cipher.unseal(Sealed.model_validate_json(text), object=case_id, field=field)[field])
