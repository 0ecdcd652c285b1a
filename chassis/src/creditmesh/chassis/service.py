"""How a service and a node are declared: names and callables only, nothing is opened or read here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import APIRouter

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.declared import Outbox, ProcessState
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.pruning import Retention
from creditmesh.chassis.units import Unit
from creditmesh.chassis.vault.keys import KeyName
from creditmesh.schemas.events import Event

Handler = Callable[[Context, Sequence[Delivered]], Awaitable[None]]
"""Applies a run of events of one type, in order, in the reader's transaction (its position moves in the same one)."""


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """What a service's own units are given: its equipment, and how to open sessions beside the pool."""

    equipment: Equipment
    address: DatabaseAddress
    """The database as the service's role, for a session that holds a lease."""
    lease: float
    """Seconds that such a session lives without a ping."""
    turn: int
    """How many rows a unit that goes through all there is looks at in one transaction."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Service:
    """One service: what it serves, what it handles, what it emits, and what it must be given. Each is itself alone."""

    name: str
    """One word: the schema, the role's second half, the stream's second half, the token's audience."""
    package: str
    """Its import name; migrations are in `<package>/migrations`."""
    summary: str
    summary_zh: str
    router: APIRouter | None = None
    handles: Mapping[type[Event], Handler] = field(default_factory=dict)
    projects: frozenset[type[Event]] = frozenset()
    """Of those, what only changes what it shows here: where the server crashes, that and its position go back together.

    Nobody is told of it before it lasts (decision 43): its handler emits nothing, or is waited for as any other.
    """
    emits: tuple[type[Event], ...] = ()
    outbox: Outbox | None = None
    bodies: frozenset[str] = frozenset()
    """The services whose outbox it reads bodies of (`bus.stream.body_of`), because it keeps their ids alone."""
    keys: frozenset[KeyName] = frozenset()
    vault: frozenset[Literal["resolve", "open", "identify", "look_up", "kinds", "know", "erase"]] = frozenset()
    lock_class: int = 0
    """The first half of its advisory lock keys; unique in the node (a test says so)."""
    prunes: tuple[Retention, ...] = ()
    """Of its own tables what is kept for a term only; its role removes the rest."""
    waits_for: Callable[[Equipment], Mapping[str, Any]] | None = None
    """What an operator has to mend before it does all it should, for readiness; nothing if all is well."""
    units: Callable[[Workplace], Sequence[Unit]] | None = None
    """What it does beside requests and events, such as pulling from peers; started in every process that hosts it."""


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A whole node as declared: its services, and what every process follows."""

    services: tuple[Service, ...]
    follow: str
    """The service whose stream every process follows (its first event on, never pruned)."""
    followed: Callable[[], ProcessState]

    @property
    def streams(self) -> list[str]:
        """The streams that carry events: those of the services that emit any."""
        return [service.name for service in self.services if service.emits]

    def service(self, name: str) -> Service:
        """The service of that name; KeyError names the known ones."""
        for service in self.services:
            if service.name == name:
                return service
        raise KeyError(f"no service {name!r}; there are: {', '.join(s.name for s in self.services)}")

    def streams_of(self, reader: Service) -> dict[str, Mapping[type[Event], Handler]]:
        """The services whose streams the reader must read, each with the handlers of the types it takes from it.

        The events of its own outbox are among them only if it reads them back: the rows that would be made of them are
        the outbox's own.
        """
        streams: dict[str, Mapping[type[Event], Handler]] = {}
        for source in self.services:
            own = source.outbox if source is reader else None
            known = own.event if own is not None and not own.read_back else None
            taken = {e: handler for e, handler in reader.handles.items() if e in source.emits and e is not known}
            if taken:
                streams[source.name] = taken
        return streams
