"""What stops showing at every tier though no record is touched: a withdrawn item, what a year ends; and back."""

from datetime import date
from functools import partial

from creditmesh.sandbox.callers import OFFICE_DUTY
from creditmesh.sandbox.chain import move_date
from creditmesh.sandbox.story.cast import LICENCE
from creditmesh.sandbox.story.queries import QueryChapter
from creditmesh.sandbox.story.stage import CITY, NATION, Stage
from creditmesh.sandbox.story.steps import check, eventually, seconds_until
from creditmesh.sandbox.story.views import Shown, shown
from creditmesh.schemas.identifiers import NodeCode

YEAR = 365


class WithdrawalChapter:
    """One item of the nation's catalogue."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._before: dict[NodeCode, int] = {}

    def an_item(self) -> None:
        """Withdrawn at the nation, gone in the city."""
        stage = self._stage
        with stage.story.step("the nation withdraws an item from the catalogue", "国家级撤销一个目录条目") as say:
            before = self._before = {code: self._shows(code) for code in stage.tiers}
            check(all(before.values()), "its records are shown at every tier")
            with stage.callers.node(stage.callers.having(OFFICE_DUTY, at=NATION)) as office:
                withdrawn = office.catalogue.withdraw(LICENCE, basis="the story's own decision no. 1")
            check(withdrawn.state == "withdrawn", "it is withdrawn")
            for code in reversed(stage.tiers):
                took = seconds_until(partial(self._gone, code), f"{code} shows none of them")
                say(f"{code} shows none of {before[code]} after {took:.1f} s")

    def again(self) -> None:
        """Published again at the nation, shown again in the city: what is tried afterwards finds it in force."""
        stage = self._stage
        with stage.story.step("the nation publishes the item again", "国家级重新发布该条目") as say:
            stage.operators[NATION].call("catalogue", "POST", "/v1/admin/catalogue", {"folder": None, "again": True})
            for code in reversed(stage.tiers):
                took = seconds_until(partial(self._back, code), f"{code} shows its records again")
                say(f"{code} shows {self._before[code]} again after {took:.1f} s")

    def _back(self, code: NodeCode) -> bool:
        return self._shows(code) == self._before[code]

    def _gone(self, code: NodeCode) -> bool:
        return not self._shows(code)

    def _shows(self, code: NodeCode) -> int:
        return len(shown(self._stage, code).get(LICENCE, ()))


class YearChapter:
    """A year forward and back."""

    def __init__(self, stage: Stage, queries: QueryChapter) -> None:
        self._stage = stage
        self._queries = queries

    def a_year(self) -> None:
        """Move the date, look, set it back, look again."""
        with self._stage.story.step("public records today, at every tier", "今日各层级公开的记录") as say:
            before = self._public()
            offset = int(self._stage.operators[CITY].call("catalogue", "GET", "/v1/admin/clock")["offset_days"])
            check(all(map(_count, before.values())), "public records are shown")
            say(_counted(before))
        with self._stage.story.step("a year passes: what ended is gone everywhere", "一年后：到期信息不再展示") as say:
            later = self._moved(offset + YEAR)
            after = self._public()
            check(all(_count(after[code]) < _count(before[code]) for code in after), "records have ended")
            gone = self._queries.ask_as_department()
            check(
                all(r.display_until is None or r.display_until > later for r in gone.released), "nothing past its end"
            )
            say(f"legal date {later}: {_counted(after)}")
        with self._stage.story.step("the date is set back: they are shown again", "日期恢复：信息恢复展示") as say:
            today = self._moved(offset)
            check(self._public() == before, "exactly what was shown before")
            say(f"legal date {today}")

    def today(self) -> None:
        """The real date, so that what is written today is not of tomorrow; the samples' where that is yet to come."""
        with self._stage.story.step("the nodes go by today's date", "各节点改用今日日期") as say:
            offset = int(self._stage.operators[CITY].call("catalogue", "GET", "/v1/admin/clock")["offset_days"])
            say(f"legal date {self._moved(max(offset, 0))}")

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
