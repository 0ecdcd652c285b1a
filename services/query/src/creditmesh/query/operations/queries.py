"""Answering a query: what is released, what is withheld, and the access that says so, committed before the answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NoReturn
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Unavailable
from creditmesh.chassis.http.idempotency import recall, remember
from creditmesh.query import release
from creditmesh.query.errors import NoAuthorisation, NoGround
from creditmesh.query.operations.authorisations import standing
from creditmesh.query.operations.opening import answered, others_shown
from creditmesh.query.operations.subjects import subject_of
from creditmesh.query.release import Plan
from creditmesh.query.store import records
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.queries import Mark, QueryIn, QueryOut
from creditmesh.schemas.rules import grounds
from creditmesh.schemas.rules.grounds import Ground

ATTEMPTS = 5
"""How often a query is read again because what it was about to release changed meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One query by one caller about one subject, under the caller's idempotency key if there is one."""

    query: QueryIn
    subject: UUID
    part: int
    officer: str | None
    key: str | None
    digest: bytes


async def answer_query(
    ctx: Context, query: QueryIn, *, key: str | None = None, digest: bytes = b""
) -> tuple[QueryOut, bool]:
    """The answer, and whether it repeats an earlier decision under the same idempotency key.

    A repeated query is judged again now, uses up nothing and is logged again. NoGround and NoAuthorisation are kept
    accesses of the person asked about, whether or not they have a file; Unavailable if the records keep changing.
    """
    asked = Asked(
        query=query,
        subject=(subject := await subject_of(ctx, query.subject)),
        part=ctx.part(str(subject)),
        officer=ctx.known_caller.officer or query.officer,
        key=key,
        digest=digest,
    )
    for attempt in range(ATTEMPTS):
        earlier = None if key is None else await recall(ctx, key, digest)
        answer = await _attempt(ctx, asked, earlier)
        if answer is not None:
            return answer, earlier is not None
        await ctx.rollback()
        await asyncio.sleep(0.01 * attempt)
    raise Unavailable(
        "The subject's records are changing; nothing was released. Ask again.",
        "该主体的记录正在变更，未披露任何信息。请稍后重试。",
        headers={"Retry-After": "1"},
    )


async def _attempt(ctx: Context, asked: Asked, earlier: UUID | None) -> QueryOut | None:
    ground = await _ground(ctx, asked)
    plan = _plan(ctx, asked, ground)
    found = await records.visible_of(
        await ctx.session(),
        part=asked.part,
        subject=asked.subject,
        items=plan.items,
        as_of=ctx.legal_date,
        withdrawn=ctx.followed(Directory).withdrawn(ctx.legal_date),
    )
    released = await answered(ctx, found)
    if not await _take(ctx, asked, found, repeated=earlier is not None):
        return None
    until = release.use_until(
        released,
        as_of=ctx.legal_date,
        ground_until=ground.until,
        withdrawn_at=ctx.followed(Directory).withdrawn_at,
    )
    decision = _disclose(ctx, asked, ground, found, until=until, earlier=earlier)
    for other, theirs in others_shown(ctx, found, released).items():
        _disclose(ctx, replace(asked, subject=other), ground, theirs, until=until)
    if earlier is None and asked.key is not None and await remember(ctx, asked.key, asked.digest, decision) != decision:
        return None  # another request with this key was first: begin again, as its repetition
    return QueryOut(
        decision_id=earlier or decision,
        released=released,
        withheld=release.withheld(ground, plan, released=(record.item for record in released)),
        marks=tuple(Mark(record=each.record, mark=each.mark) for each in released if each.mark is not None),
        use_until=until,
        as_of=ctx.legal_date,
    )


async def _ground(ctx: Context, asked: Asked) -> Ground:
    query, caller = asked.query, ctx.known_caller
    if query.authorisation is not None or caller.kind != "department":
        ground = await standing(ctx, query.authorisation, subject=asked.subject, purpose=query.purpose)
        return ground or _refuse_unauthorised(ctx, asked)
    directory, today = ctx.followed(Directory), ctx.legal_date
    claimed = grounds.statutory(
        purpose=directory.purpose(query.purpose, on=today),
        matter=None if query.matter is None else directory.matter(query.matter, on=today),
        party=None if caller.party is None else directory.party(caller.party),
        officer=asked.officer,
    )
    if isinstance(claimed, Ground):
        return claimed
    _refused(ctx, asked, "statutory", f"{NoGround.code}.{claimed.reason}")
    raise NoGround(*claimed.texts)


def _plan(ctx: Context, asked: Asked, ground: Ground) -> Plan:
    directory, today = ctx.followed(Directory), ctx.legal_date
    return release.plan(
        ground,
        kind=asked.query.subject.kind,
        asked=asked.query.items,
        credential=ctx.known_caller.items,
        item=lambda code: directory.item(code, on=today),
        withdrawn=directory.withdrawn(today),
    )


async def _take(ctx: Context, asked: Asked, found: Sequence[RecordChanged], *, repeated: bool) -> bool:
    """Hold what is about to be released as it was read and count the use; False if something changed meanwhile."""
    session, authorisation = await ctx.session(), asked.query.authorisation
    if authorisation is None:
        return await records.unchanged(session, part=asked.part, records=found)
    used = await records.use(
        session,
        part=asked.part,
        subject=asked.subject,
        authorisation=authorisation,
        bureau=ctx.known_caller.party or "",
        as_of=ctx.legal_date,
        count=0 if repeated else 1,
        records=found,
    )
    if not used.unchanged or used.counted:
        return used.unchanged
    if not repeated and asked.key is not None and await recall(ctx, asked.key, asked.digest) is not None:
        return False  # what used up the authorisation was this same request, sent twice at once
    return _refuse_unauthorised(ctx, asked)


def _disclose(
    ctx: Context,
    asked: Asked,
    ground: Ground,
    found: Sequence[RecordChanged],
    *,
    until: date,
    earlier: UUID | None = None,
) -> UUID:
    return ctx.disclose(
        asked.subject,
        purpose=asked.query.purpose,
        ground=ground.kind,
        outcome="released" if found else "nothing",
        items=sorted({each.item for each in found}),
        records=[each.record for each in found],
        matter=asked.query.matter,
        authorisation=asked.query.authorisation,
        officer=asked.officer,
        repeats=earlier,
        use_until=until if found else None,
    )


def _refuse_unauthorised(ctx: Context, asked: Asked) -> NoReturn:
    _refused(ctx, asked, "authorisation", NoAuthorisation.code)
    raise NoAuthorisation


def _refused(ctx: Context, asked: Asked, ground: str, reason: str) -> None:
    ctx.disclose(
        asked.subject,
        purpose=asked.query.purpose,
        ground=ground,
        outcome="refused",
        items=asked.query.items or (),
        matter=asked.query.matter,
        authorisation=asked.query.authorisation,
        reason=reason,
        officer=asked.officer,
    )
