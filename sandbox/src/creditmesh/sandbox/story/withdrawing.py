"""The nation takes an item out of the catalogue, and its records stop showing at every tier; none is touched."""

from functools import partial

from creditmesh.sandbox.callers import OFFICE_DUTY
from creditmesh.sandbox.story.cast import LICENCE
from creditmesh.sandbox.story.looking import shown
from creditmesh.sandbox.story.stage import NATION, Stage
from creditmesh.sandbox.story.telling import check, seconds_until
from creditmesh.schemas.identifiers import NodeCode


class Withdrawing:
    """One item of the nation's catalogue."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def an_item(self) -> None:
        """Withdrawn at the nation, gone in the city."""
        stage = self._stage
        with stage.telling.step("the nation withdraws an item from the catalogue", "国家级撤销一个目录条目") as say:
            before = {code: self._shows(code) for code in stage.tiers}
            check(all(before.values()), "its records are shown at every tier")
            with stage.callers.node(stage.callers.having(OFFICE_DUTY, at=NATION)) as office:
                withdrawn = office.catalogue.withdraw(LICENCE, basis="the story's own decision no. 1")
            check(withdrawn.state == "withdrawn", "it is withdrawn")
            for code in reversed(stage.tiers):
                took = seconds_until(partial(self._gone, code), f"{code} shows none of them")
                say(f"{code} shows none of {before[code]} after {took:.1f} s")

    def _gone(self, code: NodeCode) -> bool:
        return not self._shows(code)

    def _shows(self, code: NodeCode) -> int:
        return len(shown(self._stage, code).get(LICENCE, ()))
