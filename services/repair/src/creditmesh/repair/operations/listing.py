"""Cases page by page: a person's own, and those that a party or the credit office has to handle. Each an access."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Forbidden
from creditmesh.chassis.http import paging
from creditmesh.repair.operations.seeing import disclose
from creditmesh.repair.operations.showing import entry_of
from creditmesh.repair.store import cases
from creditmesh.repair.store.cases import Case, Wish
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.cases import CaseEntry
from creditmesh.schemas.events.case import CaseKind, CaseState


async def cases_to_handle(
    ctx: Context,
    *,
    state: CaseState | None,
    kind: CaseKind | None,
    due_before: date | None,
    after: UUID | None,
    limit: int,
) -> Page[CaseEntry]:
    """In the order they were filed: of a department those on its records, of the office all."""
    caller = ctx.known_caller
    wish = Wish(
        party=None if caller.kind == "office" else caller.party or "",
        items=caller.items,
        state=state,
        kind=kind,
        due_before=due_before,
        today=ctx.legal_date,
    )
    found = await cases.page(await ctx.session(), wish, after=after, limit=limit + 1)
    return await _page(ctx, found, limit)


async def own_cases(ctx: Context, *, before: UUID | None, limit: int) -> Page[CaseEntry]:
    """The caller's own, newest first."""
    subject = ctx.known_caller.subject
    if subject is None:
        raise Forbidden("This token is not bound to a person.", "该令牌未绑定信用主体。")
    found = await cases.cases_of(await ctx.session(), subject, before=before, limit=limit + 1)
    return await _page(ctx, found, limit)


async def _page(ctx: Context, found: Sequence[Case], limit: int) -> Page[CaseEntry]:
    shown = found[:limit]
    effects = await cases.effects_of(await ctx.session(), shown)
    entries = {each.id: entry_of(ctx, each, effects[each.id]) for each in shown}
    disclose(ctx, shown, outcome="released")
    return paging.page(
        found,
        limit=limit,
        place=lambda case: case.id,
        shown=lambda case: entries[case.id],
        caller=ctx.known_caller,
    )
