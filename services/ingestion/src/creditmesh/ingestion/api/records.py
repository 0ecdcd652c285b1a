"""Own records: reading, correcting, withdrawing."""

from uuid import UUID

from fastapi import Request, Response

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.bodies import MOST, BodyLimit
from creditmesh.chassis.http.conditions import etag, expected
from creditmesh.chassis.http.idempotency import REPLAYED, once_of
from creditmesh.chassis.http.router import Ctx, Router, Tag
from creditmesh.ingestion import operations
from creditmesh.ingestion.api.answers import one_verdict
from creditmesh.ingestion.formats import MOST_ROW_BYTES
from creditmesh.ingestion.operations import ChangeRequest, OpenedRevision
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.records import (
    CorrectionIn,
    OwnRevision,
    RecordEnded,
    RecordEntry,
    RecordSearch,
    ReinstatementIn,
    WithdrawalIn,
)
from creditmesh.schemas.verdicts import Verdict

router = Router(
    tags=[Tag("records", "Own records: reading, correcting, withdrawing", "本单位的记录：查看、更正、撤销")]
)
_READ = AccessPolicy.to("department", scope="records:read")
_CHANGE = AccessPolicy.to("department", scope="records:change")
_WHOLE_RECORD = BodyLimit(most=MOST_ROW_BYTES + MOST)
"""The whole content anew: as much as a row may have, and what stands around it."""


@router.post("/v1/records/searches", access=_READ)
async def find_records(ctx: Ctx, body: RecordSearch) -> Page[RecordEntry]:
    """Find your own records: by document number and issuing body, by subject, by day and state; newest first.

    Each with its id and `rev`, which corrections and withdrawals need, and without what it says. Whoever is named as
    `subject`, or has the document of that `number`, finds the look in their log. A page may be short, or empty, and
    still have a `next`: where only some are wanted it ends after a thousand that it looked at. Records that were
    accepted before numbers were kept are found by their subject or day.

    `POST /v1/records/searches` `{"item": "administrative_penalty", "number": "示市监罚〔2026〕1号"}`
    """
    return await operations.find_records(ctx, body)


@router.get("/v1/records/{record}", access=_READ)
async def get_record(ctx: Ctx, record: UUID, response: Response) -> OwnRevision:
    """Your record as it stands, with its sensitive fields; the reading is in the log of the person it concerns.

    Once it is shown no more (its period or the record has ended, or its item was withdrawn) `fields` is empty, and the
    rest says what became of it. An attempt on another party's record is 404, and in that log too.

    Its `ETag` is what a change needs as `If-Match`. `GET /v1/records/0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11`
    """
    opened = await operations.record_of(ctx, record)
    response.headers["ETag"] = etag(opened.stored.rev)
    return _out(opened)


@router.get("/v1/records/{record}/revisions", access=_READ)
async def list_revisions(ctx: Ctx, record: UUID) -> list[OwnRevision]:
    """Every revision of your record, oldest first: who changed it, why, on what basis; an access like reading it.

    `GET /v1/records/0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11/revisions`
    """
    return [_out(opened) for opened in await operations.history_of(ctx, record)]


@router.post(
    "/v1/records/{record}/corrections",
    access=_CHANGE,
    body=_WHOLE_RECORD,
    response_class=Response,
    responses={
        200: {"description": "Unchanged: it says this already", "model": Verdict},
        201: {"description": "Corrected", "model": Verdict},
        202: {"description": "Held for an officer; see Location", "model": Verdict},
    },
)
async def correct_record(ctx: Ctx, request: Request, record: UUID, body: CorrectionIn) -> Response:
    """Replace the whole content of your record, as one new revision.

    Needs `If-Match` with the ETag it was made from (412 if it has changed since). Another subject, issuing body or
    document number is another record: 422. A withdrawn record is opened again by it if a named officer sends it (403)
    with `"reason": "reopened"` and a `basis` (422); one that a case ended only there, by `revoke` (409).

    `POST /v1/records/{record}/corrections` `If-Match: "1"`
    `{"fields": {"CF_WSH": "...", ...}, "reason": "error", "basis": "示市监更正〔2026〕3号"}`
    """
    change = ChangeRequest(
        record=record, expected=expected(request), why=body.reason, basis=body.basis, fields=body.fields
    )
    asked = await once_of(request)
    verdict, replayed = await operations.idempotent_change(ctx, asked, lambda: operations.correct_record(ctx, change))
    return one_verdict(verdict, replayed=replayed)


@router.post(
    "/v1/items/{item}/reinstatements",
    access=_CHANGE,
    body=_WHOLE_RECORD,
    response_class=Response,
    status_code=202,
    responses={202: {"description": "Held for the credit office; see Location", "model": Verdict}},
)
async def reinstate_record(ctx: Ctx, request: Request, item: str, body: ReinstatementIn) -> Response:
    """Send a decision again whose record you had withdrawn, and whose record was deleted after its term.

    For a decision that a court or a higher body restored meanwhile, named as `basis`. A named officer sends it (403);
    an officer of the credit office decides, and the record that comes of it is new, with reason `reinstated` and that
    basis. A record that had ended by its period, or by a case, is brought back by nobody (422 `record_deleted`), nor is
    one whose term is over today (`retention_over`); 409 where none was deleted.

    `POST /v1/items/administrative_penalty/reinstatements`
    `{"fields": {"CF_WSH": "...", ...}, "basis": "示法行终〔2026〕1号"}`
    """
    asked = await once_of(request)
    verdict, replayed = await operations.idempotent_change(
        ctx, asked, lambda: operations.reinstate_record(ctx, item, body.fields, basis=body.basis)
    )
    return one_verdict(verdict, replayed=replayed)


@router.post("/v1/records/{record}/withdrawal", access=_CHANGE)
async def withdraw_record(
    ctx: Ctx, request: Request, response: Response, record: UUID, body: WithdrawalIn
) -> RecordEnded:
    """End your record: from now on it is shown and used nowhere. A removal from a list is the reason `removed`.

    Needs `If-Match`; 409 if it has ended already. `POST /v1/records/{record}/withdrawal` `If-Match: "2"`
    `{"reason": "revoked", "basis": "示市监撤销〔2026〕1号"}`
    """
    change = ChangeRequest(record=record, expected=expected(request), why=body.reason, basis=body.basis)
    asked = await once_of(request)
    verdict, replayed = await operations.idempotent_change(ctx, asked, lambda: operations.withdraw_record(ctx, change))
    if replayed:
        response.headers[REPLAYED] = "true"
    rev = verdict.rev or change.expected
    response.headers["ETag"] = etag(rev)
    return RecordEnded(record=record, rev=rev, state="withdrawn")


def _out(opened: OpenedRevision) -> OwnRevision:
    event, stored = opened.event, opened.stored
    return OwnRevision.model_validate(
        {**event.model_dump(exclude={"fields", "sealed", "related", "subject", "kind", "lane"})}
        | {"at": stored.at, "legal_date": stored.legal_date, "fields": dict(opened.fields)}
    )
