"""HTTP in: submissions, own records, reviews, quality; subjects, copies and erasures for the operator."""

from creditmesh.chassis.http.router import Router
from creditmesh.ingestion.api import copies, erasures, quality, records, reviews, subjects, submissions

router = Router()
router.routes.extend(
    [
        *submissions.router.routes,
        *records.router.routes,
        *reviews.router.routes,
        *quality.router.routes,
        *subjects.router.routes,
        *copies.router.routes,
        *erasures.router.routes,
    ]
)

__all__ = ["router"]
