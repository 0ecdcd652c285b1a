"""HTTP in: submissions for departments, own records and their life, reviews for officers, subjects for the operator."""

from creditmesh.chassis.http.router import Router
from creditmesh.ingestion.api import records, reviews, subjects, submissions

router = Router()
router.routes.extend(
    [*submissions.router.routes, *records.router.routes, *reviews.router.routes, *subjects.router.routes]
)

__all__ = ["router"]
