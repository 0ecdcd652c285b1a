"""Cases: objection and repair, their clocks, and the certificate of who knows."""

from creditmesh.chassis.service import Service

service = Service(
    name="repair",
    package="creditmesh.repair",
    summary="Cases: objection and repair, their clocks, and the certificate of who knows",
    summary_zh="异议与信用修复案件、时限与传播证明",
    lock_class=18,
)

__all__ = ["service"]
