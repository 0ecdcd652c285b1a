"""What the context and the readers know of a declaration; `service` above them declares it."""

from dataclasses import dataclass
from typing import Protocol

from fastapi import APIRouter

from creditmesh.chassis.bus.replica import ReplicatedState
from creditmesh.schemas.events import Event


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """A service's own insert-only table that is the body of one event type, so that the fact is written once.

    The table has the columns `part, id, key, at, legal_date, traceparent, data`, where `data` is the event's JSON,
    packed (`packing`) where the service writes the rows itself and no statement looks into them; the reader's view is
    the union of these tables and `bus.event`. Where nothing else needs to be said and `key` is a uuid, `ctx.emit`
    writes the row; an operation that writes rows of more columns itself names them by `ctx.emit_row`. The service
    itself does not read these events, because its row is there already, unless it says so.
    """

    table: str
    """Its name in the service's schema."""
    event: type[Event]
    read_back: bool = False
    """The service handles these events of its own too."""


class ProcessState(ReplicatedState, Protocol):
    """State that every process keeps by following one stream from its first event; it changes memory only."""

    number: int
    """The highest number applied: an ETag for what it answers."""
    passed: int
    """The number of the last event of its stream that it was given."""
    offset_days: int
    """How far the sandbox's legal date is from the real one."""
    sandbox: bool
    """Whether the node is one; the host says so before anything is applied."""
    upgraded: bool
    """Whether it had people when it was upgraded (`bus.node`); the host says so too."""

    @property
    def holds_copies(self) -> bool:
        """Whether records of other nodes may be here: those are told who looks at them."""


class Declared(Protocol):
    """What a context needs of its service."""

    @property
    def name(self) -> str:
        """Its schema, its stream, its audience."""

    @property
    def router(self) -> APIRouter | None:
        """Its routes."""

    @property
    def emits(self) -> tuple[type[Event], ...]:
        """The events it may emit."""

    @property
    def outbox(self) -> Outbox | None:
        """Its own table of bodies, if it has one."""

    @property
    def lock_class(self) -> int:
        """The first half of its advisory lock keys."""
