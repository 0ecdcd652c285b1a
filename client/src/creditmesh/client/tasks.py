"""Measures that a department must apply, and its answers."""

from collections.abc import Iterator
from urllib.parse import quote

from creditmesh.client.http import Wire
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.tasks import FeedbackIn, FeedbackOut, TaskOut, TaskState


class Tasks:
    """For departments: what is to be applied, and what was done."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def waiting(self, *, state: TaskState = "open") -> Iterator[TaskOut]:
        """The department's tasks in a state: to be answered, answered, to be lifted, lifted."""
        return self._wire.pages("/v1/tasks", Page[TaskOut], state=state)

    def read(self, task: str) -> TaskOut:
        """One task by its `id`."""
        return self._wire.get(_path(task), TaskOut)

    def answer(self, task: str, feedback: FeedbackIn, *, key: str | None = None) -> FeedbackOut:
        """Say that the measure was applied, is not applicable, was not executed, or was lifted."""
        return self._wire.post(f"{_path(task)}/feedback", feedback, FeedbackOut, key=key)


def _path(task: str) -> str:
    return f"/v1/tasks/{quote(task, safe='')}"
