"""The query service: who may see what, authorisations, and the one log of who looked."""

from creditmesh.chassis.declared import Outbox
from creditmesh.chassis.http.idempotency import kept_keys
from creditmesh.chassis.service import Service
from creditmesh.query import api, events
from creditmesh.query.older_forms import units
from creditmesh.schemas.events import (
    AccessRecorded,
    ChainChanged,
    CopiesDisclosed,
    DisclosedToBureau,
    RecordChanged,
    RecordPurged,
)

service = Service(
    name="query",
    package="creditmesh.query",
    summary="Who may see what, and who looked",
    summary_zh="查询、授权与访问日志",
    router=api.router,
    handles={
        RecordChanged: events.on_record_changed,
        RecordPurged: events.on_record_purged,
        AccessRecorded: events.on_access_recorded,
        ChainChanged: events.on_chain_changed,
    },
    projects=frozenset({RecordChanged}),
    emits=(AccessRecorded, CopiesDisclosed, DisclosedToBureau),
    outbox=Outbox(table="access", event=AccessRecorded),
    bodies=frozenset({"ingestion"}),
    keys=frozenset({"index", "data", "node"}),
    vault=frozenset({"resolve", "open", "kinds"}),
    lock_class=12,
    prunes=(kept_keys("query"),),
    units=units,
)

__all__ = ["service"]
