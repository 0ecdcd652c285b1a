"""What several routes do alike: one verdict with its status, and a record's ETag."""

from uuid import UUID

from fastapi import Response

from creditmesh.chassis.http.conditions import etag
from creditmesh.chassis.http.idempotency import REPLAYED
from creditmesh.schemas.verdicts import Verdict, VerdictWord

NDJSON = "application/x-ndjson"
_STATUS: dict[VerdictWord, int] = {"accepted": 201, "corrected": 201, "unchanged": 200, "held": 202, "refused": 200}


def one_verdict(verdict: Verdict, *, submission: UUID | None = None, replayed: bool = False) -> Response:
    """201 accepted or corrected, 200 unchanged, 202 held, with the place of what it made."""
    headers = {}
    if verdict.record is not None:
        headers["Location"] = f"/v1/records/{verdict.record}"
    elif verdict.review is not None:
        headers["Location"] = f"/v1/reviews/{verdict.review}"
    if verdict.rev is not None:
        headers["ETag"] = etag(verdict.rev)
    if submission is not None:
        headers["Link"] = f'</v1/submissions/{submission}>; rel="related"'
    if replayed:
        headers[REPLAYED] = "true"
    body = verdict.model_dump_json(exclude_none=True)
    return Response(body, status_code=_STATUS[verdict.verdict], media_type="application/json", headers=headers)
