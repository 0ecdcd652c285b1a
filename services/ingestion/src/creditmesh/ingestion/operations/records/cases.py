"""What the steps of cases do to records of this node: mark, end, open again, discharge, each as one revision."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.ingestion.operations.records.record_book import RecordBook, StateChange
from creditmesh.ingestion.store import revisions, undecided
from creditmesh.ingestion.store.revisions import Place
from creditmesh.ingestion.verdicts import Known
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import CaseChanged
from creditmesh.schemas.events.case import CaseEffect, CaseState
from creditmesh.schemas.events.record import Change, RecordState
from creditmesh.schemas.rules.display import lengthened
from creditmesh.schemas.rules.visibility import has_ended
from creditmesh.schemas.words import FALSE_MATERIAL, REVOKED, UPHELD

_CHANGES: dict[CaseEffect, Change] = {
    "mark": "marked",
    "unmark": "unmarked",
    "repair": "repaired",
    "withdraw": "withdrawn",
    "discharge": "discharged",
    "reopen": "reopened",
}


_UNDECIDED: frozenset[CaseState] = frozenset({"filed", "accepted", "appealed"})
"""A case that was returned waits for whoever filed it, perhaps for ever."""


async def apply_cases(ctx: Context, steps: Sequence[CaseChanged]) -> None:
    """Write what these steps do, and keep which cases are to be decided.

    A step on a copy, on a record that a case has ended, or done already, does nothing.
    """
    newest = {step.case: step for step in steps}
    await undecided.begin(
        await ctx.session(), {case: step.record for case, step in newest.items() if step.state in _UNDECIDED}
    )
    await undecided.end(await ctx.session(), [case for case, step in newest.items() if step.state not in _UNDECIDED])
    own = await _own(ctx, [step for step in steps if step.effect is not None])
    book = RecordBook(ctx)
    await book.open_newest(own.values())
    for step in steps:
        if step.effect is not None and step.record in own:
            place, says = own[step.record], book.says(own[step.record])
            if _applies(book.history(place)[-1], step.effect, step.case, says=says):
                made = _change_of(ctx, step, step.effect, says=says)
                if step.effect == "reopen":
                    made = _as_before(made, await _state_before(ctx, book, place, step.record))
                book.change_state(place, made)
    await book.write()


async def _own(ctx: Context, steps: Sequence[CaseChanged]) -> dict[UUID, Place]:
    session = await ctx.session()
    firsts = await revisions.firsts(session, [(ctx.part(step.key), step.record) for step in steps])
    missing = {step.record for step in steps} - firsts.keys()
    # A case of somebody the record only names stands in another part than the record.
    firsts |= await revisions.firsts(session, product(range(ctx.node.parts), missing))
    return {each.record: each.place for each in firsts.values() if each.origin == ctx.node.code}


async def _state_before(ctx: Context, book: RecordBook, place: Place, record: UUID) -> RecordState:
    """What the record was before the case whose end is newest ended it."""
    known = book.history(place)
    if len(known) == 1:
        known = [each.known for each in await revisions.revisions(await ctx.session(), record, parts=ctx.node.parts)]
    return known[-2].state


def _as_before(made: StateChange, before: RecordState) -> StateChange:
    """Its party may have withdrawn it, or what it said is not here."""
    match before:
        case "withdrawn":
            return replace(made, change="withdrawn", case=None)
        case "withheld":
            return replace(made, change="withheld")
        case _:
            return made


def _applies(newest: Known, effect: CaseEffect, case: UUID, *, says: Mapping[str, Any]) -> bool:
    """`says`: the newest revision."""
    goes_on = not has_ended(newest.state)
    match effect:
        case "mark":
            return goes_on and newest.mark is None
        case "unmark":
            return goes_on and newest.mark is not None
        case "repair" | "withdraw" | "discharge":
            # What its party withdrew meanwhile its party may open again: but not what was decided.
            return goes_on or (newest.state == "withdrawn" and says["case"] is None)
        case "reopen":
            return says["change"] in {"repaired", "withdrawn"} and says["case"] == str(case)


def _change_of(ctx: Context, step: CaseChanged, effect: CaseEffect, *, says: Mapping[str, Any]) -> StateChange:
    return StateChange(
        change=_CHANGES[effect],
        officer=step.officer,
        reason={"withdraw": UPHELD, "reopen": FALSE_MATERIAL if step.false_material else REVOKED}.get(effect),
        basis=step.basis,
        case=step.case,
        about=step.subject if effect == "discharge" else None,
        false_material=step.false_material,
        until=_until(ctx, says) if step.false_material else None,
        ends_mark=step.kind == "objection",
    )


def _until(ctx: Context, says: Mapping[str, Any]) -> date | None:
    """When a record is shown no more whose repair was obtained by false material."""
    stored = None if says["display_until"] is None else date.fromisoformat(says["display_until"])
    rule = ctx.followed(Directory).repair(says["item"], says["item_version"], on=ctx.legal_date)
    return stored if rule is None else lengthened(stored, rule, decided_on=date.fromisoformat(says["decided_on"]))
