"""The matching service: designations, the measures that follow, tasks and their answers, screening and eligibility."""

from creditmesh.chassis.http.idempotency import kept_keys
from creditmesh.chassis.service import Service
from creditmesh.matching import api, events
from creditmesh.matching.store.tasks import LIFTED
from creditmesh.schemas.events import AccessRecorded, CopiesDisclosed, RecordChanged, RecordPurged, TaskChanged

service = Service(
    name="matching",
    package="creditmesh.matching",
    summary="Designations, measures, tasks and screening",
    summary_zh="名单认定、奖惩措施、任务与信用核查",
    router=api.router,
    handles={RecordChanged: events.on_record_changed, RecordPurged: events.on_record_purged},
    projects=frozenset({RecordChanged}),
    emits=(AccessRecorded, CopiesDisclosed, TaskChanged),
    bodies=frozenset({"ingestion"}),
    keys=frozenset({"index", "data"}),
    vault=frozenset({"resolve", "open", "kinds"}),
    lock_class=17,
    prunes=(kept_keys("matching"), LIFTED),
)

__all__ = ["service"]
