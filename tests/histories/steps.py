"""The steps of a history: what is done at which node, what it must make of the model, and when it may be done.

A step is words, so that a history can be printed, cut and told again: `correct 3`, `pull province city up 2`,
`kill city 40 withdraw 3`.
"""

from tests.histories.deciding import Deciding
from tests.histories.deed import Deed, Step
from tests.histories.model import Model
from tests.histories.operating import Operating
from tests.histories.world import World
from tests.journeys.mesh import Mesh


class Steps:
    """Every kind of step, at a chain and its model."""

    def __init__(self, world: World, mesh: Mesh, model: Model) -> None:
        self.mesh, self.model = mesh, model
        self._kinds = (Deciding(mesh, model), Operating(world, mesh, model))

    def deed(self, step: Step) -> Deed | None:
        """What the step does now; None where it cannot be taken."""
        verb, *words = step
        (kind,) = [each for each in self._kinds if hasattr(each, verb)]
        made: Deed | None = getattr(kind, verb)(*words)
        return made
