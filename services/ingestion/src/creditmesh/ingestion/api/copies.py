"""Copies of peers' records, compared for the operator with what their feeds say."""

from typing import Annotated

from fastapi import Query

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.bodies import BodyLimit
from creditmesh.chassis.http.router import Ctx, Router, Tag
from creditmesh.ingestion import operations
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.identifiers import NodeCode
from creditmesh.schemas.reconciling import RecordComparedOut, RecordsIn, ShownOut, ToCompareIn

router = Router(tags=[Tag("copies", "Copies of peers' records", "对等节点记录的副本")])
_SAID = BodyLimit(most=16 * 1024 * 1024)


@router.post("/v1/admin/copies/compared", access=AccessPolicy.inside(), body=_SAID)
async def compare_copies(ctx: Ctx, body: ToCompareIn) -> Page[RecordComparedOut]:
    """Whether the copies of these records are what their feed says. `said` is as the exchange gives it.

    `POST /v1/admin/copies/compared` `{"said": [...]}`
    """
    return Page(items=tuple(await operations.compare(ctx, body.said)))


@router.get("/v1/admin/copies/{peer}", access=AccessPolicy.inside())
async def list_copies(
    ctx: Ctx,
    peer: NodeCode,
    cursor: Annotated[
        str | None,
        Query(pattern=r"^\d{1,5}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="`next` of the page before."),
    ] = None,
) -> Page[ShownOut]:
    """The copies that this node shows of records that a peer may send; a page may be empty and not be the last.

    404 if it is no node below.
    `GET /v1/admin/copies/city`
    """
    return await operations.shown_copies(ctx, peer, cursor=cursor)


@router.post("/v1/admin/copies/withheld", access=AccessPolicy.inside(), status_code=204)
async def withhold_copies(ctx: Ctx, body: RecordsIn) -> None:
    """Show nothing of these copies any more, for no feed says anything of them.

    `POST /v1/admin/copies/withheld` `{"records": ["..."]}`
    """
    await operations.withhold_unsaid(ctx, body.records)
