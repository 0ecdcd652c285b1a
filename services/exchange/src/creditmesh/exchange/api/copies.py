"""For the operator: how the feeds and the copies stand, and letting a stopped copy go on."""

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.exchange.operations import copying
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.exchange import FeedOut
from creditmesh.schemas.identifiers import FeedName, NodeCode

router = Router(tags=["exchange"])


@router.get("/v1/admin/feeds", access=AccessPolicy.inside())
async def standing(ctx: Ctx) -> Page[FeedOut]:
    """The node's own feeds, and the copies of its peers' with the alarm of each that is stopped.

    `GET /v1/admin/feeds`
    """
    return Page(items=tuple(await copying.standing(ctx)))


@router.post("/v1/admin/feeds/{peer}/{feed}/resume", access=AccessPolicy.inside())
async def resume(ctx: Ctx, peer: NodeCode, feed: FeedName) -> FeedOut:
    """Let a stopped copy go on from where it stands: after the peer has put its feed right.

    What did not fit is asked for again and judged anew; nothing is skipped. 409 if it is not stopped.
    `POST /v1/admin/feeds/city/up/resume`
    """
    return await copying.resume(ctx, peer, feed)
