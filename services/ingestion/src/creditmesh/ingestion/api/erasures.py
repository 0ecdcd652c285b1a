"""Erasing a person's data, and the entries that stay of it: for the operator alone, in an officer's name."""

from uuid import UUID

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.ingestion import operations
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.erasures import ErasureIn, ErasureOut

router = Router(tags=["erasures"])


@router.post("/v1/admin/erasures", access=AccessPolicy.inside())
async def erase_person(ctx: Ctx, body: ErasureIn) -> ErasureOut:
    """Erase what this node has made about a person; without `confirmed` say what would go, and do nothing.

    What stays is an entry of who erased how much, when and on which ground. The end of each record is told to its
    holders and to the nodes above, which erase theirs and answer. Records that other nodes sent are erased there.
    404 who has no file here; 422 `unknown_records` for a record that is not the person's, or not of this node.

    `POST /v1/admin/erasures` `{"person": {...}, "ground": "order", "basis": "（2026）示01行终8号", "officer": "Qin"}`
    """
    return await operations.erase_person(ctx, body)


@router.get("/v1/admin/erasures", access=AccessPolicy.inside())
async def list_erasures(ctx: Ctx) -> Page[ErasureOut]:
    """The newest erasures, without their records.

    `GET /v1/admin/erasures`
    """
    return Page(items=tuple(await operations.list_erasures(ctx)))


@router.get("/v1/admin/erasures/{erasure}", access=AccessPolicy.inside())
async def get_erasure(ctx: Ctx, erasure: UUID) -> ErasureOut:
    """One erasure: whether all is deleted here, and who has answered that it is there, with proofs. 404.

    `GET /v1/admin/erasures/0198c0de-0000-7000-8000-000000000001`
    """
    return await operations.erasure_of(ctx, erasure)
