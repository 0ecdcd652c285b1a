"""A court lists an enterprise: tasks for every department that must act, at every tier, until the name is removed."""

from collections.abc import Iterator
from functools import partial
from itertools import chain
from uuid import UUID

from creditmesh.sandbox.sample_files import rows
from creditmesh.sandbox.story.cast import COURT, DEFAULTER, PROCUREMENT, enterprise
from creditmesh.sandbox.story.stage import CITY, NATION, Stage
from creditmesh.sandbox.story.steps import check, eventually, seconds_until
from creditmesh.sandbox.story.views import shown
from creditmesh.schemas.catalogue import Measure
from creditmesh.schemas.identifiers import NodeCode
from creditmesh.schemas.tasks import FeedbackIn, TaskOut, TaskState

SAMPLE = "judgment-defaulters.ndjson"
CASE = "(2026)示0101执9001号"
IN_FORCE: tuple[TaskState, ...] = ("open", "answered")
Task = tuple[str, str, str]
"""Who must act, the measure, and whether the listed or the responsible person is meant."""


class ListingChapter:
    """One listing, from its submission to its removal."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.record = UUID(int=0)
        self._applied = ""

    def begins(self) -> None:
        """The court submits one row; the seconds until the nation's public list has it."""
        stage = self._stage
        with stage.story.step("a court lists an enterprise", "法院将企业列入失信被执行人名单") as say:
            with stage.callers.node(COURT) as court:
                verdict = court.records.submit(DEFAULTER, _row())
            check(verdict.verdict == "accepted", f"the row is accepted, not {verdict.verdict}")
            assert verdict.record is not None  # noqa: S101 - an accepted row has its record
            self.record = verdict.record
            took = seconds_until(lambda: self.record in shown(stage, NATION)[DEFAULTER], "the nation's list has it")
            say(f"on the nation's public list after {took:.2f} s")

    def makes_tasks(self) -> None:
        """Exactly the tasks that measures and duties say, at each tier for its own departments."""
        stage = self._stage
        with stage.story.step("tasks for every department that must act", "各层级责任部门收到惩戒任务") as say:
            for code in stage.tiers:
                expected = set(self._expected(code))
                check(expected, f"{code} has departments that must act")
                eventually(partial(self._stand, code, expected), f"{code}'s tasks")
                responsible = sum(role == "responsible" for _, _, role in expected)
                parties = len({party for party, _, _ in expected})
                say(
                    f"{code}: {len(expected)} tasks for {parties} departments, {responsible} for the responsible person"
                )

    def is_answered(self) -> None:
        """A department of the city applies one measure and says so."""
        stage = self._stage
        with stage.story.step("a department applies the measure and answers", "责任部门落实并反馈") as say:
            name = stage.callers.having(PROCUREMENT, at=CITY)
            task = next(each for each in self._of(name) if each.role == "listed")
            with stage.callers.node(name) as department:
                department.tasks.answer(task, FeedbackIn(outcome="applied", officer="Officer Ke"))
                answered = department.tasks.read(task.id)
            check(answered.state == "answered", f"the task is answered, not {answered.state}")
            self._applied = task.id
            say(f"{name} applied {task.measure}; due by {task.due}, open since {task.since}")

    def ends(self) -> None:
        """The court removes the name: every task is withdrawn, and what was applied must be lifted."""
        stage = self._stage
        with stage.story.step("the court removes the name: its tasks end", "移出名单，任务随即终止") as say:
            with stage.callers.node(COURT) as court:
                court.records.withdraw(self.record, rev=1, reason="removed")
            for code in reversed(stage.tiers):
                took = seconds_until(partial(self._stand, code, set()), f"{code} has no open task of it")
                say(f"{code} after {took:.2f} s")
            self._lift()
            say("the department that had applied the measure has lifted it")

    def _lift(self) -> None:
        with self._stage.callers.node(self._stage.callers.having(PROCUREMENT, at=CITY)) as department:
            task = department.tasks.read(self._applied)
            check(task.state == "withdrawn", "it is told to lift the measure")
            department.tasks.answer(task, FeedbackIn(outcome="lifted", officer="Officer Ke"))
            check(department.tasks.read(self._applied).state == "closed", "lifted: nothing is left to do")

    def _expected(self, code: NodeCode) -> Iterator[Task]:
        with self._stage.callers.public(code) as node:
            departments = [each for each in node.catalogue.parties() if each.kind == "department" and each.active]
            designates = node.catalogue.item(DEFAULTER).designates
            measures = [each for each in node.catalogue.measures() if designates in each.lists]
        for party in departments:
            for measure in measures:
                if set(party.duties) & set(measure.duties):
                    yield from ((party.code, measure.code, role) for role in _roles(measure))

    def _stand(self, code: NodeCode, expected: set[Task]) -> bool:
        return self._tasks(code) == expected

    def _tasks(self, code: NodeCode) -> set[Task]:
        return {
            (party, task.measure, task.role)
            for party, name in self._stage.callers.systems(at=code)
            if self._stage.callers.known[name].role == "department"
            for task in self._of(name)
        }

    def _of(self, name: str) -> list[TaskOut]:
        with self._stage.callers.node(name) as department:
            found = chain.from_iterable(department.tasks.waiting(state=state) for state in IN_FORCE)
            return [task for task in found if task.record == self.record]


def _roles(measure: Measure) -> tuple[str, ...]:
    if enterprise().subject.kind not in measure.kinds:
        return ()
    return ("listed", "responsible") if measure.reaches_responsible else ("listed",)


def _row() -> dict[str, str]:
    """A row of the court's own feed, about the enterprise and who represents it."""
    penalty = enterprise().records[0].fields()
    sample = next(row for row in rows(SAMPLE) if row["PARTYTYPENAME"] == "581" and "BUSINESSENTITYNUM" in row)
    about = {"INAME": "CF_XDR_MC", "CARDNUM": "CF_XDR_SHXYM", "BUSINESSENTITY": "CF_FRDB"}
    about["BUSINESSENTITYNUM"] = "CF_FR_ZJHM"
    return {**sample, **{code: penalty[of] for code, of in about.items()}, "CASECODE": CASE}
