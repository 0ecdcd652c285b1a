"""An event as a reader meets it, and the part that its key belongs to."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import TypeVar
from uuid import UUID
from zlib import crc32

from creditmesh.schemas.events import Event

E = TypeVar("E", bound=Event)


def part_of(key: str, parts: int) -> int:
    """The part of a key, for a node of that many parts; both are fixed for life."""
    return crc32(key.encode()) % parts


@dataclass(slots=True, frozen=True, kw_only=True)
class Ordered:
    """The place of one event in its stream: `number` is dense in (stream, part), `before` is the event before it."""

    stream: str
    part: int
    number: int
    before: UUID | None
    id: UUID
    type: str


@dataclass(slots=True, frozen=True, kw_only=True)
class Delivered(Ordered):
    """One event with its body, as handlers get it."""

    version: int
    key: str
    at: datetime
    legal_date: date
    traceparent: str | None
    data: bytes

    def read(self, cls: type[E]) -> E:
        """The body as its model, which every reader of this process shares; unknown fields are ignored."""
        event = _parsed(cls, self.data)
        assert isinstance(event, cls)  # noqa: S101 - what `lru_cache` does not tell the type checker
        return event


@lru_cache(maxsize=2048)
def _parsed(cls: type[Event], data: bytes) -> Event:
    """The services of a process read the same events shortly after one another; a model is never changed."""
    return cls.model_validate_json(data)
