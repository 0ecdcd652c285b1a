"""Copies, for the nodes they are of; for the operator how feeds stand, letting one go on, fetching own entries back."""

from typing import Annotated

from fastapi import Path, Query, Response
from fastapi.responses import StreamingResponse

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.exchange.api.feeds import NDJSON, PULLS, Feed
from creditmesh.exchange.operations import chain, copying, offering, restoring, setting_aside
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.chain import ChainOut
from creditmesh.schemas.exchange import FeedOut, LostOut, OfferedOut, RestoredOut
from creditmesh.schemas.identifiers import FeedName, NodeCode
from creditmesh.schemas.second_history import SecondHistoryOut, SetAsideBody

router = Router()


@router.get("/v1/admin/feeds", access=AccessPolicy.inside())
async def list_feed_copies(ctx: Ctx) -> Page[FeedOut]:
    """The node's own feeds, and the copies of its peers' with the alarm of each that is stopped.

    `GET /v1/admin/feeds`
    """
    return Page(items=tuple(await copying.standing(ctx)))


@router.post("/v1/admin/feeds/{peer}/{feed}/resume", access=AccessPolicy.inside())
async def resume_copy(ctx: Ctx, peer: NodeCode, feed: FeedName) -> FeedOut:
    """Let a stopped copy go on from where it stands: after the peer has put its feed right.

    What did not fit is asked for again and judged anew; nothing is skipped. 409 if it is not stopped.
    `POST /v1/admin/feeds/city/up/resume`
    """
    return await copying.resume(ctx, peer, feed)


@router.post("/v1/admin/feeds/{peer}/{feed}/offer", access=AccessPolicy.inside())
async def offer_entries(
    ctx: Ctx,
    peer: NodeCode,
    feed: FeedName,
    after: Annotated[int, Query(ge=0, le=2**53, description="From which entry on: `next` of the answer before.")] = 0,
) -> OfferedOut:
    """Judge anew what this node refused of a copy: after it has got the item, the right or the key that was missing.

    Bodies are asked for again. Call it until `next` is null; what is refused once more stays refused. 409
    `entries_not_offered` where the peer no longer gives what was verified, `copy_catching_up` until the copy has stood
    where its feed stood.
    `POST /v1/admin/feeds/city/up/offer?after=0`
    """
    return await offering.offer_again(ctx, peer, feed, after=after)


@router.get("/v1/admin/chain", access=AccessPolicy.inside())
async def list_chain(ctx: Ctx) -> Page[ChainOut]:
    """The nodes above, each by the row that it signed, and the keys that are offered in a row nobody vouches for.

    `GET /v1/admin/chain`
    """
    return Page(items=tuple(await chain.listed(ctx)))


@router.post("/v1/admin/chain/{peer}/{node}/accept", access=AccessPolicy.inside())
async def accept_node(ctx: Ctx, peer: NodeCode, node: NodeCode) -> ChainOut:
    """Believe the keys that are offered for a node above: after that node has told you of them another way.

    409 if none are offered. `POST /v1/admin/chain/province/nation/accept`
    """
    return await chain.accept(ctx, peer, node)


@router.get("/v1/exchange/copies/{feed}", access=PULLS)
async def get_copy(ctx: Ctx, feed: Feed) -> FeedOut:
    """How far this node's copy of *your* feed goes, and the newest head of it that you signed.

    Ask it of whoever reads your feed before you append to it: a node that was restored does not know what it signed.
    `GET /v1/exchange/copies/up`
    """
    return await restoring.held_for(ctx, feed)


@router.get(
    "/v1/exchange/copies/{feed}/entries",
    access=PULLS,
    response_class=Response,
    responses={200: {"description": "Your entries, then the head that you signed", "content": {NDJSON: {}}}},
)
async def list_own_entries(
    ctx: Ctx,
    feed: Feed,
    after: Annotated[int, Query(ge=0, le=2**53, description="How many entries you have.")] = 0,
) -> Response:
    """Your own entries after so many, as they came here, up to the next head you signed: the lines of a feed's page.

    Nothing where there are none. A body that was refused or erased here is missing with its salt. 404
    `entries_not_kept` where not all are kept.
    `GET /v1/exchange/copies/up/entries?after=1200`
    """
    return StreamingResponse(await restoring.kept_for(ctx, feed, after=after), media_type=NDJSON)


@router.post("/v1/admin/feeds/{feed}/restore", access=AccessPolicy.inside())
async def restore_feed(ctx: Ctx, feed: FeedName) -> RestoredOut:
    """Fetch back the next page of a feed of this node that is behind, from the peer that holds most of it.

    Call it until `peer` is null. 409 `feed_not_restored` where what stands here is no beginning of what the peer holds.
    `POST /v1/admin/feeds/up/restore`
    """
    return await restoring.restore_page(ctx, feed)


@router.get("/v1/admin/feeds/{feed}/second-history", access=AccessPolicy.inside())
async def look_at_second_history(ctx: Ctx, feed: FeedName) -> SecondHistoryOut:
    """What stands in a feed of this node beside what a reader holds of it: what would be set aside. Changes nothing.

    409 `feed_not_set_aside` where somebody may hold some of it.
    `GET /v1/admin/feeds/up/second-history`
    """
    return await setting_aside.look(ctx, feed)


@router.post("/v1/admin/feeds/{feed}/second-history", access=AccessPolicy.inside())
async def set_aside_second_history(ctx: Ctx, feed: FeedName, body: SetAsideBody) -> SecondHistoryOut:
    """Set aside what nobody holds, up to the head that you were told. The feed is fetched back then as after a restore.

    What was set aside is said again behind it by itself. The same again changes nothing. 409 `feed_not_set_aside` where
    somebody may hold some of it, or another head stands there.
    `POST /v1/admin/feeds/up/second-history` `{"head": "156-9f3a01bc22d4e6f8"}`
    """
    return await setting_aside.move(ctx, feed, body.head)


@router.get("/v1/admin/feeds/restored", access=AccessPolicy.inside())
async def list_restored(
    ctx: Ctx,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[
        str | None, Query(pattern=r"^[a-z0-9-]{1,40}/\d{1,16}$", description="`next` of the page before.")
    ] = None,
) -> Page[LostOut]:
    """What came back as entries of feeds and is not here again.

    Records that were not made again, and why, and what was published in `down`.

    An entry goes from the list when its revision is here, when its object is published or withdrawn here again, or when
    it is dismissed.
    `GET /v1/admin/feeds/restored`
    """
    return await restoring.missing(ctx, cursor=cursor, limit=limit)


@router.delete("/v1/admin/feeds/{feed}/restored/{index}", access=AccessPolicy.inside(), status_code=204)
async def dismiss_restored(ctx: Ctx, feed: FeedName, index: Annotated[int, Path(ge=0, le=2**53)]) -> None:
    """Take an entry from that list: you have seen to it. 404 if it is not listed.

    `DELETE /v1/admin/feeds/down/restored/17`
    """
    await restoring.dismiss(ctx, feed, index)


@router.post("/v1/admin/feeds/up/restored/{index}/end", access=AccessPolicy.inside(), status_code=204)
async def end_restored(ctx: Ctx, index: Annotated[int, Path(ge=0, le=2**53)]) -> None:
    """End a record everywhere of which nothing is here but its entries in `up`: not even its first revision came back.

    It stands above, and nobody here can correct or withdraw it. It is withdrawn by its next number, and what is listed
    of it is listed no more. 404 if the entry is not listed, 409 `stands_here` while its body can withdraw it.
    `POST /v1/admin/feeds/up/restored/17/end`
    """
    await restoring.end_lost(ctx, index)
