"""What exchange tells of the nodes above this one."""

from typing import ClassVar

from creditmesh.schemas.events.base import Event
from creditmesh.schemas.identifiers import NodeCode


class ChainChanged(Event):
    """Which nodes are above this one by way of a peer, as far as their rows are believed."""

    type: ClassVar[str] = "chain.changed"

    peer: NodeCode
    above: tuple[NodeCode, ...]
    """The peer itself first, then whoever is above it, the nearest first."""

    @property
    def key(self) -> str:
        return self.peer
