"""What every event has, and the envelope it travels in."""

from abc import abstractmethod
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from creditmesh.schemas.identifiers import NodeCode


class Event(BaseModel):
    """A fact in the past tense. Readers ignore fields they do not know; a field never changes its meaning."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    version: ClassVar[int] = 1

    @property
    @abstractmethod
    def key(self) -> str:
        """What events are kept in order by: a subject id, else a word."""


class Envelope(BaseModel):
    """An event as it travels: `number` is dense in (stream, part), `before` is the id of the event before it there."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    type: str
    version: int
    node: NodeCode
    part: int
    number: int
    before: UUID | None
    key: str
    at: datetime
    legal_date: date
    traceparent: str | None
    data: dict[str, Any]
