"""Answering a query: what is released, what is withheld, and the access that says so, committed before the answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Unavailable
from creditmesh.chassis.http.idempotency import recall, reference_of, values_of
from creditmesh.query import release
from creditmesh.query.errors import ItemNotAuthorised, ReplayOver
from creditmesh.query.operations.authorisations import ground_of
from creditmesh.query.operations.refusals import (
    Attempt,
    claimed_ground,
    keep_refusal,
    refuse_ground,
    refuse_unauthorised,
)
from creditmesh.query.operations.subjects import answered_about, attempted_on, identity_of
from creditmesh.query.operations.unsealing import answered, others_shown, readable
from creditmesh.query.release import Plan
from creditmesh.query.store import queries
from creditmesh.query.store.queries import Decided, KeptAnswer, QueryScope
from creditmesh.query.store.records import UnreadableRecord
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import AccessRecorded, DisclosedToBureau, RecordChanged
from creditmesh.schemas.histories import once_a_version
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.queries import Mark, QueryIn, QueryOut
from creditmesh.schemas.rules.grounds import Ground, Wanting

Told = RecordChanged | UnreadableRecord
"""What an answer says of a record: all of it, or that it is there and cannot be read."""
REPLAYED_FOR = timedelta(days=1)
"""How long an answer is given again under its Idempotency-Key."""
ATTEMPTS = 5
"""How often a query is read again because what it was about to release changed meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRequest:
    """One query by one caller about one subject, under the caller's Idempotency-Key if there is one."""

    query: QueryIn
    kinds: tuple[SubjectKind, ...]
    """That the subject may be of, by its number."""
    subject: UUID
    part: int
    officer: str | None
    key: str | None
    digest: bytes

    @property
    def attempt(self) -> Attempt:
        """What is kept of it where it is refused."""
        return Attempt(self.query, self.officer, self.subject)


async def answer_query(
    ctx: Context, query: QueryIn, *, key: str | None = None, digest: bytes = b""
) -> tuple[QueryOut, bool]:
    """The answer, and whether it repeats an earlier decision under the same Idempotency-Key.

    The ground comes before the number: only on one is it said whether somebody is known by it. A repeated query gives
    at most what the first answer gave, as it stands now; it is judged again, uses up nothing and is logged again.
    NoGround, NoAuthorisation and ReplayOver are kept accesses of the person asked about, whether or not they have a
    file; Unavailable if the records keep changing.
    """
    who, officer = identity_of(ctx, query.subject), ctx.known_caller.officer or query.officer
    claimed = claimed_ground(ctx, query, officer)
    if isinstance(claimed, Wanting):
        refuse_ground(ctx, Attempt(query, officer, await attempted_on(ctx, who)), claimed)
    subject = await (attempted_on(ctx, who) if claimed is None else answered_about(ctx, who))
    if subject is None:
        await refuse_unauthorised(ctx, Attempt(query, officer, None), anothers=True)
    asked = QueryRequest(
        query=query,
        kinds=who.kinds,
        subject=subject,
        part=ctx.part(str(subject)),
        officer=officer,
        key=key,
        digest=digest,
    )
    for attempt in range(ATTEMPTS):
        answer = await _attempt(ctx, asked, claimed)
        if answer is not None:
            return answer
        await ctx.rollback()
        await asyncio.sleep(0.01 * attempt)
    raise Unavailable(
        "The subject's records are changing; nothing was released. Ask again.",
        "该主体的记录正在变更，未披露任何信息。请稍后重试。",
        headers={"Retry-After": "1"},
    )


async def _attempt(ctx: Context, asked: QueryRequest, statutory: Ground | None) -> tuple[QueryOut, bool] | None:
    wanted = _wanted(ctx, asked, statutory)
    found = await queries.read(await ctx.alone(), wanted)
    earlier = None if found.kept is None else _first_answer(ctx, asked, found.kept)
    ground = statutory or ground_of(ctx, found.token, purpose=asked.query.purpose)
    if ground is None:
        await refuse_unauthorised(ctx, asked.attempt, anothers=found.token is None)
    if statutory is None and earlier is None:
        _refuse_slips(ctx, asked, ground)
    plan = _plan(ctx, asked, ground)
    given = [each for each in found.records.events if _may_give(ctx, plan, ground, each) and _given(each, earlier)]
    whole = await readable(ctx, given)
    damaged = [
        each for each in found.records.unreadable if _may_give(ctx, plan, ground, each) and _given(each, earlier)
    ]
    unread: list[Told] = [*damaged, *(each for each in given if each.record in whole.unreadable)]
    events, released = whole.events, answered(ctx, whole.events, whole.values)
    until = release.use_until(
        released,
        as_of=ctx.legal_date,
        ground_until=ground.until,
        withdrawn_at=ctx.followed(Directory).withdrawn_at,
    )
    if earlier is not None and earlier.use_until is not None:
        until = min(until, earlier.use_until)
    first = None if earlier is None else earlier.access
    decision = _disclose(ctx, asked, ground, [*events, *unread], until=until, earlier=first)
    for other, theirs in others_shown(ctx, events, released).items():
        _disclose(ctx, replace(asked, subject=other), ground, theirs, until=until)
    _tell_of_bureau(ctx, asked, [*events, *unread], decision=decision, until=until)
    looked = earlier is None and bool(plan.items)
    if not await _release(ctx, asked, wanted, events, decision=decision, repeated=earlier is not None, looked=looked):
        return None
    answer = QueryOut(
        decision_id=first or decision,
        released=released,
        withheld=release.withheld(ground, plan, released=(record.item for record in released)),
        marks=tuple(Mark(record=each.record, mark=each.mark) for each in released if each.mark is not None),
        partial=bool(plan.out_of_reach or unread),
        unreadable=tuple(each.record for each in unread),
        out_of_reach=plan.out_of_reach,
        use_until=until,
        as_of=ctx.legal_date,
    )
    return answer, earlier is not None


