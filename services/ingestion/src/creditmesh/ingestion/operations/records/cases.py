"""What the steps of cases do to records of this node: mark, unmark, repair, withdraw, each as one revision."""

from collections.abc import Sequence
from itertools import product
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.ingestion.operations.records.record_book import RecordBook, StateChange
from creditmesh.ingestion.store import revisions
from creditmesh.ingestion.store.revisions import Place
from creditmesh.ingestion.verdicts import Known
from creditmesh.schemas.events import CaseChanged
from creditmesh.schemas.events.case import CaseEffect
from creditmesh.schemas.events.record import Change

_CHANGES: dict[CaseEffect, Change] = {
    "mark": "marked",
    "unmark": "unmarked",
    "repair": "repaired",
    "withdraw": "withdrawn",
    "discharge": "discharged",
}


async def apply_cases(ctx: Context, steps: Sequence[CaseChanged]) -> None:
    """Write what these steps do. A step on a copy, on a record that has ended, or done already, does nothing."""
    own = await _own(ctx, [step for step in steps if step.effect is not None])
    book = RecordBook(ctx)
    await book.open_newest(own.values())
    for step in steps:
        if step.effect is not None and step.record in own:
            place = own[step.record]
            if _applies(book.history(place)[-1], step.effect):
                book.change_state(place, _change_of(step, step.effect))
    await book.write()


async def _own(ctx: Context, steps: Sequence[CaseChanged]) -> dict[UUID, Place]:
    session = await ctx.session()
    firsts = await revisions.firsts(session, [(ctx.part(step.key), step.record) for step in steps])
    missing = {step.record for step in steps} - firsts.keys()
    # A case of somebody the record only names stands in another part than the record.
    firsts |= await revisions.firsts(session, product(range(ctx.node.parts), missing))
    return {each.record: each.place for each in firsts.values() if each.origin == ctx.node.code}


def _applies(newest: Known, effect: CaseEffect) -> bool:
    if newest.state != "published":
        return False
    match effect:
        case "mark":
            return newest.mark is None
        case "unmark":
            return newest.mark is not None
        case "repair" | "withdraw" | "discharge":
            return True


def _change_of(step: CaseChanged, effect: CaseEffect) -> StateChange:
    return StateChange(
        change=_CHANGES[effect],
        officer=step.officer,
        reason="error" if effect == "withdraw" else None,
        basis=step.basis,
        case=step.case,
        about=step.subject if effect == "discharge" else None,
        ends_mark=step.kind == "objection",
    )
