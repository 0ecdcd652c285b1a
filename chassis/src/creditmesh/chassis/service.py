"""How a service and a node are declared: names and callables only, nothing is opened or read here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from fastapi import APIRouter
from sqlalchemy import Table

from creditmesh.schemas.events import Event

if TYPE_CHECKING:
    from creditmesh.chassis.bus.event import Delivered
    from creditmesh.chassis.context import Context

KeyName = Literal["index", "data", "fingerprint", "node", "feed", "token", "credential"]
"""The keys a node has (files, 0600); a process holds only those its service declares."""

E = TypeVar("E", bound=Event)

Handler = Callable[["Context", Sequence["Delivered"]], Awaitable[None]]
"""Applies a run of events of one type, in order, in the reader's transaction (its position moves in the same one)."""


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """A service's own insert-only table that is the body of one event type, so that the fact is written once.

    The table has the columns `part, id, key, at, legal_date, traceparent, data`, where `data` is the event's JSON;
    rows are gathered with `ctx.emit_row(id, part)` and the reader's view is the union of these tables and `bus.event`.
    """

    table: Table
    event: type[Event]


class Followed(Protocol):
    """State that every process keeps by following one stream from its first event; it changes memory only."""

    number: int
    """The highest number applied: an ETag for what it answers."""
    offset_days: int
    """How far the sandbox's legal date is from the real one."""

    def apply(self, event: "Delivered") -> None:
        """Take one event into memory."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service: what it serves, what it handles, what it emits, and what it must be given."""

    name: str
    """One word: the schema, the role's second half, the stream's second half, the token's audience."""
    package: str
    """Its import name; migrations are in `<package>/migrations`."""
    summary: str
    summary_zh: str
    router: APIRouter | None = None
    handles: Mapping[type[Event], Handler] = field(default_factory=dict)
    emits: tuple[type[Event], ...] = ()
    outbox: Outbox | None = None
    keys: frozenset[KeyName] = frozenset()
    vault: frozenset[Literal["resolve", "open"]] = frozenset()
    lock_class: int = 0
    """The first half of its advisory lock keys; unique in the node (a test says so)."""
    work: tuple[Callable[["Context"], Awaitable[float]], ...] = ()
    """Steps run as units of their own: each does one bounded step and returns the seconds to wait before the next."""


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A whole node as declared: its services, and what every process follows."""

    services: tuple[Service, ...]
    follow: str
    """The service whose stream every process follows (its first event on, never pruned)."""
    followed: Callable[[], Followed]

    def service(self, name: str) -> Service:
        """The service of that name; KeyError names the known ones."""
        for service in self.services:
            if service.name == name:
                return service
        raise KeyError(f"no service {name!r}; there are: {', '.join(s.name for s in self.services)}")

    def streams_of(self, reader: Service) -> dict[str, Mapping[type[Event], Handler]]:
        """The services whose streams the reader must read, each with the handlers of the types it takes from it."""
        streams: dict[str, Mapping[type[Event], Handler]] = {}
        for source in self.services:
            taken = {event: handler for event, handler in reader.handles.items() if event in source.emits}
            if taken:
                streams[source.name] = taken
        return streams
