"""The documents of a case: raw bodies in, raw bodies out."""

from typing import Annotated, Any, get_args
from uuid import UUID

from fastapi import Path, Request, Response

from creditmesh.chassis.http.bodies import BodyLimit
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.repair import operations
from creditmesh.repair.api.access import CASES, FILE, READ
from creditmesh.repair.documents import MOST_BYTES, media_of
from creditmesh.repair.operations import UploadedDocument
from creditmesh.repair.operations.showing import evidence_out
from creditmesh.schemas.cases import EvidenceKind, EvidenceMedia, EvidenceOut

router = Router(tags=[CASES])
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="Hex SHA-256 of the document's bytes.")]
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_DOCUMENT = BodyLimit(most=MOST_BYTES)
"""A scan of several pages."""
_MEDIA: dict[str, Any] = dict.fromkeys(get_args(EvidenceMedia), _BINARY)


@router.post(
    "/v1/cases/{case}/evidence",
    access=FILE,
    body=_DOCUMENT,
    status_code=201,
    responses={200: {"description": "It is there already", "model": EvidenceOut}},
    openapi_extra={"requestBody": {"required": True, "content": _MEDIA}},
)
async def add_evidence(ctx: Ctx, request: Request, response: Response, case: UUID, kind: EvidenceKind) -> EvidenceOut:
    """Add a document to your case: PDF, PNG or JPEG as the body, 10 MiB at most; kept sealed under your own key.

    The same content again is the same document (200). With the last one that a returned case lacks, it is filed again.
    `POST /v1/cases/{case}/evidence?kind=proof` with `Content-Type: application/pdf`.
    """
    media = media_of(request.headers.get("content-type"))
    sent = UploadedDocument(kind=kind, media=media, content=await request.body())
    added, new = await operations.add_document(ctx, case, sent)
    response.status_code = 201 if new else 200
    response.headers["Location"] = f"/v1/cases/{case}/evidence/{added.digest.hex()}"
    return evidence_out(added)


@router.get(
    "/v1/cases/{case}/evidence/{digest}",
    access=READ,
    response_class=Response,
    responses={200: {"description": "The document as it was sent", "content": _MEDIA}},
)
async def get_evidence(ctx: Ctx, case: UUID, digest: Digest) -> Response:
    """One document as it was sent, for its subject and for who decides; in the log of the person it concerns.

    `GET /v1/cases/0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11/evidence/9f86d081...`
    """
    about, content = await operations.document_of(ctx, case, bytes.fromhex(digest))
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=about.media_type, headers=headers)
