"""Exchange: feeds between nodes as verifiable logs, acknowledgements both ways, and who holds a record."""

from creditmesh.chassis.declared import Outbox
from creditmesh.chassis.service import Service
from creditmesh.exchange import events
from creditmesh.exchange.api import router
from creditmesh.exchange.operations import comparing
from creditmesh.exchange.puller import units
from creditmesh.schemas.events import (
    AccessReceived,
    AccessToPass,
    CatalogueChanged,
    ChainChanged,
    DisclosedToBureau,
    EntriesJudged,
    HolderChanged,
    PageReceived,
    RecordChanged,
    RecordPurged,
    RevisionOutnumbered,
    TaskChanged,
)

service = Service(
    name="exchange",
    package="creditmesh.exchange",
    summary="Feeds between nodes: what was shared, what was pulled, who acknowledged",
    summary_zh="节点间交换日志、检查点与收讫",
    router=router,
    handles={
        RecordChanged: events.on_record_changed,
        RecordPurged: events.on_record_purged,
        CatalogueChanged: events.on_catalogue_changed,
        EntriesJudged: events.on_entries_judged,
        PageReceived: events.on_page_received,
        TaskChanged: events.on_task_changed,
        DisclosedToBureau: events.on_disclosed_to_bureau,
        AccessToPass: events.on_access_to_pass,
    },
    emits=(AccessReceived, ChainChanged, HolderChanged, PageReceived, RevisionOutnumbered),
    outbox=Outbox(table="received_page", event=PageReceived, read_back=True),
    keys=frozenset({"data", "node", "feed"}),
    vault=frozenset({"open"}),
    lock_class=16,
    waits_for=comparing.told,
    units=units,
)

__all__ = ["service"]
