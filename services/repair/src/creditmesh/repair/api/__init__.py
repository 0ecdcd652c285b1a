"""HTTP in: cases and their steps, the documents of a case, and its certificate."""

from creditmesh.chassis.http.router import Router
from creditmesh.repair.api import cases, documents

router = Router()
router.routes.extend([*cases.router.routes, *documents.router.routes])

__all__ = ["router"]
