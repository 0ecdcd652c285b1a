"""What this node holds of a peer, for the operator who compares it with what the peer's feed says."""

from typing import Annotated

from fastapi import Query

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.exchange.operations import reconciling
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.identifiers import NodeCode
from creditmesh.schemas.reconciling import HeadsOut, RecordsIn, RecordsOut, SaidPage, ToldOut

router = Router()


@router.get("/v1/admin/feeds/{peer}/heads", access=AccessPolicy.inside())
async def compare_heads(ctx: Ctx, peer: NodeCode) -> Page[HeadsOut]:
    """The heads of the feeds between this node and a peer, as both have them: the peer is asked.

    `GET /v1/admin/feeds/city/heads`
    """
    return Page(items=tuple(await reconciling.heads_with(ctx, peer)))


@router.get("/v1/admin/feeds/{peer}/up/said", access=AccessPolicy.inside())
async def list_said(
    ctx: Ctx,
    peer: NodeCode,
    after: Annotated[int, Query(ge=0, le=2**53, description="`until` of the answer before.")] = 0,
) -> SaidPage:
    """What the peer's feed says of records last, for those of which it does so in the next stretch of it.

    Go on at `until` until it is `size`. 409 `copy_catching_up` until the copy has stood where its feed stood.
    `GET /v1/admin/feeds/city/up/said?after=0`
    """
    return await reconciling.said_from(ctx, peer, after=after)


@router.post("/v1/admin/feeds/{peer}/up/said", access=AccessPolicy.inside())
async def find_said(ctx: Ctx, peer: NodeCode, body: RecordsIn) -> SaidPage:
    """The same of these records, wherever it does; without those that it says nothing of.

    `POST /v1/admin/feeds/city/up/said` `{"records": ["..."]}`
    """
    return await reconciling.said_of(ctx, peer, body.records)


@router.post("/v1/admin/feeds/unsaid", access=AccessPolicy.inside())
async def find_unsaid(ctx: Ctx, body: RecordsIn) -> RecordsOut:
    """Those of these records of which no peer's feed says anything.

    `POST /v1/admin/feeds/unsaid` `{"records": ["..."]}`
    """
    return await reconciling.unsaid(ctx, body.records)


@router.post("/v1/admin/feeds/{peer}/up/told", access=AccessPolicy.inside())
async def tell_again(ctx: Ctx, peer: NodeCode, body: RecordsIn) -> ToldOut:
    """Have this node judge anew all that the peer's feed says of these records, whatever is held of them.

    Of which something waits that alone is told. Those in `left` were too many at once: they are to be asked for again.

    `POST /v1/admin/feeds/city/up/told` `{"records": ["..."]}`
    """
    return await reconciling.tell_records(ctx, peer, body.records)
