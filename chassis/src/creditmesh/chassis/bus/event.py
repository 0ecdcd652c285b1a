"""An event as a reader meets it, and the part that its key belongs to."""

from dataclasses import dataclass, field
from datetime import date, datetime
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
    _read: list[Event] = field(default_factory=list, compare=False, repr=False)

    def read(self, cls: type[E]) -> E:
        """The body as its model, parsed once for all consumers it is handed to; unknown fields are ignored."""
        for event in self._read:
            if isinstance(event, cls):
                return event
        parsed = cls.model_validate_json(self.data)
        self._read.append(parsed)
        return parsed
