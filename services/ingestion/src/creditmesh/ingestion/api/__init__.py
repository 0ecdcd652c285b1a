"""HTTP in: submissions, own records and their life, reviews, the quality board; subjects for the operator."""

from creditmesh.chassis.http.router import Router
from creditmesh.ingestion.api import quality, records, reviews, subjects, submissions

router = Router()
router.routes.extend(
    [
        *submissions.router.routes,
        *records.router.routes,
        *reviews.router.routes,
        *quality.router.routes,
        *subjects.router.routes,
    ]
)

__all__ = ["router"]
