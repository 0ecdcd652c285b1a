"""HTTP in: the directory for everybody, withdrawing for the credit office, loading and the clock for the operator."""

from creditmesh.catalogue.api import directory, keeping
from creditmesh.chassis.http.router import Router

router = Router()
router.routes.extend([*directory.router.routes, *keeping.router.routes])

__all__ = ["router"]
