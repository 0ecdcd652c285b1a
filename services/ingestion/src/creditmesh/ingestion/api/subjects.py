"""Which subject a document belongs to, for the operator's tools only, and that it does, as an officer confirms."""

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.router import Ctx, Router, Tag
from creditmesh.ingestion import operations
from creditmesh.schemas.records import SubjectFound
from creditmesh.schemas.subject import SubjectIn

router = Router(tags=[Tag("subjects", "Subjects by their documents", "按证件确认信用主体")])
_CONFIRM = AccessPolicy.to("department", "office", scope="reviews:decide", named=True)


@router.post("/internal/subjects", access=AccessPolicy.inside())
async def resolve_subject(ctx: Ctx, body: SubjectIn) -> SubjectFound:
    """The subject of a document, made if it is new: `creditmesh-node people add` asks here and keeps the id alone.

    Who was looked up finds that in their log.

    `POST /internal/subjects` `{"kind": "natural_person", "document": {"type": "resident_id", "number": "..."}}`
    """
    return SubjectFound(subject=await operations.resolve_subject(ctx, body))


@router.post("/v1/subjects/confirmations", access=_CONFIRM, status_code=204)
async def confirm_number(ctx: Ctx, body: SubjectIn) -> None:
    """A number whose check digit or birth date does not fit, and that is right all the same, as a named officer knows.

    From then on it is somebody's: questions by it are answered, and no longer 422 `doubtful_number`. The confirmation
    is in the log of whoever has the number. Rows are held as before: an officer decides of each.

    `POST /v1/subjects/confirmations` `{"kind": "organisation", "document": {"type": "uscc", "number": "..."}}`
    """
    await operations.confirm_number(ctx, body)
