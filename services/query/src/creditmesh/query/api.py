"""HTTP in: queries, the person's own side, authorisations, and what is open to all."""

from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Forbidden
from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.idempotency import REPLAYED, once_of
from creditmesh.chassis.http.paging import Cursor, Limit
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.query.operations import authorisations, own_file, public, queries
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.identifiers import Code
from creditmesh.schemas.queries import (
    AccessLog,
    AuthorisationIn,
    AuthorisationOut,
    ExportOut,
    FileOut,
    HandedIn,
    PublicLists,
    PublicRecord,
    PublicSearch,
    QueryIn,
    QueryOut,
)

router = Router()
READS = AccessPolicy.to("subject", scope="me:read")
AUTHORISES = AccessPolicy.to("subject", scope="me:authorise")
HOLDS = AccessPolicy.to("bureau", "department", scope="authorisations:write")


def _myself(ctx: Context) -> UUID:
    subject = ctx.known_caller.subject
    if subject is None:
        raise Forbidden("This token is not bound to a person.", "该令牌未绑定信用主体。")
    return subject


@router.post(
    "/v1/queries",
    access=AccessPolicy.to("department", "bureau", scope="queries:ask"),
    shows_copies=True,
    response_model=QueryOut,
)
async def query_subject(ctx: Ctx, request: Request, body: QueryIn) -> Response:
    """Ask about one subject: a department for a matter, a bureau (or a department) under the subject's authorisation.

    The answer lists what is released and what is withheld and why, carries the `decision_id` under which the subject
    finds it in their log, and may not be used from `use_until` on. Refusals (403) are logged for the subject too. With
    an `Idempotency-Key` a query repeated within a day keeps its decision id, uses up nothing, and gives at most what
    the first answer gave, as it stands now; later it is 409 `replay_over`. `partial`: not all is
    said, with `out_of_reach` for your credential is limited to other items, with `unreadable` for the node cannot read
    these records just now.
    Example: `{"subject": {...}, "purpose": "statutory_duty", "matter": "procurement_review", "officer": "W-17"}`.
    """
    once = await once_of(request)
    answer, replayed = await queries.answer_query(ctx, body, key=once.key, digest=once.digest)
    headers = {REPLAYED: "true"} if replayed else None
    return Response(answer.model_dump_json(), media_type="application/json", headers=headers)


@router.get("/v1/me/file", access=READS, shows_copies=True)
async def get_my_file(ctx: Ctx) -> FileOut:
    """Your own file: every visible record of every source, unmasked where it is about you. Free."""
    return await own_file.own_file(ctx, _myself(ctx))


@router.get("/v1/me/accesses", access=READS)
async def list_my_accesses(ctx: Ctx, cursor: Cursor = None, limit: Limit = 50) -> AccessLog:
    """Who looked at your data here or was refused, newest first: party, officer, purpose, ground, outcome, items.

    Who looked at a copy at a node above stands here too, with `node` and `looked_at`, when its feed has brought it;
    `copies_at` names the nodes above, whose own logs have it at once.
    """
    return await own_file.own_accesses(ctx, _myself(ctx), after=cursor, limit=limit)


@router.get("/v1/me/export", access=READS, shows_copies=True, response_model=ExportOut)
async def export_my_data(ctx: Ctx) -> StreamingResponse:
    """Your file, your authorisations and every access in one machine-readable document."""
    return StreamingResponse(
        await own_file.own_export(ctx, _myself(ctx)),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="creditmesh-export.json"'},
    )


@router.get("/v1/me/authorisations", access=READS)
async def list_my_authorisations(ctx: Ctx, cursor: Cursor = None, limit: Limit = 50) -> Page[AuthorisationOut]:
    """What you have permitted, newest first, with its uses and its state."""
    return await authorisations.my_authorisations(ctx, subject=_myself(ctx), after=cursor, limit=limit)


@router.post("/v1/me/authorisations", access=AUTHORISES, status_code=201)
async def give_authorisation(ctx: Ctx, request: Request, response: Response, body: AuthorisationIn) -> AuthorisationOut:
    """Permit a bureau to query these items for one purpose, until a day, so many times. You may take it back."""
    _myself(ctx)
    once = await once_of(request)
    given, replayed = await authorisations.give_authorisation(ctx, body, key=once.key, digest=once.digest)
    if replayed:
        response.headers[REPLAYED] = "true"
    response.headers["Location"] = f"/v1/me/authorisations/{given.id}"
    return given


@router.delete("/v1/me/authorisations/{id}", access=AUTHORISES, status_code=204)
async def revoke_authorisation(ctx: Ctx, id: UUID) -> Response:  # noqa: A002 - the path's own word
    """Take an authorisation back: it holds for no query answered after this. Doing it again changes nothing."""
    await authorisations.revoke_authorisation(ctx, id, subject=_myself(ctx))
    return Response(status_code=204)


@router.post("/v1/authorisations", access=HOLDS)
async def hand_in_authorisation(ctx: Ctx, body: HandedIn) -> AuthorisationOut:
    """Hand in the signed text of an authorisation that its subject gave you, to learn its id and its state."""
    return await authorisations.hand_in_authorisation(ctx, body.token)


@router.get("/v1/authorisations/{id}", access=HOLDS)
async def get_authorisation(ctx: Ctx, id: UUID) -> AuthorisationOut:  # noqa: A002 - the path's own word
    """An authorisation given to you: what it permits, how often it was used, whether it still holds."""
    return await authorisations.look_at_authorisation(ctx, id)


@router.get("/v1/public/lists", access=AccessPolicy.public())
async def list_public_lists(ctx: Ctx) -> PublicLists:
    """The red and black lists, and the items whose records are open to all."""
    return public.public_lists(ctx)


@router.get("/v1/public/records", access=AccessPolicy.public(), shows_copies=True)
async def list_public_records(ctx: Ctx, item: Code, cursor: Cursor = None, limit: Limit = 50) -> Page[PublicRecord]:
    """The public records of an item, masked, newest first; each is gone on the day its display period ends.

    No copy is to be kept by anything on the way, for that reason (`no-store`).
    """
    return await public.public_records(ctx, item, after=cursor, limit=limit)


@router.post("/v1/public/searches", access=AccessPolicy.public(), shows_copies=True)
async def search_public_records(ctx: Ctx, body: PublicSearch) -> Page[PublicRecord]:
    """Find an organisation's public records by the beginning of its name (listed by name) or its 18-character code.

    Example: `{"name": "示例一号"}`. Names of persons and of sole traders are masked and cannot be searched.
    """
    return await public.search(ctx, body)
