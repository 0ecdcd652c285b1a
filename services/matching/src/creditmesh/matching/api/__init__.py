"""HTTP in: screenings and eligibility, who is on a list, a department's tasks."""

from creditmesh.chassis.http.router import Router
from creditmesh.matching.api import screenings, tasks

router = Router()
router.routes.extend((*screenings.router.routes, *tasks.router.routes))

__all__ = ["router"]
