"""HTTP in: feeds for nodes; for the operator copies, and how they compare with what peers say."""

from creditmesh.chassis.http.router import Router
from creditmesh.exchange.api import copies, feeds, reconciling

router = Router()
router.routes.extend([*feeds.router.routes, *copies.router.routes, *reconciling.router.routes])

__all__ = ["router"]
