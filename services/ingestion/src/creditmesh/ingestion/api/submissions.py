"""Submitting: one object, or many rows in any of the accepted shapes; and how a submission stands."""

import asyncio
from hashlib import sha256
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from creditmesh.chassis.bulk import LARGE
from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.bodies import BodyLimit
from creditmesh.chassis.http.idempotency import REPLAYED, key_of
from creditmesh.chassis.http.paging import Cursor, Limit
from creditmesh.chassis.http.router import Ctx, Router, Tag
from creditmesh.ingestion import operations
from creditmesh.ingestion.api import shapes
from creditmesh.ingestion.api.answers import NDJSON, one_verdict
from creditmesh.ingestion.errors import RowTooLarge
from creditmesh.ingestion.formats import MOST_ROW_BYTES, SubmittedBody, decoded, is_single, media_of
from creditmesh.ingestion.operations import SubmissionOrder, SubmissionSearch, Submitted
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.bounds import Day
from creditmesh.schemas.files import FILE_BYTES
from creditmesh.schemas.identifiers import Code
from creditmesh.schemas.records import SubmissionOut, SubmissionState
from creditmesh.schemas.verdicts import ReceiptLine, Verdict

router = Router(tags=[Tag("submissions", "Submitting records, and how a submission stands", "报送与报送进度")])
_READ = AccessPolicy.to("department", scope="records:read")
_FILE = BodyLimit(most=FILE_BYTES, gzip=True)
"""A file of many rows, packed or not."""
_PIECE = 1024 * 1024
_MARKS, _MARK_WEIGHT = (b"\n", b"\r", b"{", b","), 64
"""What stands between rows: a row of two bytes has a verdict all the same."""


@router.post(
    "/v1/items/{item}/records",
    access=AccessPolicy.to("department", scope="records:submit"),
    body=_FILE,
    response_class=Response,
    responses={
        200: {
            "description": "Unchanged; or one verdict a row, in the order sent, and the receipt as the last line",
            "model": Verdict,
            "content": {NDJSON: shapes.LINES},
        },
        201: {"description": "Accepted or corrected", "model": Verdict},
        202: {"description": "Held for an officer; see Location", "model": Verdict},
    },
    openapi_extra={"requestBody": {"required": True, "content": shapes.CONTENT}},
)
async def submit_records(
    ctx: Ctx,
    request: Request,
    item: str,
    lane: Annotated[Literal["live", "backfill"], Query(description="`backfill` waits while events back up.")] = "live",
    dry_run: Annotated[bool, Query(description="Only say what would become of the rows.")] = False,  # noqa: FBT002
) -> Response:
    """Submit records of an item: one JSON object, an array, NDJSON, CSV (UTF-8 or GB18030) or a workbook (.xlsx).

    A table has the codes or the Chinese names of the fields in its header. It is read strictly; what of it is not read
    is said in `notices` of the first verdict. Of a workbook the one sheet that has rows is read, as what its cells say:
    of a formula its last value; `line` is the row of the sheet.

    One object is answered with its verdict: 201 accepted or corrected, 200 unchanged, 202 held with the review's place,
    422 refused with a reason a field. Many rows are answered 200 with one verdict a row in the order sent and a signed
    receipt; refused rows do not hinder the others. Bodies may be gzip. At most 200,000 rows, 64 MiB, 256 KiB a row.
    A row has twenty reasons at most; behind 8 MiB of verdicts only the code and field of its first, without words.

    Send an `Idempotency-Key`: a submission that was cut off then goes on where it stood. Without one, rows that are
    sent again are `unchanged`. A dry run gives the verdicts that the rows would have, leaves nothing behind, not even
    whom they name, and has no receipt.

    A table of a header alone and an empty array are a submission of no rows, with a receipt: nothing was decided that
    day.

    `POST /v1/items/administrative_penalty/records` with `Content-Type: text/csv; charset=gb18030`.
    """
    media = media_of(request.headers.get("content-type"))
    key = key_of(request)
    body = await decoded(request.stream(), encoding=request.headers.get("content-encoding"), unpacked=ctx.hold)
    given = SubmittedBody(media, body, files=ctx.equipment.files, unpacked=ctx.hold)
    single = is_single(media, body)
    if single and len(body) > MOST_ROW_BYTES:
        raise RowTooLarge(
            "A record may have 256 KiB at most; shorten its texts.", "单条记录不得超过 256 KiB；请缩短文本。"
        )
    order = SubmissionOrder(
        item=item,
        read=lambda intake: given.rows(intake.compiled.names),
        opening=given.open,
        digest=await _digest(body, item, lane, media.shape),
        weight=len(body) if single else _weight(body) if media.shape != "workbook" else max(len(body), LARGE),
        key=key,
        lane=lane,
        dry_run=dry_run,
        may_be_empty=media.shape != "lines",
        single=single,
    )
    done = await operations.submit(ctx, order)
    return _one(done, dry_run=dry_run) if single else _many(done)


