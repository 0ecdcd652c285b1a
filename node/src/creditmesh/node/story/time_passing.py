"""The legal date moves, and what ended is gone without any job having run."""

from collections import Counter
from datetime import date

from creditmesh.node.callers import Callers
from creditmesh.node.operator import Operator
from creditmesh.node.story.asking import Asking
from creditmesh.node.story.telling import Telling, check, eventually

ITEM = "administrative_penalty"
YEAR = 365


class TimePassing:
    """A year forward and back."""

    def __init__(self, telling: Telling, callers: Callers, operator: Operator, asking: Asking) -> None:
        self._telling = telling
        self._callers = callers
        self._operator = operator
        self._asking = asking

    def a_year(self) -> None:
        """Move the date, look, set it back, look again."""
        with self._telling.step("public records today", "今日公开的记录") as say:
            before = self._public()
            offset = int(self._operator.call("catalogue", "GET", "/v1/admin/clock")["offset_days"])
            check(before, "public records are shown")
            say(_counted(before))
        with self._telling.step("a year passes: what ended is gone", "一年后：到期信息不再展示") as say:
            later = self._moved(offset + YEAR)
            after = self._public()
            check(sum(after.values()) < sum(before.values()), "records have ended")
            gone = self._asking.ask_as_department()
            check(
                all(r.display_until is None or r.display_until > later for r in gone.released), "nothing past its end"
            )
            say(f"legal date {later}: " + _counted(after))
        with self._telling.step("the date is set back: they are shown again", "日期恢复：信息恢复展示") as say:
            today = self._moved(offset)
            check(self._public() == before, "exactly what was shown before")
            say(f"legal date {today}")

    def _moved(self, offset: int) -> date:
        answer = self._operator.call("catalogue", "POST", "/v1/admin/clock", {"offset_days": offset})
        wanted = date.fromisoformat(answer["legal_date"])
        with self._callers.node() as node:
            eventually(lambda: node.public.lists().as_of == wanted, "the query service follows the date")
        return wanted

    def _public(self) -> Counter[str]:
        with self._callers.node() as node:
            items = node.public.lists().items
            return Counter({item: sum(1 for _ in node.public.records(item)) for item in items})


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {item}" for item, count in counts.items())
