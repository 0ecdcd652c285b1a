"""An enterprise objects to a record: the mark stands at every tier until the body that made the record has decided."""

from functools import partial
from uuid import UUID

from creditmesh.sandbox.callers import OFFICER
from creditmesh.sandbox.story.cast import DEPARTMENT, ENTERPRISE, enterprise
from creditmesh.sandbox.story.stage import CITY, Stage
from creditmesh.sandbox.story.steps import check, seconds_until
from creditmesh.sandbox.story.views import found
from creditmesh.schemas.cases import ActionIn, CaseIn
from creditmesh.schemas.identifiers import NodeCode

OBJECTED = "9003"
"""The end of the number of the decision that is objected to."""


class ObjectionChapter:
    """One objection, refused in the end."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def files(self) -> None:
        """Filed and accepted: the mark reaches every tier; refused with a reason, it is gone again."""
        stage, record = self._stage, record_of(self._stage, OBJECTED)
        with stage.story.step("an objection is marked at every tier", "异议标注到达各层级") as say:
            with stage.callers.node(ENTERPRISE) as subject:
                filing = CaseIn(kind="objection", record=record, statement="处罚决定的事实认定有误。")
                case = subject.cases.file(filing)
            with stage.callers.node(DEPARTMENT + OFFICER) as officer:
                officer.cases.act(officer.cases.read(case.case), ActionIn(action="accept"))
            say(f"case {case.case}: " + self._everywhere(record, "disputed"))
        with stage.story.step("it is refused with a reason: the mark is lifted", "异议不成立，标注解除") as say:
            with stage.callers.node(DEPARTMENT + OFFICER) as officer:
                refusing = ActionIn(action="refuse", reason="经核查，原决定事实清楚。")
                decided = officer.cases.act(officer.cases.read(case.case), refusing)
            check(decided.state == "refused", f"it is refused, not {decided.state}")
            check(decided.appeal_open, "the subject may appeal")
            say(f"appeal until {decided.appeal_until}: " + self._everywhere(record, None))

    def _everywhere(self, record: UUID, mark: str | None) -> str:
        words = mark or "no mark"
        took = {
            code: seconds_until(partial(self._marked, code, record, mark), f"{code} shows {words}")
            for code in self._stage.tiers
        }
        return ", ".join(f"{code} {seconds:.2f} s" for code, seconds in took.items())

    def _marked(self, code: NodeCode, record: UUID, mark: str | None) -> bool:
        return found(self._stage, code, enterprise().subject)[record].mark == mark


def record_of(stage: Stage, number: str) -> UUID:
    """The id of the enterprise's record of the decision whose number has this."""
    wanted = enterprise().record(number).number
    public = found(stage, CITY, enterprise().subject)
    return next(record for record, each in public.items() if each.fields.get("CF_WSH") == wanted)
