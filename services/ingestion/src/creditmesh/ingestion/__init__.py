"""Ingestion: the only writer of a record and of its life."""

from creditmesh.chassis.declared import Outbox
from creditmesh.chassis.http.idempotency import kept_keys
from creditmesh.chassis.service import Service
from creditmesh.ingestion import events
from creditmesh.ingestion.api import router
from creditmesh.ingestion.held_rows import units
from creditmesh.schemas.events import (
    AccessReceived,
    AccessRecorded,
    AccessToPass,
    CaseChanged,
    CopiesDisclosed,
    EntriesJudged,
    HolderChanged,
    PageReceived,
    RecordChanged,
    RecordPurged,
    RevisionOutnumbered,
)

service = Service(
    name="ingestion",
    package="creditmesh.ingestion",
    summary="Submissions, the gate, records and their revisions, copies of peers' records, reviews, quality.",
    summary_zh="数据报送、入库校验、信用记录及其版本、对等节点记录副本、待审核数据、数据质量。",
    router=router,
    handles={
        PageReceived: events.on_page_received,
        CaseChanged: events.on_case_changed,
        HolderChanged: events.on_holder_changed,
        CopiesDisclosed: events.on_copies_disclosed,
        AccessReceived: events.on_access_received,
        RevisionOutnumbered: events.on_revision_outnumbered,
    },
    emits=(RecordChanged, RecordPurged, AccessRecorded, AccessToPass, EntriesJudged),
    outbox=Outbox(table="revision", event=RecordChanged),
    keys=frozenset({"index", "data", "fingerprint", "node", "feed"}),
    vault=frozenset({"resolve", "open", "identify", "look_up", "kinds", "know", "erase"}),
    lock_class=11,
    prunes=(kept_keys("ingestion"),),
    units=units,
)

__all__ = ["service"]
