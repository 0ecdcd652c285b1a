"""Screenings, eligibility, and who is on a list."""

from typing import Annotated, Any

import orjson
from fastapi import Query, Request, Response

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.bodies import BodyLimit
from creditmesh.chassis.http.paging import Cursor, Limit
from creditmesh.chassis.http.router import REFERENCE, Ctx, Router
from creditmesh.matching.api.batches import MOST, NDJSON, answer, batch_of
from creditmesh.matching.operations import designations, eligibility, screenings
from creditmesh.matching.operations.enquiries import Enquiry
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.examples import EXAMPLES
from creditmesh.schemas.identifiers import Code
from creditmesh.schemas.screenings import DesignationOut, EligibilityIn, EligibilityOut, ScreenedIn, ScreeningOut
from creditmesh.schemas.texts import Officer

router = Router()
_ASKS = AccessPolicy.to("department", scope="screenings:ask")
_BATCH = BodyLimit(most=MOST * 500)
"""So many subjects, each with a long name."""
_ONE = {"$ref": REFERENCE.format(model=ScreenedIn.__name__)}
_LINE = orjson.dumps(EXAMPLES[ScreenedIn.__name__]).decode() + "\n"
_CONTENT: dict[str, Any] = {
    "application/json": {"schema": _ONE},
    NDJSON: {"schema": {"type": "string", "format": "binary", "maxLength": _BATCH.most}, "example": _LINE},
}
_Matter = Annotated[Code | None, Query(description="The matter of the catalogue that is dealt with.")]
_Officer = Annotated[Officer | None, Query(description="Who asks; not needed with an officer's own token.")]


@router.post(
    "/v1/screenings",
    access=_ASKS,
    body=_BATCH,
    shows_copies=True,
    response_class=Response,
    responses={
        200: {
            "description": "One answer a subject, in their order and shape",
            "model": ScreeningOut,
            "content": {NDJSON: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
    openapi_extra={"requestBody": {"required": True, "content": _CONTENT}},
)
async def screen_subjects(ctx: Ctx, request: Request, matter: _Matter = None, officer: _Officer = None) -> Response:
    """Screen subjects for a matter: which designations, restrictions and rewards apply to each of them today.

    One subject, an array, or one a line (`application/x-ndjson`), at most 10,000; answered in the same shape and
    order. Only a number identifies: a name alone is answered `number_needed`, a number that is none `invalid`, and
    nothing applies to either. Each subject finds the screening in their log, and a refusal (403) too if this node knew
    them before. Nothing may be used from `use_until` on.

    `POST /v1/screenings?matter=procurement_review&officer=W-17` with
    `{"kind": "organisation", "document": {"type": "uscc", "number": "91990000MA0000001R"}}`.
    """
    async with ctx.equipment.bulk.turn(len(await request.body())):
        batch = await batch_of(request)
        texts = await screenings.screen(ctx, batch.subjects, Enquiry(matter=matter, officer=officer))
        return answer(batch, texts)


@router.post("/v1/eligibility", access=_ASKS, shows_copies=True)
async def judge_eligibility(
    ctx: Ctx, body: EligibilityIn, matter: _Matter = None, officer: _Officer = None
) -> EligibilityOut:
    """Tell whether a subject is eligible for the rewards of a matter, on which grounds, with the evidence looked at.

    Eligible is who is on a red list that a reward of the matter is for, or has no adverse visible record decided
    within the years it says. What was repaired or has ended speaks against nobody. The subject finds it in their log.

    `POST /v1/eligibility?matter=procurement_review&officer=W-17` with `{"subject": {...}, "years": 3}`.
    """
    return await eligibility.judge_eligibility(ctx, body, Enquiry(matter=matter, officer=officer))


@router.get("/v1/designations", access=_ASKS, shows_copies=True)
async def list_designations(
    ctx: Ctx,
    code: Annotated[Code, Query(alias="list", description="The list.")],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DesignationOut]:
    """Who is on a list today: organisations by name and code, persons masked as the item says, each an access.

    What the catalogue discloses on a matter only is not here: screen the subject for the matter. A page may be short,
    or empty, and still have a `next`: where much has ended by rules that have changed, it ends after two thousand that
    it looked at.

    `GET /v1/designations?list=judgment_defaulters`
    """
    return await designations.on_list(ctx, code, after=cursor, limit=limit)
