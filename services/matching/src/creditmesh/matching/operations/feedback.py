"""Answering a task: what may be answered when, kept once, and told to everybody who follows matching."""

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Invalid, Stale
from creditmesh.chassis.http.conditions import etag
from creditmesh.chassis.http.idempotency import recall, remember
from creditmesh.matching.errors import NotToBeAnswered
from creditmesh.matching.naming import TaskName, task_id
from creditmesh.matching.operations.tasks import find_task, state_of
from creditmesh.matching.store import tasks
from creditmesh.matching.store.tasks import Answered, Task
from creditmesh.schemas.events import TaskChanged
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.tasks import FeedbackIn, FeedbackOut


async def answer_task(
    ctx: Context, text: str, feedback: FeedbackIn, *, expected: int, key: str | None = None, digest: bytes = b""
) -> tuple[FeedbackOut, bool]:
    """Keep the answer, and whether it repeats one under the same Idempotency-Key, which is then what is returned.

    `expected` is how many answers the task had when this one was decided on. NotFound: no task of this party; Stale:
    somebody else has answered; NotToBeAnswered: it stands otherwise; Invalid: nobody is named who answers.
    """
    if (earlier := await _earlier(ctx, key, digest)) is not None:
        return earlier, True
    officer = _officer(ctx, feedback)
    seen = await find_task(ctx, text)
    await ctx.lock([seen.subject])
    if (earlier := await _earlier(ctx, key, digest)) is not None:
        return earlier, True
    task = await find_task(ctx, text)  # as it stands with nobody else answering
    _check(task, feedback, expected)
    answered = _answered(ctx, task, feedback, officer)
    await tasks.add(await ctx.session(), answered)
    _tell(ctx, answered)
    if key is not None:
        await remember(ctx, key, digest, answered.id)
    return _out(answered), False


async def _earlier(ctx: Context, key: str | None, digest: bytes) -> FeedbackOut | None:
    reference = None if key is None else await recall(ctx, key, digest)
    if reference is None:
        return None
    kept = await tasks.find(await ctx.session(), reference, parts=range(ctx.node.parts))
    return None if kept is None else _out(kept)


def _officer(ctx: Context, feedback: FeedbackIn) -> str:
    officer = ctx.known_caller.officer or feedback.officer
    if not officer:
        detail = "Name the officer who answers (officer), or use an officer's own token."
        detail_zh = "请提供反馈人员 (officer)，或使用工作人员本人的令牌。"
        error = FieldError(pointer="/officer", code="missing", detail=detail, detail_zh=detail_zh)
        raise Invalid(detail, detail_zh, errors=[error])
    return officer


def _check(task: Task, feedback: FeedbackIn, expected: int) -> None:
    if task.answers != expected:
        raise Stale(
            "Somebody has answered it meanwhile; read it again.",
            "该任务已有新的反馈；请重新读取。",
            headers={"ETag": etag(task.answers)},
        )
    state = state_of(task)
    if state == "closed":
        raise NotToBeAnswered("The measure was lifted already; nothing is left to do.", "该措施已解除，无需再反馈。")
    if state == "withdrawn" and feedback.outcome != "lifted":
        raise NotToBeAnswered(
            "The ground of this measure has ended: lift it and answer `lifted`.",
            "该措施的依据已终止：请解除措施并反馈 `lifted`。",
        )
    if state in {"open", "answered"} and feedback.outcome == "lifted":
        raise NotToBeAnswered(
            "The ground of this measure stands: `lifted` answers a task whose ground has ended.",
            "该措施的依据仍然有效：`lifted` 仅适用于依据已终止的任务。",
        )


def _answered(ctx: Context, task: Task, feedback: FeedbackIn, officer: str) -> Answered:
    party = ctx.known_caller.party or ""
    return Answered(
        part=task.part,
        id=ctx.new_id(),
        party=party,
        task=task_id(record=task.record, subject=task.subject, measure=task.measure, party=party),
        record=task.record,
        subject=task.subject,
        handle=task.handle,
        measure=task.measure,
        list=task.list,
        role=task.role,
        rev=task.rev,
        since=task.since,
        outcome=feedback.outcome,
        reason=feedback.reason,
        officer=officer,
        at=ctx.instant,
        data=task.data,
    )


def _tell(ctx: Context, answered: Answered) -> None:
    ctx.emit(
        TaskChanged(
            task=answered.task,
            subject=answered.subject,
            record=answered.record,
            rev=answered.rev,
            list=answered.list,
            measure=answered.measure,
            party=answered.party,
            outcome=answered.outcome,
            officer=answered.officer,
        ),
        id=answered.id,
    )


def _out(answered: Answered) -> FeedbackOut:
    return FeedbackOut(
        feedback=answered.id,
        id=str(TaskName(answered.record, answered.handle, answered.measure)),
        task=answered.task,
        outcome=answered.outcome,
        reason=answered.reason,
        officer=answered.officer,
        at=answered.at,
    )
