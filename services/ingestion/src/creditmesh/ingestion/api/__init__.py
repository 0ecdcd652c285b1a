"""HTTP in: submissions, own records and their life, reviews, quality; subjects and copies for the operator."""

from creditmesh.chassis.http.router import Router
from creditmesh.ingestion.api import copies, quality, records, reviews, subjects, submissions

router = Router()
router.routes.extend(
    [
        *submissions.router.routes,
        *records.router.routes,
        *reviews.router.routes,
        *quality.router.routes,
        *subjects.router.routes,
        *copies.router.routes,
    ]
)

__all__ = ["router"]
