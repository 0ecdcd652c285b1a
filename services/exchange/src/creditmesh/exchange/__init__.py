"""Feeds between nodes: what was shared, what was pulled, who acknowledged."""

from creditmesh.chassis.service import Service

service = Service(
    name="exchange",
    package="creditmesh.exchange",
    summary="Feeds between nodes: what was shared, what was pulled, who acknowledged",
    summary_zh="节点间交换日志、检查点与收讫",
    lock_class=16,
)

__all__ = ["service"]
