"""Cases: filing, reading, listing, and the steps of whoever has one now."""

from uuid import UUID

from fastapi import Request, Response

from creditmesh.chassis.context import Context
from creditmesh.chassis.http import paging
from creditmesh.chassis.http.conditions import etag, expected
from creditmesh.chassis.http.idempotency import REPLAYED, once_of
from creditmesh.chassis.http.paging import Cursor, Limit
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.repair import operations
from creditmesh.repair.api.access import ACT, CASES, FILE, HANDLE, OWN, READ
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.bounds import Day
from creditmesh.schemas.cases import ActionIn, CaseEntry, CaseIn, CaseOut
from creditmesh.schemas.events.case import CaseKind, CaseState
from creditmesh.schemas.signed import SignedText

router = Router(tags=[CASES])


@router.post("/v1/cases", access=FILE, status_code=201)
async def file_case(ctx: Ctx, request: Request, response: Response, body: CaseIn) -> CaseOut:
    """File an objection to a record of yours, or apply for its repair; free of charge.

    A record of another node is 409 and names it; a repair before the minimum period is 422 `too_early` and names the
    first day. Add documents to the case afterwards. Takes an `Idempotency-Key`.

    `POST /v1/cases` `{"kind": "repair", "record": "0198f2c4-...", "statement": "罚款已缴清，违法行为已改正。"}`
    """
    asked = await once_of(request)
    case, replayed = await operations.once(ctx, asked, lambda: operations.file_case(ctx, body))
    response.headers["Location"] = f"/v1/cases/{case}"
    return await _answer(ctx, response, case, replayed=replayed)


@router.get("/v1/cases", access=HANDLE)
async def list_cases(
    ctx: Ctx,
    *,
    state: CaseState | None = None,
    kind: CaseKind | None = None,
    due_before: Day | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[CaseEntry]:
    """Cases in the order they were filed, without what was said in them: on your party's records, an office's all.

    `due_before` leaves those that somebody must act on before that day; a deadline that the holiday calendar does not
    know is not among them (`calendar: "unknown"`). `GET /v1/cases?state=filed&due_before=2026-05-12`
    """
    after = paging.read(cursor, UUID)
    return await operations.cases_to_handle(
        ctx, state=state, kind=kind, due_before=due_before, after=after, limit=limit
    )


@router.get("/v1/me/cases", access=OWN)
async def list_my_cases(ctx: Ctx, limit: Limit = 50, cursor: Cursor = None) -> Page[CaseEntry]:
    """Your cases, newest first: where each stands, who has it, until when.

    `GET /v1/me/cases?limit=20`
    """
    return await operations.own_cases(ctx, before=paging.read(cursor, UUID), limit=limit)


@router.get("/v1/cases/{case}", access=READ)
async def get_case(ctx: Ctx, response: Response, case: UUID) -> CaseOut:
    """One case whole: statement, documents by digest, every step. Reading it is in the log of the person it concerns.

    For its subject, the body that made the record, and the credit office; an attempt of others is 404, and in that log
    too. Its `ETag` is what a step needs as `If-Match`. `GET /v1/cases/0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11`
    """
    return await _answer(ctx, response, case)


@router.post("/v1/cases/{case}/actions", access=ACT)
async def act_on_case(ctx: Ctx, request: Request, response: Response, case: UUID, body: ActionIn) -> CaseOut:
    """Take a step: accept, return (once, with all that is missing), approve, refuse, appeal, revoke.

    The body that made the record accepts and decides, the credit office forwards and decides appeals, each by a named
    officer; the subject appeals. Who approved what ended the record may revoke that, with `reason` and `basis`: the
    record is open again as it was, and its subject finds the step in the case. Needs `If-Match` (412 if the case has
    moved); 409 `wrong_state` names where the step begins. What is decided becomes a revision of the record: `effect`
    says whether it has.

    `POST /v1/cases/{case}/actions` `If-Match: "2"` `{"action": "approve", "basis": "示信修〔2026〕3号"}`
    """
    decided_on = expected(request)
    asked = await once_of(request)
    found, replayed = await operations.once(ctx, asked, lambda: operations.act(ctx, case, body, expected=decided_on))
    return await _answer(ctx, response, found, replayed=replayed)


@router.get("/v1/cases/{case}/certificate", access=READ)
async def get_certificate(ctx: Ctx, case: UUID) -> SignedText:
    """The propagation certificate: the revision the case brought about, and which holders know; signed by the node.

    `signed` is the text that was signed, to the letter: a `Certificate` in JSON; `creditmesh verify` checks it.
    404 until there is such a revision. `complete` says whether every node and department has answered; who has not is
    named in `pending`. `GET /v1/cases/0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11/certificate`
    """
    return await operations.certificate_of(ctx, case)


async def _answer(ctx: Context, response: Response, case: UUID, *, replayed: bool = False) -> CaseOut:
    shown, steps = await operations.shown_case(ctx, case)
    response.headers["ETag"] = etag(steps)
    if replayed:
        response.headers[REPLAYED] = "true"
    return shown
