"""Cases: objection and repair, their clocks, and the certificate of who knows."""

from creditmesh.chassis.http.idempotency import kept_keys
from creditmesh.chassis.service import Service
from creditmesh.repair import events
from creditmesh.repair.api import router
from creditmesh.schemas.events import (
    AccessRecorded,
    CaseChanged,
    HolderChanged,
    RecordChanged,
    RecordPurged,
)

service = Service(
    name="repair",
    package="creditmesh.repair",
    summary="Cases: objection and repair, their clocks, and the certificate of who knows",
    summary_zh="异议与信用修复案件、时限与同步更新证明",
    router=router,
    handles={
        RecordChanged: events.on_record_changed,
        RecordPurged: events.on_record_purged,
        HolderChanged: events.on_holder_changed,
    },
    projects=frozenset({RecordChanged}),
    emits=(AccessRecorded, CaseChanged),
    bodies=frozenset({"ingestion"}),
    keys=frozenset({"data", "node"}),
    vault=frozenset({"open"}),
    lock_class=18,
    prunes=(kept_keys("repair"),),
)

__all__ = ["service"]
