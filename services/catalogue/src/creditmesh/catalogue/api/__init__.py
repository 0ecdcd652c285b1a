"""HTTP in: the directory for everybody, withdrawing for the credit office, the rest for the operator."""

from creditmesh.catalogue.api import directory, keeping, peers
from creditmesh.chassis.http.router import Router

router = Router()
router.routes.extend([*directory.router.routes, *keeping.router.routes, *peers.router.routes])

__all__ = ["router"]
