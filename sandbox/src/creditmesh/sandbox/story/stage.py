"""What every chapter is given: how it is told, who may call, and the operator of every node."""

from collections.abc import Mapping
from dataclasses import dataclass

from creditmesh.node.operator import Operator
from creditmesh.sandbox.callers import Callers
from creditmesh.sandbox.story.steps import Story
from creditmesh.schemas.identifiers import NodeCode

CITY, PROVINCE, NATION = "city", "province", "nation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The chain as the story uses it."""

    story: Story
    callers: Callers
    operators: Mapping[NodeCode, Operator]

    @property
    def tiers(self) -> tuple[NodeCode, ...]:
        """The codes of the nodes, from the lowest to the highest."""
        return tuple(self.operators)
