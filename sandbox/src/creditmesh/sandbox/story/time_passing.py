"""The legal date moves at every node, and what ended is gone without any job having run."""

from datetime import date

from creditmesh.sandbox.chain import move_date
from creditmesh.sandbox.story.asking import Asking
from creditmesh.sandbox.story.looking import Shown, shown
from creditmesh.sandbox.story.stage import CITY, Stage
from creditmesh.sandbox.story.telling import check, eventually
from creditmesh.schemas.identifiers import NodeCode

YEAR = 365


class TimePassing:
    """A year forward and back."""

    def __init__(self, stage: Stage, asking: Asking) -> None:
        self._stage = stage
        self._asking = asking

    def a_year(self) -> None:
        """Move the date, look, set it back, look again."""
        with self._stage.telling.step("public records today, at every tier", "今日各层级公开的记录") as say:
            before = self._public()
            offset = int(self._stage.operators[CITY].call("catalogue", "GET", "/v1/admin/clock")["offset_days"])
            check(all(map(_count, before.values())), "public records are shown")
            say(_counted(before))
        with self._stage.telling.step(
            "a year passes: what ended is gone everywhere", "一年后：到期信息不再展示"
        ) as say:
            later = self._moved(offset + YEAR)
            after = self._public()
            check(all(_count(after[code]) < _count(before[code]) for code in after), "records have ended")
            gone = self._asking.ask_as_department()
            check(
                all(r.display_until is None or r.display_until > later for r in gone.released), "nothing past its end"
            )
            say(f"legal date {later}: {_counted(after)}")
        with self._stage.telling.step("the date is set back: they are shown again", "日期恢复：信息恢复展示") as say:
            today = self._moved(offset)
            check(self._public() == before, "exactly what was shown before")
            say(f"legal date {today}")

    def _moved(self, offset: int) -> date:
        days = {code: move_date(operator, offset) for code, operator in self._stage.operators.items()}
        eventually(lambda: all(self._as_of(code) == day for code, day in days.items()), "queries follow the date")
        return days[CITY]

    def _as_of(self, code: NodeCode) -> date:
        with self._stage.callers.public(code) as node:
            return node.public.lists().as_of

    def _public(self) -> dict[NodeCode, Shown]:
        return {code: shown(self._stage, code) for code in self._stage.tiers}


def _count(seen: Shown) -> int:
    return sum(map(len, seen.values()))


def _counted(seen: dict[NodeCode, Shown]) -> str:
    return ", ".join(f"{code} {_count(records)}" for code, records in seen.items())
