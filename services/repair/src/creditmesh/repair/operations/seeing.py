"""Whose case it is, who else may see it, and the access that every look and every refused attempt is."""

from collections.abc import Sequence
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound
from creditmesh.repair.course import Actor
from creditmesh.repair.errors import NotYours, OutsideCredential
from creditmesh.repair.store import cases, records
from creditmesh.repair.store.cases import Case
from creditmesh.schemas.events.access import AccessOutcome

_NONE = ("You have no case of this id.", "没有该编号的案件。")
PURPOSE = "case"
"""The purpose of these accesses."""


async def seen_case(ctx: Context, case_id: UUID) -> tuple[Case, Actor]:
    """The case, and as whom the caller sees it.

    NotFound if there is none; NotYours and OutsideCredential are kept accesses.
    """
    found = await cases.case_of(await ctx.session(), case_id, parts=ctx.node.parts)
    if found is None:
        raise NotFound(*_NONE)
    actor = _actor(ctx, found)
    if actor is None:
        disclose(ctx, [found], outcome="refused", reason=NotYours.code)
        raise NotYours(*_NONE)
    items = ctx.known_caller.items
    if items is not None and found.item not in items:
        disclose(ctx, [found], outcome="refused", reason=OutsideCredential.code)
        raise OutsideCredential
    return found, actor


async def locked_case(ctx: Context, case_id: UUID) -> tuple[Case, Actor]:
    """The same, and nobody else changes the case before this transaction ends."""
    found, _ = await seen_case(ctx, case_id)
    return await locked(ctx, found)


async def locked(ctx: Context, seen: Case) -> tuple[Case, Actor]:
    """A case that was seen, locked and as it is now."""
    record = await records.record_of(await ctx.session(), seen.record, parts=ctx.node.parts)
    await ctx.lock({seen.subject} if record is None else {seen.subject, record.subject})
    return await seen_case(ctx, seen.id)


def disclose(ctx: Context, shown: Sequence[Case], *, outcome: AccessOutcome, reason: str | None = None) -> None:
    """One access for each person whose cases these are."""
    by_subject: dict[UUID, list[Case]] = {}
    for each in shown:
        by_subject.setdefault(each.subject, []).append(each)
    for subject, theirs in sorted(by_subject.items()):
        ctx.disclose(
            subject,
            purpose=PURPOSE,
            ground="self" if ctx.known_caller.kind == "subject" else "statutory",
            outcome=outcome,
            reason=reason,
            items=sorted({each.item for each in theirs}),
            records=sorted({each.record for each in theirs}),
        )


def _actor(ctx: Context, case: Case) -> Actor | None:
    caller = ctx.known_caller
    match caller.kind:
        case "subject":
            return "subject" if caller.subject == case.subject else None
        case "office":
            return "office"
        case "department":
            return "body" if caller.party == case.party else None
        case _:
            return None
