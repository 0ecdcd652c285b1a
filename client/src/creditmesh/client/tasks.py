"""A department's tasks: the measures it must apply, and its answers."""

from datetime import date
from urllib.parse import quote

from creditmesh.client.http import Wire
from creditmesh.client.listing import Listing
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.tasks import FeedbackIn, FeedbackOut, TaskOut, TaskState


class Tasks:
    """For departments. A task is there as long as its ground is; whom it is for sees that it was read."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def waiting(self, *, state: TaskState = "open", due_before: date | None = None) -> Listing[TaskOut]:
        """The tasks to answer, or those answered, to be lifted (`withdrawn`), or closed."""
        day = None if due_before is None else due_before.isoformat()
        return self._wire.listing("/v1/tasks", Page[TaskOut], state=state, due_before=day)

    def read(self, task: str) -> TaskOut:
        """One task as it stands now, by its `id`."""
        return self._wire.get(_path(task), TaskOut)

    def answer(self, task: TaskOut, answer: FeedbackIn, *, idempotency_key: str | None = None) -> FeedbackOut:
        """Say that the measure was applied, was not and why, or was lifted. A later answer stands before it.

        The task as it was read: 412 where somebody has answered it since.
        """
        return self._wire.post(
            f"{_path(task.id)}/feedback", answer, FeedbackOut, idempotency_key=idempotency_key, etag=f'"{task.answers}"'
        )


def _path(task: str) -> str:
    return f"/v1/tasks/{quote(task, safe='')}"
