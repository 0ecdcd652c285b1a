"""The one door of a node: who calls, what they may call, and nothing of what they say."""

from creditmesh.chassis.service import Service
from creditmesh.gateway.api import router
from creditmesh.gateway.catching_up import units
from creditmesh.gateway.store import SECURITY_LOG

service = Service(
    name="gateway",
    package="creditmesh.gateway",
    summary="The one door: credentials, internal tokens, routing, caps",
    summary_zh="统一入口：凭证、内部令牌、路由与限额",
    router=router,
    keys=frozenset({"token", "credential"}),
    lock_class=15,
    prunes=(SECURITY_LOG,),
    units=units,
)

__all__ = ["service"]
