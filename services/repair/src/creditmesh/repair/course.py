"""The course of a case: who takes which step in which state, what it needs, and where it leads. Pure.

filed -> returned (once) -> filed; filed -> accepted -> approved | refused; refused -> appealed -> approved | refused;
approved -> revoked, where the approval ended the record. The body that made the record accepts and decides
(谁认定、谁修复); the credit office forwards and decides appeals; who approved revokes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from creditmesh.repair.clocks import NONE, Deadline, deadline
from creditmesh.repair.errors import (
    AppealOver,
    DocumentsMissing,
    NotCorrected,
    NotForTheSubject,
    NothingToRevoke,
    NotTheBody,
    NotTheOffice,
    NotTheSubject,
    OfficerNeeded,
    ReturnedBefore,
    StepIncomplete,
    WrongState,
)
from creditmesh.schemas.cases import Action, ActionIn, EvidenceKind, Remedy
from creditmesh.schemas.catalogue import Procedure
from creditmesh.schemas.events.case import CaseEffect, CaseKind, CaseState
from creditmesh.schemas.problems import FieldError

Actor = Literal["subject", "body", "office"]
OPEN: tuple[CaseState, ...] = ("filed", "returned", "accepted", "appealed")
"""The states in which somebody still owes something."""
_BEGINS: Mapping[Action, tuple[CaseState, ...]] = {
    "accept": ("filed",),
    "return": ("filed",),
    "approve": ("accepted", "appealed"),
    "refuse": ("accepted", "appealed"),
    "appeal": ("refused",),
    "revoke": ("approved",),
}
_REPAIR_NEEDS: tuple[EvidenceKind, ...] = ("proof", "commitment")
"""信用修复管理办法 (order 36 of 2025): proof that the duties are performed, and the public commitment."""
_NOT_THERE: Mapping[EvidenceKind, tuple[str, str]] = {
    "proof": ("The proof of correction and performance is not there.", "缺少纠正及履行义务证明材料。"),
    "commitment": ("The credit commitment is not there.", "缺少信用承诺书。"),
    "statement": ("The written statement is not there.", "缺少书面说明。"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePosition:
    """Where a case is in its course."""

    state: CaseState
    due: Deadline
    """Of whoever has it; of a refusal the last day for an appeal."""
    final: bool

    def appeal_open(self, today: date) -> bool:
        """Whether a refusal may be appealed today; an end that the calendar does not know counts as open."""
        return self.state == "refused" and not self.final and not self.due.passed(today)

    def shown_state(self, today: date) -> CaseState:
        """The state on a day: a refusal is closed when the time for an appeal is over, and no job closes it."""
        ended = self.state == "refused" and not self.final and self.due.passed(today)
        return "closed" if ended else self.state

    def overdue(self, today: date) -> bool:
        """Whether who has it should have acted before today."""
        return self.state in OPEN and self.due.passed(today)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSituation(CasePosition):
    """The same, with everything that a step depends on."""

    kind: CaseKind
    since: date
    """The day it was filed, or complete after it was returned: what the whole of the procedure counts from."""
    returned: bool
    appealed: bool
    documents: Collection[EvidenceKind]
    """The kinds of the documents that are there."""
    corrected: bool
    """Whether the body has corrected the record since the case was filed."""
    ended_record: bool = False
    """Whether the record stands ended by what this case brought about."""
    named: bool = False
    """Whether it is the case of somebody whom the record only names: what it brings about is for them alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Where a step leads."""

    state: CaseState
    due: Deadline = NONE
    effect: CaseEffect | None = None
    final: bool = False
    false_material: bool = False
    done: bool = False
    """Whether the revision that its effect would make is there already."""


def check_actor(action: Action, actor: Actor, officer: str | None, standing: CaseSituation, *, today: date) -> None:
    """Whether this caller may take the step at all, and whether the case stands where it begins."""
    state = standing.shown_state(today)
    _check_role(action, actor, standing, state)
    if actor != "subject" and officer is None:
        raise OfficerNeeded("Sign in with a personal token of an officer.", "请使用工作人员个人令牌登录。")
    if standing.state == "closed":
        raise WrongState(
            "Its record ended before it was decided; it goes on if the record is opened again.",
            "案件办结前记录已终止；如记录恢复，案件将继续办理。",
        )
    if action == "appeal" and standing.state == "refused" and not standing.appeal_open(today):
        raise AppealOver("The case stays as it was decided.", "案件维持原决定。")
    if state not in _BEGINS[action]:
        starts, starts_zh = " or ".join(_BEGINS[action]), "、".join(_BEGINS[action])
        raise WrongState(
            f"The case is {state}; {action} begins at {starts}. Read it again.",
            f"案件状态为 {state}；{action} 仅适用于 {starts_zh}。请重新读取案件。",
        )


def _check_role(action: Action, actor: Actor, standing: CaseSituation, state: CaseState) -> None:
    if action == "appeal":
        if actor != "subject":
            raise NotTheSubject("The subject appeals from their own side.", "由当事人本人申请复核。")
    elif actor == "subject":
        raise NotForTheSubject("You may add evidence, and appeal a refusal.", "您可以补充材料，或对不予办理申请复核。")
    elif action in {"approve", "refuse", "revoke"}:
        is_offices = standing.appealed if action == "revoke" else state == "appealed"
        if is_offices and actor != "office":
            raise NotTheOffice("Leave the appeal to the credit office.", "请由信用工作机构作出复核决定。")
        if not is_offices and actor != "body":
            raise NotTheBody(
                "The office forwards a case and decides its appeal.", "信用工作机构负责转办和作出复核决定。"
            )


def moved(asked: ActionIn, standing: CaseSituation, procedure: Procedure, *, today: date) -> Move:
    """Where the step leads. What it lacks or cannot say is refused: see each."""
    _check_fields(asked, standing.kind)
    match asked.action:
        case "accept":
            _need(procedure.documents, standing.documents)
            effect: CaseEffect | None = "mark" if standing.kind == "objection" else None
            return Move(state="accepted", due=_decision_due(procedure, standing.since, today), effect=effect)
        case "return":
            _check_list(asked.missing, standing, procedure)
            return Move(state="returned")
        case "approve":
            return Move(state="approved", effect=_upheld(asked.remedy, standing))
        case "refuse":
            return _refused(standing, procedure, today)
        case "appeal":
            marked: CaseEffect | None = "mark" if standing.kind == "objection" else None
            return Move(state="appealed", due=deadline(today, procedure.review_working_days), effect=marked)
        case "revoke":
            if not standing.ended_record:
                raise NothingToRevoke(
                    "The record stands, has ended otherwise, or was deleted; if it is wrong, correct it.",
                    "该记录仍然有效、因其他原因终止或已删除；如内容有误，请更正。",
                )
            return Move(state="revoked", effect="reopen", false_material=asked.false_material)


def resumed(state: CaseState, kind: CaseKind, procedure: Procedure | None, *, marked: bool, today: date) -> Move:
    """Where a case goes on whose record was opened again: as it stood, its clock begun anew, its mark on the record."""
    days = (
        {}
        if procedure is None
        else {
            "filed": procedure.accept_working_days,
            "accepted": procedure.decide_working_days,
            "appealed": procedure.review_working_days,
        }
    )
    marks = kind == "objection" and state in {"accepted", "appealed"} and not marked
    return Move(
        state=state, due=deadline(today, days[state]) if state in days else NONE, effect="mark" if marks else None
    )


def _decision_due(procedure: Procedure, since: date, today: date) -> Deadline:
    part = deadline(today, procedure.decide_working_days)
    if procedure.whole_working_days is None:
        return part
    return min(part, deadline(since, procedure.whole_working_days), key=lambda each: each.on or date.max)


def _check_list(missing: Collection[EvidenceKind], standing: CaseSituation, procedure: Procedure) -> None:
    if standing.returned:
        raise ReturnedBefore("Accept it, or decide on what is there.", "请予受理，或依现有材料办理。")
    forgotten = [kind for kind in _lacking(procedure.documents, standing.documents) if kind not in missing]
    if forgotten:
        raise DocumentsMissing(
            "The list is sent once: name these too.", "补正通知只能发出一次：请一并列明。", errors=_named(forgotten)
        )


def _upheld(remedy: Remedy | None, standing: CaseSituation) -> CaseEffect:
    if standing.kind == "repair":
        _need(_REPAIR_NEEDS, standing.documents)
        return "discharge" if standing.named else "repair"
    if remedy == "corrected":
        if not standing.corrected:
            raise NotCorrected(
                "Correct the record first (POST /v1/records/{id}/corrections), or name the remedy withdraw.",
                "请先更正该记录（POST /v1/records/{id}/corrections），或选择撤销 (withdraw)。",
            )
        return "unmark"
    return "discharge" if standing.named else "withdraw"


def _refused(standing: CaseSituation, procedure: Procedure, today: date) -> Move:
    effect: CaseEffect | None = "unmark" if standing.kind == "objection" else None
    if standing.appealed or not procedure.appeal_working_days:
        return Move(state="refused", effect=effect, final=True)
    return Move(state="refused", due=deadline(today, procedure.appeal_working_days), effect=effect)


def _check_fields(asked: ActionIn, kind: CaseKind) -> None:
    """A field that is missing, or that means nothing with this action."""
    errors = []
    if asked.action in {"refuse", "revoke"} and asked.reason is None:
        errors.append(_field("reason", "needed", "A refusal or revocation says why.", "不予办理或撤销须说明理由。"))
    if asked.action == "revoke" and asked.basis is None:
        errors.append(_field("basis", "needed", "A revocation names its decision.", "撤销须注明决定文书号。"))
    if (asked.action == "return") != bool(asked.missing):
        errors.append(_field("missing", "return_only", "A return, and nothing else, lists what is missing.",
                             "退回补正须且仅须列明缺少的材料。"))  # fmt: skip
    if (asked.action == "approve" and kind == "objection") != (asked.remedy is not None):
        errors.append(_field("remedy", "objection_only", "Upholding an objection, and nothing else, names its remedy.",
                             "异议成立须且仅须注明处理方式。"))  # fmt: skip
    if asked.false_material and (asked.action, kind) != ("revoke", "repair"):
        errors.append(_field("false_material", "revocation_only", "Only the revocation of a repair has it.",
                             "仅撤销信用修复时适用。"))  # fmt: skip
    if errors:
        raise StepIncomplete("See errors for each field.", "各字段问题见 errors。", errors=errors)


def _need(wanted: Collection[EvidenceKind], there: Collection[EvidenceKind]) -> None:
    lacking = _lacking(wanted, there)
    if lacking:
        raise DocumentsMissing(
            "Return the case once for them, or wait until they are there.",
            "请一次性退回补正，或待材料齐全后办理。",
            errors=_named(lacking),
        )


def _lacking(wanted: Collection[EvidenceKind], there: Collection[EvidenceKind]) -> list[EvidenceKind]:
    return [kind for kind in wanted if kind not in there]


def _named(kinds: Collection[EvidenceKind]) -> list[FieldError]:
    return [_field("missing", kind, *_NOT_THERE[kind]) for kind in kinds]


def _field(name: str, code: str, detail: str, detail_zh: str) -> FieldError:
    return FieldError(pointer=f"/{name}", code=code, detail=detail, detail_zh=detail_zh)