@router.get("/v1/submissions", access=_READ)
async def list_submissions(
    ctx: Ctx,
    *,
    item: Code | None = None,
    state: SubmissionState | None = None,
    since: Annotated[Day | None, Query(description="The first legal date on which they were begun.")] = None,
    until: Annotated[Day | None, Query(description="The last one, included.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[SubmissionOut]:
    """Your party's submissions, newest first, each with its counts: to find one again whose id was not kept.

    A single record is a submission of one row. A page may be short, or empty, and still have a `next`: where only some
    are wanted it ends after two hundred that it looked at.

    `GET /v1/submissions?since=2026-05-01&until=2026-05-01&state=under_way`
    """
    search = SubmissionSearch(item=item, state=state, since=since, until=until, limit=limit, cursor=cursor)
    return await operations.submissions_of(ctx, search)


@router.get("/v1/submissions/{submission}", access=_READ)
async def get_submission(ctx: Ctx, submission: UUID) -> SubmissionOut:
    """How your submission stands: rows done and total, verdicts by kind, where its verdicts and its receipt are.

    `GET /v1/submissions/0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11`
    """
    return operations.submission_out(*await operations.progress_of(ctx, submission))


@router.get(
    "/v1/submissions/{submission}/verdicts",
    access=_READ,
    response_class=Response,
    responses={200: {"description": "One verdict a line", "content": {NDJSON: shapes.LINES}}},
)
async def get_verdicts(ctx: Ctx, submission: UUID) -> Response:
    """The verdicts given so far, one a line, in the order sent: byte for byte what the receipt's digest is over.

    `GET /v1/submissions/0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11/verdicts`
    """
    return StreamingResponse(await operations.verdicts_of(ctx, submission), media_type=NDJSON)


@router.get(
    "/v1/submissions/{submission}/receipt",
    access=_READ,
    response_class=Response,
    responses={200: {"description": "The receipt as the last line of the answer had it", "model": ReceiptLine}},
)
async def get_receipt(ctx: Ctx, submission: UUID) -> Response:
    """The signed receipt of a complete submission; 404 while it is under way.

    `GET /v1/submissions/0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11/receipt`
    """
    return Response(await operations.receipt_of(ctx, submission), media_type="application/json")


def _weight(body: bytes) -> int:
    """The bytes of the body, and what its rows may come to where it is small."""
    return len(body) + (_MARK_WEIGHT * sum(map(body.count, _MARKS)) if len(body) < LARGE else 0)


async def _digest(body: bytes, *words: object) -> bytes:
    digest = sha256("".join(f"{word}\0" for word in words).encode())
    for start in range(0, len(body), _PIECE):
        digest.update(body[start : start + _PIECE])
        await asyncio.sleep(0)
    return digest.digest()


def _one(done: Submitted, *, dry_run: bool) -> Response:
    verdict = Verdict.model_validate_json(done.lines)
    if dry_run:
        return Response(verdict.model_dump_json(exclude_none=True), media_type="application/json")
    return one_verdict(verdict, submission=done.submission, replayed=done.replayed)


def _many(done: Submitted) -> Response:
    headers = {}
    if done.receipt is not None:
        headers["Location"] = f"/v1/submissions/{done.submission}"
    if done.replayed:
        headers[REPLAYED] = "true"
    return Response(done.lines + (done.receipt or b""), media_type=NDJSON, headers=headers)
