"""Feeds for the nodes that may read them: pages, signed heads, proofs, and what pullers sign."""

from typing import Annotated

from fastapi import Path, Query, Response
from fastapi.responses import StreamingResponse

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.exchange.operations import acknowledging, originals, serving
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.exchange import AnswersOut, FeedOut, ProofOut
from creditmesh.schemas.identifiers import FeedName
from creditmesh.schemas.origins import OriginsOut
from creditmesh.schemas.signed import SignedText

router = Router()
PULLS = AccessPolicy.to("node", scope="exchange:pull")
NDJSON = "application/x-ndjson"
Feed = Annotated[FeedName, Path(description="`up`, `down` or `down-<node>`.")]
_Far = Query(ge=0, le=2**53)


@router.get("/v1/exchange/feeds", access=PULLS)
async def list_feeds(ctx: Ctx) -> Page[FeedOut]:
    """The feeds you may read, each with its size and its newest signed head.

    `GET /v1/exchange/feeds`
    """
    return Page(items=tuple(await serving.standing(ctx)))


@router.get(
    "/v1/exchange/feeds/{feed}/entries",
    access=PULLS,
    waits=True,
    response_class=Response,
    responses={
        200: {
            "description": "Entries, then the signed head they lead to",
            "content": {NDJSON: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def pull_entries(
    ctx: Ctx,
    feed: Feed,
    after: Annotated[int, Query(ge=0, le=2**53, description="How many entries you have.")] = 0,
    limit: Annotated[int, Query(ge=1, le=5000, description="About how many; a page ends at a signed head.")] = 1000,
    wait: Annotated[float, Query(ge=0, le=30, description="Seconds to wait for the first one.")] = 0,
) -> Response:
    """The entries after those you have, one a line, and as the last line the signed head that the page ends at.

    A page has about 1 MiB at most, or one signed head's entries; it is empty where there is nothing new. Check before
    use: the leaves of the lines, added to your own range, must give the signed root. 422 `beyond_feed` if you have more
    than the feed: one of the two lost its past.

    `GET /v1/exchange/feeds/up/entries?after=1200&wait=20`
    """
    return StreamingResponse(await serving.page(ctx, feed, after=after, limit=limit, wait=wait), media_type=NDJSON)


@router.get(
    "/v1/exchange/feeds/{feed}/checkpoint",
    access=PULLS,
    response_class=Response,
    responses={200: {"description": "The signed head", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def get_checkpoint(ctx: Ctx, feed: Feed, size: Annotated[int | None, _Far] = None) -> Response:
    """The signed head of exactly that size, or the newest: a C2SP checkpoint.

    `GET /v1/exchange/feeds/up/checkpoint?size=1200`
    """
    found = await serving.head_of(ctx, feed, size)
    return Response(found.note, media_type="text/plain; charset=utf-8")


@router.get("/v1/exchange/feeds/{feed}/proofs/inclusion", access=PULLS)
async def prove_inclusion(ctx: Ctx, feed: Feed, index: Annotated[int, _Far], size: Annotated[int, _Far]) -> ProofOut:
    """The RFC 6962 proof that the entry at `index` is in the tree of `size`.

    `GET /v1/exchange/feeds/up/proofs/inclusion?index=17&size=1200`
    """
    return ProofOut(proof=await serving.inclusion(ctx, feed, index=index, size=size))


@router.get("/v1/exchange/feeds/{feed}/proofs/consistency", access=PULLS)
async def prove_consistency(
    ctx: Ctx,
    feed: Feed,
    old: Annotated[int, Query(alias="from", ge=0, le=2**53)],
    new: Annotated[int, Query(alias="to", ge=0, le=2**53)],
) -> ProofOut:
    """The RFC 6962 proof that the tree of `from` entries is the beginning of that of `to`.

    `GET /v1/exchange/feeds/up/proofs/consistency?from=800&to=1200`
    """
    return ProofOut(proof=await serving.consistency(ctx, feed, old=old, new=new))


@router.get("/v1/exchange/feeds/{feed}/origins", access=PULLS)
async def prove_origins(
    ctx: Ctx,
    feed: Feed,
    after: Annotated[int, _Far],
    until: Annotated[int, _Far],
) -> OriginsOut:
    """What proves that other nodes said what these entries (`after <= index < until`) pass on of theirs.

    Each run is a stretch of an origin's own feed up to a head that the origin signed: its leaves, added to the range
    before it, must give the signed root. The hash of a line that was passed on as it came is one of the leaves.

    `GET /v1/exchange/feeds/up/origins?after=1200&until=1300`
    """
    return await originals.prove(ctx, feed, after=after, until=until)


@router.post("/v1/exchange/feeds/{feed}/acknowledgements", access=PULLS)
async def acknowledge_entries(ctx: Ctx, feed: Feed, body: SignedText) -> AnswersOut:
    """Hand in what you signed about entries that you applied or refused, in any order. The same again changes nothing.

    `signed` is the text that you signed, to the letter: an `Acknowledgement` in JSON. `missing` are the first ranges
    below the highest entry you answered for that you have not answered for: hand these in too. 422 says what does not
    fit.
    `POST /v1/exchange/feeds/up/acknowledgements` `{"signed": "{...}", "signature": "..."}`
    """
    return AnswersOut(missing=tuple(await acknowledging.take(ctx, feed, body)))
