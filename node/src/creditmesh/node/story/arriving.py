"""What a department submitted in the city is visible at the province and at the nation, with nobody asking for it."""

from creditmesh.node.story.cast import enterprise
from creditmesh.node.story.looking import asked, counted, shown
from creditmesh.node.story.stage import CITY, NATION, Stage
from creditmesh.node.story.telling import check, seconds_until


class Arriving:
    """The city's records at the tiers above it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def everywhere(self) -> None:
        """The same public records at every tier, and the seconds each tier took."""
        stage = self._stage
        with stage.telling.step("the records are visible at the province and the nation", "省级、国家级可见") as say:
            here = shown(stage, CITY)
            check(sum(map(len, here.values())), "the city shows records")
            for code in stage.tiers[1:]:
                took = seconds_until(lambda code=code: shown(stage, code) == here, f"{code} shows what the city shows")
                say(f"{code} after {took:.1f} s: {counted(here)}")

    def with_their_origin(self) -> None:
        """A department of the nation is told where a record comes from, which alone may change it."""
        stage = self._stage
        with stage.telling.step("a department of the nation asks", "国家部门查询，记录注明来源节点") as say:
            released = asked(stage, NATION, enterprise().subject).released
            there = {record.record for record in asked(stage, CITY, enterprise().subject).released}
            check(there, "the city releases records of the enterprise")
            check({record.record for record in released} == there, "the same records under the same ids")
            check({record.origin for record in released} == {CITY}, "every one says that it is the city's")
            say(f"{len(released)} records of origin {CITY}, identity resolved by the nation itself")
