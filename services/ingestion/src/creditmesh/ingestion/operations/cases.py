"""What the steps of cases do to records of this node: mark, unmark, repair, withdraw, each as one revision."""

from collections.abc import Sequence
from itertools import product
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.ingestion.operations.record_book import Life, Lives, Turn
from creditmesh.ingestion.store import revisions
from creditmesh.ingestion.store.revisions import Place
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
    lives = await Lives.opened(ctx, own.values())
    for step in steps:
        place = own.get(step.record)
        life = None if place is None else lives.at(place)
        if life is not None and step.effect is not None and _does(life, step.effect):
            lives.turn(life, _turn(step, step.effect))
    await lives.write()


async def _own(ctx: Context, steps: Sequence[CaseChanged]) -> dict[UUID, Place]:
    session = await ctx.session()
    firsts = await revisions.firsts(session, [(ctx.part(step.key), step.record) for step in steps])
    missing = {step.record for step in steps} - firsts.keys()
    # A case of somebody the record only names stands in another part than the record.
    firsts |= await revisions.firsts(session, product(range(ctx.node.parts), missing))
    return {each.record: each.place for each in firsts.values() if each.origin == ctx.node.code}


def _does(life: Life, effect: CaseEffect) -> bool:
    if life.state != "published":
        return False
    match effect:
        case "mark":
            return life.mark is None
        case "unmark":
            return life.mark is not None
        case "repair" | "withdraw" | "discharge":
            return True


def _turn(step: CaseChanged, effect: CaseEffect) -> Turn:
    return Turn(
        change=_CHANGES[effect],
        officer=step.officer,
        reason="error" if effect == "withdraw" else None,
        basis=step.basis,
        case=step.case,
        about=step.subject if effect == "discharge" else None,
        ends_mark=step.kind == "objection",
    )
