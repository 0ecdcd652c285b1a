"""Held rows: what waits, what one says, and an officer's decision."""

from uuid import UUID

from fastapi import Request, Response

from creditmesh.chassis.http import paging
from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.idempotency import once_of
from creditmesh.chassis.http.paging import Cursor, Limit
from creditmesh.chassis.http.router import Ctx, Router, Tag
from creditmesh.ingestion import operations
from creditmesh.ingestion.api.answers import one_verdict
from creditmesh.ingestion.operations import Review, ReviewDecision, reasons_of
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.records import DecisionIn, HeldReview, ReviewEntry, ReviewState
from creditmesh.schemas.verdicts import Verdict

router = Router(tags=[Tag("reviews", "Held rows, and deciding on them", "待审核数据及其处理")])
_READ = AccessPolicy.to("department", "office", scope="records:read")
_DECIDE = AccessPolicy.to("department", "office", scope="reviews:decide", named=True)


@router.get("/v1/reviews", access=_READ)
async def list_reviews(
    ctx: Ctx,
    state: ReviewState = "held",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ReviewEntry]:
    """Held rows in the order they came, with the reasons and without what they say.

    A department sees its own, the credit office all. `GET /v1/reviews?state=held&limit=20`
    """
    after = paging.read(cursor, UUID)
    found = await operations.held_rows(ctx, state=state, after=after, limit=limit + 1)
    return paging.page(found, limit=limit, place=lambda review: review.id, shown=_line, caller=ctx.known_caller)


@router.get("/v1/reviews/{review}", access=_READ)
async def get_review(ctx: Ctx, review: UUID) -> HeldReview:
    """One held row with what it says until it is decided; the reading is in the log of the person it concerns.

    `GET /v1/reviews/0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11`
    """
    opened = await operations.held_row(ctx, review)
    return HeldReview.model_validate({**_entry(opened.review), "fields": dict(opened.fields)})


@router.post(
    "/v1/reviews/{review}/decision",
    access=_DECIDE,
    response_class=Response,
    responses={
        200: {"description": "Refused, or released and found unchanged", "model": Verdict},
        201: {"description": "Released: accepted or corrected", "model": Verdict},
    },
)
async def decide_review(ctx: Ctx, request: Request, review: UUID, body: DecisionIn) -> Response:
    """Release a held row into its record, or refuse it; only a named officer may, and the record names them.

    409 if it is decided already, or if the record has changed since the row was held.

    `POST /v1/reviews/{review}/decision` `{"decision": "release", "note": "checked against the paper file"}`
    """
    decision = ReviewDecision(review=review, decision=body.decision, note=body.note)
    asked = await once_of(request)
    verdict, replayed = await operations.idempotent_change(ctx, asked, lambda: operations.decide_review(ctx, decision))
    return one_verdict(verdict, replayed=replayed)


def _line(review: Review) -> ReviewEntry:
    return ReviewEntry.model_validate(_entry(review))


def _entry(review: Review) -> dict[str, object]:
    return {
        "review": review.id,
        "state": review.state,
        "item": review.item,
        "party": review.party,
        "submission": review.submission,
        "row": review.row,
        "record": review.record,
        "reason": review.why,
        "basis": review.basis,
        "reasons": reasons_of(review),
        "at": review.at,
        "officer": review.officer,
        "note": review.note,
        "decided_at": review.decided_at,
    }
