"""Held rows: an officer looks at one, and releases it into its record or refuses it.

What a row says is shown to who must decide it, and to nobody once it is decided or its item is out of force.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import JsonValue

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound
from creditmesh.ingestion.errors import (
    AlreadyDecided,
    NotYours,
    OfficeNeeded,
    OfficerNeeded,
    OutsideCredential,
    Overtaken,
    RowRefused,
)
from creditmesh.ingestion.operations.records.intake import Intake
from creditmesh.ingestion.operations.records.register import Register, RowVerdict
from creditmesh.ingestion.revisions import Lane
from creditmesh.ingestion.store import reviews
from creditmesh.ingestion.store.reviews import Review
from creditmesh.ingestion.verdicts import Known
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events.access import AccessOutcome
from creditmesh.schemas.records import ReviewState

_NONE = ("You have no review of this id.", "贵单位没有该编号的待审核行。")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDecision:
    """What an officer decides of a held row."""

    review: UUID
    decision: Literal["release", "refuse"]
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRow:
    """A held row as an officer sees it: opened while it is to be decided."""

    review: Review
    fields: Mapping[str, JsonValue] = field(repr=False)


async def held_rows(ctx: Context, *, state: ReviewState, after: UUID | None, limit: int) -> list[Review]:
    """Reviews in the order they were held, without what the rows say: a department's own, an office's all."""
    session, items = await ctx.session(), ctx.known_caller.items
    return await reviews.page(session, state=state, party=_party(ctx), items=items, after=after, limit=limit)


async def held_row(ctx: Context, review: UUID) -> HeldRow:
    """One held row with what it says; an access. NotFound if there is none; refusals of `_seen` are kept accesses."""
    found = await _seen(ctx, review)
    shown = found.state == "held" and ctx.followed(Directory).item(found.item, on=ctx.legal_date) is not None
    _disclose(ctx, found, outcome="released" if shown else "nothing")
    return HeldRow(review=found, fields=await _opened(ctx, found) if shown else {})


async def decide_review(ctx: Context, decision: ReviewDecision) -> RowVerdict:
    """Release a held row into its record, or refuse it for good; the officer is named in what comes of it.

    OfficerNeeded without a named person, OfficeNeeded where it would take over another party's record, AlreadyDecided,
    Overtaken if its record has changed since, RowRefused if the gate refuses the row outright by now; UnconfirmedItem
    where it would be released.
    """
    if ctx.known_caller.officer is None:
        raise OfficerNeeded("Sign in with a personal token of an officer.", "请使用工作人员个人令牌登录。")
    found = await _seen(ctx, decision.review)
    _assert_held(found)
    if decision.decision == "release":
        verdict = await _release(ctx, found, decision)
    else:
        verdict = RowVerdict("refused")
        await _lock(ctx, decision)
    await _decide(ctx, decision, found, verdict)
    return verdict._replace(review=found.id, item=found.item)


async def _release(ctx: Context, found: Review, decision: ReviewDecision) -> RowVerdict:
    intake = Intake.of(ctx, found.item, party=found.party)
    intake.assert_collected()
    row = intake.read_fields(found.row, await _opened(ctx, found))
    await intake.identify([row])
    if row.refusals:
        raise RowRefused("See errors.", "原因见 errors。", errors=row.refusals)
    candidate = row.passed_candidate
    candidate.fingerprint = found.fingerprint
    candidate.fingerprints |= {found.fingerprint}
    lane: Lane = "backfill" if found.lane == "backfill" else "live"
    by = intake.attribution(lane=lane, submission=found.submission, why=found.why, basis=found.basis)
    register = Register(ctx, by)
    await register.open([candidate])
    await _lock(ctx, decision)
    _assert_as_held(register.history(candidate), found)
    if register.is_for_office(candidate) and ctx.known_caller.kind != "office":
        raise OfficeNeeded("Leave it to an officer of the credit office.", "请由信用工作机构工作人员办理。")
    verdict = register.settle(row, cleared=True)
    await register.write()
    return verdict


def _assert_as_held(history: Sequence[Known], found: Review) -> None:
    newest = history[-1].rev if history else 0
    if newest != found.rev and not any(known.fingerprint == found.fingerprint for known in history):
        raise Overtaken(
            "Refuse the review; if the row is right, correct the record with If-Match.",
            "请将该行审核不通过；如内容无误，请通过带 If-Match 的更正办理。",
        )


async def _lock(ctx: Context, decision: ReviewDecision) -> None:
    _assert_held(await reviews.review_of(await ctx.session(), decision.review, lock=True))


def _assert_held(found: Review | None) -> None:
    if found is not None and found.state == "expired":
        raise AlreadyDecided("Nobody decided it in time; send the row again.", "期限内未审核；请重新报送该行。")
    if found is None or found.state != "held":
        raise AlreadyDecided("See GET /v1/reviews/{id}.", "见 GET /v1/reviews/{id}。")


async def _decide(ctx: Context, decision: ReviewDecision, found: Review, verdict: RowVerdict) -> None:
    decided = replace(
        found,
        state="released" if decision.decision == "release" else "refused",
        officer=ctx.known_caller.officer,
        note=decision.note,
        decided_at=ctx.instant,
        verdict=verdict.verdict,
        record=verdict.record,
        rev=found.rev if verdict.rev is None else verdict.rev,
    )
    await reviews.decide(await ctx.session(), decided)


async def _seen(ctx: Context, review: UUID) -> Review:
    async with ctx.transaction() as session:
        found = await reviews.review_of(session, review)
    if found is None:
        raise NotFound(*_NONE)
    if _party(ctx) not in {None, found.party}:
        _disclose(ctx, found, outcome="refused", reason=NotYours.code)
        raise NotYours(*_NONE)
    items = ctx.known_caller.items
    if items is not None and found.item not in items:
        _disclose(ctx, found, outcome="refused", reason=OutsideCredential.code)
        raise OutsideCredential
    return found


def _disclose(ctx: Context, found: Review, *, outcome: AccessOutcome, reason: str | None = None) -> None:
    for subject in sorted({found.subject, *_sealed(found)}):
        ctx.disclose(subject, purpose="review", ground="statutory", outcome=outcome, reason=reason, items=[found.item])


async def _opened(ctx: Context, found: Review) -> dict[str, JsonValue]:
    texts = _sealed(found)
    ciphers = await ctx.vault.open_left(texts)
    fields: dict[str, JsonValue] = {}
    for about, sealed in texts.items():
        for each in sealed if about in ciphers else ():
            fields |= ciphers[about].unseal_json(each, object=found.id, field=each["field"])
    return fields


def _sealed(found: Review) -> dict[UUID, list[dict[str, Any]]]:
    """What the row says, by the person under whose key it is sealed."""
    texts: dict[UUID, list[dict[str, Any]]] = {}
    for each in orjson.loads(found.sealed):
        texts.setdefault(UUID(each["about"]), []).append(each)
    return texts


def _party(ctx: Context) -> str | None:
    caller = ctx.known_caller
    return None if caller.kind == "office" else caller.party or ""
