"""Held rows: what waits, what one says, and an officer's decision."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from creditmesh.chassis.errors import Malformed
from creditmesh.chassis.http.access import Access
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.ingestion import operations
from creditmesh.ingestion.api.answers import asked_once, one_verdict
from creditmesh.ingestion.operations import Decision, Review, reasons_of
from creditmesh.schemas.queries import Page
from creditmesh.schemas.records import DecisionIn, HeldReview, ReviewEntry, ReviewState
from creditmesh.schemas.verdicts import Verdict

router = Router(tags=["reviews"])
_READ = Access.to("department", "office", scope="records:read")
_DECIDE = Access.to("department", "office", scope="reviews:decide")


@router.get("/v1/reviews", access=_READ)
async def waiting(
    ctx: Ctx,
    state: ReviewState = "held",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> Page[ReviewEntry]:
    """Held rows in the order they came, with the reasons and without what they say.

    A department sees its own, the credit office all. `GET /v1/reviews?state=held&limit=20`
    """
    after = None if cursor is None else _id(cursor)
    found = await operations.held_rows(ctx, state=state, after=after, limit=limit + 1)
    shown = found[:limit]
    return Page[ReviewEntry](
        items=tuple(ReviewEntry.model_validate(_entry(review)) for review in shown),
        next=shown[-1].id.hex if len(found) > limit else None,
    )


@router.get("/v1/reviews/{review}", access=_READ)
async def one(ctx: Ctx, review: UUID, response: Response) -> HeldReview:
    """One held row with what it says until it is decided; the reading is in the log of the person it concerns.

    `GET /v1/reviews/0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11`
    """
    response.headers["Cache-Control"] = "no-store"
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
async def decide(ctx: Ctx, request: Request, review: UUID, body: DecisionIn) -> Response:
    """Release a held row into its record, or refuse it; only a named officer may, and the record names them.

    409 if it is decided already, or if the record has changed since the row was held.

    `POST /v1/reviews/{review}/decision` `{"decision": "release", "note": "checked against the paper file"}`
    """
    decision = Decision(review=review, decision=body.decision, note=body.note)
    asked = await asked_once(request)
    verdict, replayed = await operations.once(ctx, asked, lambda: operations.decide_review(ctx, decision))
    return one_verdict(verdict, replayed=replayed)


def _entry(review: Review) -> dict[str, object]:
    return {
        "review": review.id,
        "state": review.state,
        "item": review.item,
        "party": review.party,
        "submission": review.submission,
        "row": review.row,
        "record": review.record,
        "reasons": reasons_of(review),
        "at": review.at,
        "officer": review.officer,
        "note": review.note,
        "decided_at": review.decided_at,
    }


def _id(cursor: str) -> UUID:
    try:
        return UUID(hex=cursor)
    except ValueError as error:
        raise Malformed("cursor: send back the `next` of the last page.", "cursor 须为上一页返回的 next。") from error
