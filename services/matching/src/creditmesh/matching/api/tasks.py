"""A department's tasks, and its answers to them."""

from typing import Annotated

from fastapi import Query, Request, Response

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.conditions import etag, expected
from creditmesh.chassis.http.idempotency import REPLAYED, once_of
from creditmesh.chassis.http.paging import Cursor, Limit
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.matching.operations import feedback, tasks
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.bounds import Day
from creditmesh.schemas.tasks import FeedbackIn, FeedbackOut, TaskOut, TaskState

router = Router()
_ANSWERS = AccessPolicy.to("department", scope="tasks:answer")


@router.get("/v1/tasks", access=_ANSWERS, shows_copies=True)
async def list_tasks(
    ctx: Ctx,
    state: Annotated[TaskState, Query(description="`withdrawn`: applied, and now to be lifted.")] = "open",
    due_before: Annotated[Day | None, Query(description="Only what is due before that day.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[TaskOut]:
    """The measures that your party must apply, and to whom; or those it answered, must lift, or has lifted.

    A task is there as long as its ground is: it needs no bringing up to date, and what is here is so today. Whom it is
    for is named, and finds that in their log. `due` is the tenth working day. A page may be short, or empty, and still
    have a `next`: where much has ended by rules that have changed, it ends after two thousand that it looked at.

    `GET /v1/tasks?state=open&due_before=2026-12-01`
    """
    return await tasks.inbox_page(ctx, state, due_before=due_before, after=cursor, limit=limit)


@router.get("/v1/tasks/{task}", access=_ANSWERS, shows_copies=True)
async def get_task(ctx: Ctx, response: Response, task: str) -> TaskOut:
    """One task of your party, as it stands now. 404: there is none, or it is another's.

    Its `ETag`, the number of its answers so far, is what an answer needs as `If-Match`.

    `GET /v1/tasks/0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11.3f9c2d1a7b40.procurement_bar`
    """
    found = await tasks.task_of(ctx, task)
    response.headers["ETag"] = etag(found.answers)
    return found


@router.post("/v1/tasks/{task}/feedback", access=_ANSWERS, status_code=201, shows_copies=True)
async def answer_task(ctx: Ctx, request: Request, response: Response, task: str, body: FeedbackIn) -> FeedbackOut:
    """Answer a task: you applied the measure, did not and say why, or, once its ground has ended, have lifted it.

    An answer is never changed; a later one stands before it as long as the ground does. Needs `If-Match` (412 if
    somebody has answered since; the task's `answers` in quotes). With an `Idempotency-Key` a repeated answer is kept
    once. 409: the task stands otherwise.

    `POST /v1/tasks/{task}/feedback` `If-Match: "0"`
    `{"outcome": "not_executed", "reason": "the procedure was closed before", "officer": "W-17"}`
    """
    once, decided_on = await once_of(request), expected(request)
    kept, replayed = await feedback.answer_task(ctx, task, body, expected=decided_on, key=once.key, digest=once.digest)
    if replayed:
        response.headers[REPLAYED] = "true"
    return kept
