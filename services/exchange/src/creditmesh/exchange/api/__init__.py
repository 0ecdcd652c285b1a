"""HTTP in: feeds for nodes, and copies for the operator."""

from creditmesh.chassis.http.router import Router
from creditmesh.exchange.api import copies, feeds

router = Router()
router.routes.extend([*feeds.router.routes, *copies.router.routes])

__all__ = ["router"]
