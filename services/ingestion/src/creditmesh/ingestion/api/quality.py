"""The quality board."""

from typing import Annotated

from fastapi import Query

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.router import Ctx, Router, Tag
from creditmesh.ingestion import operations
from creditmesh.schemas.bounds import Day
from creditmesh.schemas.identifiers import Code
from creditmesh.schemas.quality import QualityOut

router = Router(tags=[Tag("quality", "How rows were judged", "报送质量")])
_READ = AccessPolicy.to("department", "office", scope="records:read")


@router.get("/v1/quality", access=_READ)
async def get_quality(
    ctx: Ctx,
    party: Code | None = None,
    item: Code | None = None,
    since: Annotated[Day | None, Query(description="The first legal date.")] = None,
    until: Annotated[Day | None, Query(description="The last one, included.")] = None,
) -> QualityOut:
    """How rows were judged, item by item, and what nodes above refused of the records, with the codes of the reasons.

    A department sees its own lines, the credit office all. The period counts legal dates, both included, by default
    the last thirty days. `GET /v1/quality?item=administrative_penalty&since=2026-05-01&until=2026-05-31`
    """
    return await operations.quality_of(ctx, party=party, item=item, since=since, until=until)
