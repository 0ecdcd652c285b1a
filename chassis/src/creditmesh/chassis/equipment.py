"""What a service's process is given: its session pool, its keys, its vault, the clock, and what the process follows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from creditmesh.chassis.bulk import Bodies, Bulk, files
from creditmesh.chassis.bus.backlog import Backlog
from creditmesh.chassis.bus.listen import Notifications
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.declared import Declared, ProcessState
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a service's process was given by the host; every context of it shares this."""

    node: Facts
    service: Declared
    pool: Pool
    clock: Clock
    vault: Vault
    keys: Keys
    followed: ProcessState
    wake: Callable[[], None]
    """Wakes the orderer of this process; called after a commit that queued events."""
    notifications: Notifications
    """Wakes who waits for a stream, or for a word that somebody tells (`bus.listen.tell`)."""
    backlog: Backlog = field(default_factory=Backlog)
    """How far the node is behind, as of the last second."""
    bulk: Bulk = field(default_factory=Bulk)
    """The turns of large bodies; one for all services of a process."""
    files: Bulk = field(default_factory=files)
    """The turns of files that a service works on for minutes."""
    bodies: Bodies = field(default_factory=Bodies)
    """The memory of bodies; one for all services of a process."""
    stopped: dict[str, str] = field(default_factory=dict)
    """What of the service stands still in this process until an operator has looked, and why; readiness tells it."""
    memory: dict[type, Any] = field(default_factory=dict)
    """What the service itself remembers for as long as its process lives: one object of a kind."""
