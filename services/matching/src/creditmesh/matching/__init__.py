"""Designations, measures, tasks and screening."""

from creditmesh.chassis.service import Service

service = Service(
    name="matching",
    package="creditmesh.matching",
    summary="Designations, measures, tasks and screening",
    summary_zh="名单认定、奖惩措施、任务与信用核查",
    lock_class=17,
)

__all__ = ["service"]
