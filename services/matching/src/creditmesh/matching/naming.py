"""What a task is called: by callers, by events, and in the order of a list. Pure.

Callers' name is made of what finds the task again: the record, a handle of whom the measure is for, the measure. The
handle is a digest of two random ids, so it tells nothing to who does not know both, and differs from record to record.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID, uuid5

_TASKS = UUID("5f0f0c52-6f0e-5d0b-9a57-0b7e5f6f2c11")
_FORM = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9a-f]{12})\.([a-z][a-z0-9_.-]{1,63})")


@dataclass(frozen=True, slots=True, order=True)
class TaskName:
    """The three parts of a task's id; lists are in their order."""

    record: UUID
    handle: str
    measure: str

    def __str__(self) -> str:
        return f"{self.record}.{self.handle}.{self.measure}"

    @classmethod
    def read(cls, text: str) -> "TaskName":
        """The parts again; ValueError if it is no task's id."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise ValueError("not a task's id")
        return cls(UUID(found[1]), found[2], found[3])


def handle_of(record: UUID, subject: UUID) -> str:
    """What stands for a subject in the ids of tasks from this record."""
    return sha256(record.bytes + subject.bytes).hexdigest()[:12]


def task_id(*, record: UUID, subject: UUID, measure: str, party: str) -> UUID:
    """The id by which events name a task: the same whenever it is computed."""
    return uuid5(_TASKS, f"{record}|{subject}|{measure}|{party}")
