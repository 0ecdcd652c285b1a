"""What the catalogue service does, called by its routes and its events."""

from creditmesh.catalogue.operations.clock import move_clock
from creditmesh.catalogue.operations.from_above import take
from creditmesh.catalogue.operations.loading import LoadResult, load
from creditmesh.catalogue.operations.peers import Neighbours, enrol, introduce, neighbours
from creditmesh.catalogue.operations.publishing import PublishResult, publish, withdraw

__all__ = [
    "LoadResult",
    "Neighbours",
    "PublishResult",
    "enrol",
    "introduce",
    "load",
    "move_clock",
    "neighbours",
    "publish",
    "take",
    "withdraw",
]
