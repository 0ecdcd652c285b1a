"""A party's tasks as they stand today, with whom they are for; what is shown of anybody is an access of theirs."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Invalid, NotFound, Unmended
from creditmesh.chassis.http import paging
from creditmesh.chassis.packing import RecordReader
from creditmesh.matching import deadlines, identity, reach
from creditmesh.matching.errors import NotYours, OutsideCredential
from creditmesh.matching.naming import TaskName, task_id
from creditmesh.matching.operations.unsealing import item_of, readable
from creditmesh.matching.store import tasks
from creditmesh.matching.store.tasks import Inbox, Task, TaskPage
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.catalogue import Measure
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.rules.calendar import UnknownYear
from creditmesh.schemas.tasks import Concerned, TaskAnswer, TaskOut, TaskState

PURPOSE = "task"
_NONE = ("You have no task of this id; see GET /v1/tasks.", "贵单位没有该编号的任务；见 GET /v1/tasks。")
_DUE_UNKNOWN = (
    "The holiday calendar does not know the year in which this is due yet.",
    "节假日日历尚未包含到期所在年度，暂不推算到期日。",
)


async def inbox_page(
    ctx: Context, state: TaskState, *, due_before: date | None, after: str | None, limit: int
) -> Page[TaskOut]:
    """The caller's party's tasks in that state, in the order of their ids, which is about the order they came in."""
    wanted = TaskPage(
        after=paging.read(after, TaskName.read),
        before=None if due_before is None else _before(due_before),
        items=ctx.known_caller.items,
        limit=limit + 1,
    )
    found, looked, unreadable = await tasks.page(await ctx.session(), inbox_of(ctx), state, wanted)
    shown, tampered = await _shown(ctx, found[:limit])
    return paging.page(
        found,
        limit=limit,
        place=lambda task: task.name,
        shown=lambda task: shown.get(task.name),
        caller=ctx.known_caller,
        looked=looked,
        unreadable=(*unreadable, *tampered),
    )


async def task_of(ctx: Context, text: str) -> TaskOut:
    """One task of the caller's party; NotFound if it has none of that id, Unmended if its record cannot be read."""
    task = await find_task(ctx, text)
    shown, tampered = await _shown(ctx, [task])
    if tampered:
        raise Unmended(
            "The record of this task is damaged; the operators of the node are told.",
            "该任务所依据的记录已损坏，无法读取；节点运维人员已获告警。",
        )
    return shown[task.name]


async def find_task(ctx: Context, text: str) -> Task:
    """The task as it was computed now, without saying whom it is for.

    NotFound: there is none. NotYours (none of this party's) and OutsideCredential are kept accesses of whom it is for.
    """
    try:
        name = TaskName.read(text)
    except ValueError:
        name = None
    found = None
    if name is not None:
        found = await tasks.one(await ctx.session(), inbox_of(ctx), name, parts=range(ctx.node.parts))
    if found is None:
        await _check_none(ctx, name)
        raise NotFound(*_NONE)
    _check_reach(ctx, found)
    return found


async def _check_none(ctx: Context, name: TaskName | None) -> None:
    whose = None if name is None else await tasks.whose(await ctx.session(), name, parts=range(ctx.node.parts))
    if whose is not None:
        subject, item = whose
        _refused(ctx, subject, item, NotYours.code)
        raise NotYours(*_NONE)


def _check_reach(ctx: Context, task: Task) -> None:
    item, reached = RecordChanged.model_validate_json(task.data).item, ctx.known_caller.items
    if reached is not None and item not in reached:
        _refused(ctx, task.subject, item, OutsideCredential.code)
        raise OutsideCredential


def _refused(ctx: Context, subject: UUID, item: str, reason: str) -> None:
    ctx.disclose(subject, purpose=PURPOSE, ground="statutory", outcome="refused", items=[item], reason=reason)


def inbox_of(ctx: Context) -> Inbox:
    """The inbox of the caller's party by the catalogue of today."""
    directory, party = ctx.followed(Directory), ctx.known_caller.party or ""
    ways = reach.for_party(directory, directory.party(party), on=ctx.legal_date)
    return Inbox(
        party=party,
        ways=ways,
        designating=directory.designating(on=ctx.legal_date),
        law=directory.law(ctx.legal_date),
    )


