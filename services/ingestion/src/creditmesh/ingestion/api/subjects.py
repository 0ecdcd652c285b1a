"""For the operator's tools only: which subject a document belongs to."""

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.ingestion import operations
from creditmesh.schemas.records import SubjectFound
from creditmesh.schemas.subject import SubjectIn

router = Router(tags=["subjects"])


@router.post("/internal/subjects", access=AccessPolicy.inside())
async def resolve(ctx: Ctx, body: SubjectIn) -> SubjectFound:
    """The subject of a document, made if it is new: `creditmesh-node people add` asks here and keeps the id alone.

    Who was looked up finds that in their log.

    `POST /internal/subjects` `{"kind": "natural_person", "document": {"type": "resident_id", "number": "..."}}`
    """
    return SubjectFound(subject=await operations.resolve_subject(ctx, body))
