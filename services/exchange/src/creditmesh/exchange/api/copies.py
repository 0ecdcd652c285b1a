"""For the operator: how the feeds and the copies stand, letting a stopped copy go on, and who stands above."""

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.exchange.operations import chain, copying, relaying
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.chain import ChainOut
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


@router.get("/v1/admin/chain", access=AccessPolicy.inside())
async def chain_above(ctx: Ctx) -> Page[ChainOut]:
    """The nodes above, each by the row that it signed, and the keys that are offered in a row nobody vouches for.

    `GET /v1/admin/chain`
    """
    return Page(items=tuple(await chain.listed(ctx)))


@router.post("/v1/admin/chain/{peer}/{node}/accept", access=AccessPolicy.inside())
async def accept(ctx: Ctx, peer: NodeCode, node: NodeCode) -> ChainOut:
    """Believe the keys that are offered for a node above: after that node has told you of them another way.

    409 if none are offered. `POST /v1/admin/chain/province/nation/accept`
    """
    accepted = await chain.accept(ctx, peer, node)
    await relaying.take_relayed(ctx, [], grown=[peer])
    return accepted