def state_of(task: Task) -> TaskState:
    """How the task stands: by its ground, which is visible or not, and the newest answer."""
    if task.visible:
        return "open" if task.outcome in {None, "lifted"} else "answered"
    return "closed" if task.outcome == "lifted" else "withdrawn"


def _before(day: date) -> date:
    try:
        return deadlines.due_before(day)
    except (UnknownYear, OverflowError):
        detail = "The holiday calendar does not know that year; leave due_before out."
        detail_zh = "节假日日历不包含该年度；请勿使用 due_before。"
        error = FieldError(pointer="/query/due_before", code="unknown_year", detail=detail, detail_zh=detail_zh)
        raise Invalid(detail, detail_zh, errors=[error]) from None


async def _shown(ctx: Context, found: Sequence[Task]) -> tuple[dict[TaskName, TaskOut], tuple[UUID, ...]]:
    """These tasks as they are shown, and the records that cannot be read, whose tasks are left out."""
    read, reader = [(task, RecordChanged.model_validate_json(task.data)) for task in found], RecordReader(of="matching")
    named = [(task, event) for task, event in read if state_of(task) != "closed"]
    concerned = await _concerned(ctx, named, reader)
    unreadable = reader.unreadable
    _disclose(ctx, [(task, event) for task, event in named if event.record not in unreadable])
    shown = {
        task.name: _out(ctx, task, event, concerned.get(task.name))
        for task, event in read
        if event.record not in unreadable
    }
    return shown, unreadable


async def _concerned(
    ctx: Context, named: Sequence[tuple[Task, RecordChanged]], reader: RecordReader
) -> dict[TaskName, Concerned]:
    values = await readable(ctx, [(event, task.subject) for task, event in named], reader)
    found = {}
    for (task, event), value in zip(named, values, strict=True):
        if value is not None:
            item = item_of(ctx, event)
            who = identity.Named() if item is None else identity.whole(event, item, task.role, value)
            kind = event.kind if task.role == "listed" else "natural_person"
            found[task.name] = Concerned(kind=kind, name=who.name, number=who.number)
    return found


def _disclose(ctx: Context, named: Sequence[tuple[Task, RecordChanged]]) -> None:
    """One access of everybody who is named, whatever the number of their tasks."""
    told: dict[UUID, list[RecordChanged]] = {}
    for task, event in named:
        told.setdefault(task.subject, []).append(event)
    for subject, theirs in told.items():
        ctx.disclose(
            subject,
            purpose=PURPOSE,
            ground="statutory",
            outcome="released",
            items=sorted({event.item for event in theirs}),
            records=list(dict.fromkeys(event.record for event in theirs)),
        )


def _out(ctx: Context, task: Task, event: RecordChanged, subject: Concerned | None) -> TaskOut:
    state, measure, due = state_of(task), _measure(ctx, task.measure), deadlines.due(task.since)
    note = _DUE_UNKNOWN if due is None else (None, None)
    return TaskOut(
        id=str(task.name),
        task=task_id(
            record=task.record, subject=task.subject, measure=task.measure, party=ctx.known_caller.party or ""
        ),
        state=state,
        measure=task.measure,
        name=measure.name,
        name_zh=measure.name_zh,
        nature=measure.nature,
        verified=measure.verified and _is_verified(ctx, task.list),
        list=task.list,
        record=task.record,
        item=event.item,
        origin=event.origin,
        role=task.role,
        mark=event.mark,
        subject=subject,
        since=task.since,
        age_days=max((ctx.legal_date - task.since).days, 0),
        due=due,
        due_note=note[0],
        due_note_zh=note[1],
        answer=_answer(task),
        answers=task.answers,
    )


def _measure(ctx: Context, code: str) -> Measure:
    """The measure as it was last published: a task may outlive it until it is lifted."""
    body = ctx.followed(Directory).versions("measure", code)[-1].body
    if not isinstance(body, Measure):
        raise TypeError(f"{code} is no measure")
    return body


def _is_verified(ctx: Context, code: str) -> bool:
    listing = ctx.followed(Directory).lists(on=ctx.legal_date).get(code)
    return listing is None or listing.verified


def _answer(task: Task) -> TaskAnswer | None:
    if task.outcome is None or task.officer is None or task.answered_at is None:
        return None
    return TaskAnswer(outcome=task.outcome, reason=task.reason, officer=task.officer, at=task.answered_at)