def _refuse_slips(ctx: Context, asked: QueryRequest, ground: Ground) -> None:
    """ItemNotAuthorised, a kept access, where an item is asked for that the authorisation does not name."""
    directory, today = ctx.followed(Directory), ctx.legal_date
    slips = release.slips(ground, asked.query.items, known=lambda code: directory.item(code, on=today) is not None)
    if slips:
        keep_refusal(ctx, asked.attempt, ItemNotAuthorised.code)
        raise ItemNotAuthorised(slips)


def _first_answer(ctx: Context, asked: QueryRequest, kept: KeptAnswer) -> AccessRecorded:
    """What was answered first under this key. KeyReused for another query; ReplayOver, a kept access, after a day."""
    reference_of(kept.digest, kept.reference, digest=asked.digest)
    if kept.access is None or ctx.instant - kept.at > REPLAYED_FOR:
        keep_refusal(ctx, asked.attempt, ReplayOver.code)
        raise ReplayOver
    return kept.access


def _may_give(ctx: Context, plan: Plan, ground: Ground, event: Told) -> bool:
    """Whether the ground opens this record: of which kind its subject is, the record says, and not who asks."""
    item = ctx.followed(Directory).item(event.item, on=ctx.legal_date)
    return event.item in plan.items and item is not None and release.opens(item, [event.kind], ground=ground.kind)


def _given(event: Told, first: AccessRecorded | None) -> bool:
    """Whether a replay may give this record: one use is one look, at what the first answer gave."""
    return first is None or event.record in first.records


def _wanted(ctx: Context, asked: QueryRequest, statutory: Ground | None) -> QueryScope:
    """What to read: on a statutory ground what may be released; else the authorisation tells, which is read as well."""
    items = asked.query.items if statutory is None else _plan(ctx, asked, statutory).items
    return QueryScope(
        part=asked.part,
        subject=asked.subject,
        items=items,
        law=ctx.followed(Directory).law(ctx.legal_date),
        authorisation=asked.query.authorisation,
        owner=ctx.known_caller.credential,
        key=asked.key,
    )


def _plan(ctx: Context, asked: QueryRequest, ground: Ground) -> Plan:
    directory, items = ctx.followed(Directory), asked.query.items
    credential, today = ctx.known_caller.items, ctx.legal_date
    if items is None and ground.kind == "statutory":
        return _plan_of_matter(directory, ground, asked.kinds, credential, on=today)
    return _planned(directory, ground, asked.kinds, credential, items, on=today)


def _planned(
    directory: Directory,
    ground: Ground,
    kinds: tuple[SubjectKind, ...],
    credential: frozenset[str] | None,
    asked: Sequence[str] | None,
    *,
    on: date,
) -> Plan:
    return release.plan(
        ground,
        kinds=kinds,
        asked=asked,
        credential=credential,
        item=lambda code: directory.item(code, on=on),
        withdrawn=directory.withdrawn(on),
        inert=directory.inert(on=on),
    )


@once_a_version
def _plan_of_matter(
    directory: Directory, ground: Ground, kinds: tuple[SubjectKind, ...], credential: frozenset[str] | None, *, on: date
) -> Plan:
    """The plan of a whole matter: there are few of them, where callers may ask for any items, and authorise any."""
    return _planned(directory, ground, kinds, credential, None, on=on)


async def _release(
    ctx: Context,
    asked: QueryRequest,
    wanted: QueryScope,
    events: Sequence[RecordChanged],
    *,
    decision: UUID,
    repeated: bool,
    looked: bool,
) -> bool:
    """Release these events as they were read, count the use and log it; False if that has to be decided anew.

    A use is a look at something that may be looked at (`looked`): where every item is out of reach it was none.
    """
    keyed = asked.key is not None and not repeated
    count = 1 if looked else 0
    values = queries.use_of(wanted, events, bureau=ctx.known_caller.party, count=count)
    kept = values_of(ctx, asked.key, asked.digest, decision)
    statement = queries.writing(authorised=wanted.authorisation is not None, keyed=keyed)
    decided = Decided.read(await ctx.write(statement, {**values, **kept}))
    if decided.unchanged and not decided.permitted and not (keyed and await _kept(ctx, asked)):
        await refuse_unauthorised(ctx, asked.attempt)
    return decided.written


async def _kept(ctx: Context, asked: QueryRequest) -> bool:
    """Whether what used up the authorisation was this same request, sent twice at once."""
    return asked.key is not None and await recall(ctx, asked.key, asked.digest) is not None


def _disclose(
    ctx: Context,
    asked: QueryRequest,
    ground: Ground,
    found: Sequence[Told],
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


def _tell_of_bureau(ctx: Context, asked: QueryRequest, told: Sequence[Told], *, decision: UUID, until: date) -> None:
    """A bureau holds what it was given, or told to be there, and is told when that ends."""
    caller = ctx.known_caller
    if caller.kind == "bureau" and caller.party is not None and told:
        records = tuple(each.record for each in told)
        ctx.emit(
            DisclosedToBureau(
                access=decision, subject=asked.subject, party=caller.party, records=records, use_until=until
            )
        )
