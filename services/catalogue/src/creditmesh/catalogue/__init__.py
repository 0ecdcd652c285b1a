"""The catalogue: what may be collected, by whom, on what basis, shown how long; and who takes part."""

from creditmesh.catalogue import events
from creditmesh.catalogue.api import router
from creditmesh.chassis.service import Service
from creditmesh.schemas.events import CatalogueChanged, ClockChanged, EntriesJudged, PageReceived

service = Service(
    name="catalogue",
    package="creditmesh.catalogue",
    summary="Items, lists, measures, matters, purposes, parties and code sets, and the sandbox's legal date.",
    summary_zh="目录条目、名单、奖惩措施、事项、用途、参与方、代码集，以及沙箱的业务日期。",
    router=router,
    handles={PageReceived: events.on_page_received},
    emits=(CatalogueChanged, ClockChanged, EntriesJudged),
    lock_class=13,
)

__all__ = ["service"]
