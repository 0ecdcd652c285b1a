"""The topics of a node as they shall be: one a stream, with as many partitions as the node has parts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from creditmesh.chassis.bus.kafka.message import topic_of
from creditmesh.chassis.errors import MeshError

_DAYS = 14
_RETENTION = _DAYS * 24 * 3600 * 1000


class WrongTopic(MeshError):
    """A topic is there with another number of partitions than the node has parts; it was left alone."""

    def __init__(self, topic: str, *, partitions: int, parts: int) -> None:
        super().__init__(
            f"topic {topic} has {partitions} partitions and the node {parts} parts: both are fixed for life, so this "
            "topic is not the node's. If it is a mistake, `topics apply --anew` deletes and makes it; nothing is lost."
        )
        self.topic, self.partitions, self.parts = topic, partitions, parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic as it shall be."""

    name: str
    partitions: int
    replicas: int
    config: Mapping[str, str]


def topics_of(node: str, streams: Iterable[str], *, parts: int, replicas: int, min_isr: int) -> list[Topic]:
    """The topics of these streams of a node. Not compacted: what Kafka dropped comes from the stream itself."""
    config = {
        "cleanup.policy": "delete",
        "retention.ms": str(_RETENTION),
        "min.insync.replicas": str(min_isr),
        "unclean.leader.election.enable": "false",
    }
    return [
        Topic(name=topic_of(node, stream), partitions=parts, replicas=replicas, config=config)
        for stream in sorted(streams)
    ]
