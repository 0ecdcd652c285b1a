"""What a department submitted in the city is visible at the province and at the nation, with nobody asking for it."""

from functools import partial
from itertools import pairwise

from creditmesh.sandbox.story.cast import enterprise
from creditmesh.sandbox.story.stage import CITY, NATION, Stage
from creditmesh.sandbox.story.steps import check, eventually, seconds_until
from creditmesh.sandbox.story.views import Shown, asked, counted, shown
from creditmesh.schemas.exchange import FeedOut
from creditmesh.schemas.identifiers import NodeCode


class PropagationChapter:
    """The city's records at the tiers above it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def everywhere(self) -> None:
        """The same public records at every tier, and the seconds each tier took."""
        stage = self._stage
        with stage.story.step("the records are visible at the province and the nation", "省级、国家级可见") as say:
            here = shown(stage, CITY)
            check(sum(map(len, here.values())), "the city shows records")
            for code in stage.tiers[1:]:
                took = seconds_until(partial(self._shows, code, here), f"{code} shows what the city shows")
                say(f"{code} after {took:.1f} s: {counted(here)}")

    def as_one_history(self) -> None:
        """The copy a node has of the feed below it is the feed itself: one root of 32 bytes says so."""
        stage = self._stage
        with stage.story.step("two nodes compare 32 bytes: one history", "比对根哈希：同一份历史") as say:
            for below, above in pairwise(stage.tiers):
                eventually(partial(self._equal, below, above), f"{above} has all that {below} shared")
                size, root = self._heads(below)[None]
                say(f"{below} and {above}: {size} entries, root {root[:16]}…")

    def _shows(self, code: NodeCode, here: Shown) -> bool:
        return shown(self._stage, code) == here

    def _equal(self, below: NodeCode, above: NodeCode) -> bool:
        return self._heads(below)[None] == self._heads(above).get(below)

    def _heads(self, code: NodeCode) -> dict[NodeCode | None, tuple[int, str]]:
        """Size and root of the feed for who is above: the node's own (None), and its copies of those below."""
        listed = self._stage.operators[code].call("exchange", "GET", "/v1/admin/feeds")["items"]
        feeds = [FeedOut.model_validate(each) for each in listed]
        return {each.peer: (each.size, each.root) for each in feeds if each.feed == "up"}

    def with_their_origin(self) -> None:
        """A department of the nation is told where a record comes from, which alone may change it."""
        stage = self._stage
        with stage.story.step("a department of the nation asks", "国家部门查询，记录注明来源节点") as say:
            released = asked(stage, NATION, enterprise().subject).released
            there = {record.record for record in asked(stage, CITY, enterprise().subject).released}
            check(there, "the city releases records of the enterprise")
            check({record.record for record in released} == there, "the same records under the same ids")
            check({record.origin for record in released} == {CITY}, "every one says that it is the city's")
            say(f"{len(released)} records of origin {CITY}, identity resolved by the nation itself")
