"""What several routes do alike: what was asked under which key, and one verdict with its status."""

from uuid import UUID

from fastapi import Request, Response

from creditmesh.chassis.http.idempotency import REPLAYED, digest, key_of
from creditmesh.ingestion.operations import Once
from creditmesh.schemas.verdicts import Verdict, VerdictWord

NDJSON = "application/x-ndjson"
_STATUS: dict[VerdictWord, int] = {"accepted": 201, "corrected": 201, "unchanged": 200, "held": 202, "refused": 200}


def one_verdict(verdict: Verdict, *, submission: UUID | None = None, replayed: bool = False) -> Response:
    """201 accepted or corrected, 200 unchanged, 202 held, with the place of what it made."""
    headers = {"Cache-Control": "no-store"}
    if verdict.record is not None:
        headers["Location"] = f"/v1/records/{verdict.record}"
    elif verdict.review is not None:
        headers["Location"] = f"/v1/reviews/{verdict.review}"
    if verdict.revision is not None:
        headers["ETag"] = etag(verdict.revision)
    if submission is not None:
        headers["Link"] = f'</v1/submissions/{submission}>; rel="related"'
    if replayed:
        headers[REPLAYED] = "true"
    body = verdict.model_dump_json(exclude_none=True)
    return Response(body, status_code=_STATUS[verdict.verdict], media_type="application/json", headers=headers)


def etag(rev: int) -> str:
    """The ETag of a record's revision."""
    return f'"{rev}"'


async def asked_once(request: Request) -> Once:
    """The key of a change, and the digest of its path, its If-Match and its body."""
    words = (request.url.path, request.headers.get("if-match", ""))
    return Once(key=key_of(request), digest=digest("\n".join(words).encode() + b"\n" + await request.body()))
