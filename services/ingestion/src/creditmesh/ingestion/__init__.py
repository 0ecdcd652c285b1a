"""Ingestion: the only writer of a record and of its life."""

from creditmesh.chassis.declared import Outbox
from creditmesh.chassis.service import Service
from creditmesh.ingestion.api import router
from creditmesh.ingestion.tables import revision
from creditmesh.schemas.events import AccessRecorded, RecordChanged

service = Service(
    name="ingestion",
    package="creditmesh.ingestion",
    summary="Submissions, the gate, records and their revisions, reviews of held rows.",
    summary_zh="数据报送、入库校验、信用记录及其版本、待审数据。",
    router=router,
    emits=(RecordChanged, AccessRecorded),
    outbox=Outbox(table=revision, event=RecordChanged),
    keys=frozenset({"index", "data", "fingerprint", "node"}),
    vault=frozenset({"resolve", "open"}),
    lock_class=11,
)

__all__ = ["service"]
