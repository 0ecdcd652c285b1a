"""The readers of a process: each stream is read once, and a consumer applies it for each service that handles it."""

from collections import defaultdict
from collections.abc import Callable, Mapping

from creditmesh.chassis.bus.consuming.consumer import Consumer
from creditmesh.chassis.bus.embedded import Source
from creditmesh.chassis.bus.listen import Notifications
from creditmesh.chassis.context import Context
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.errors import Alarm
from creditmesh.chassis.service import Declaration, Service
from creditmesh.chassis.settings import NodeSettings
from creditmesh.chassis.transports import open_bus

LEASES = 1000
"""Added to a service's lock class: the class of its readers' leases."""


class Readers:
    """What one process reads of the bus for the services that are equipped in it."""

    def __init__(
        self,
        declaration: Declaration,
        settings: NodeSettings,
        equipment: Mapping[str, Equipment],
        *,
        notifications: Notifications,
        pool: Callable[[str, int], Pool],
    ) -> None:
        """`pool` opens one of a role, of so many sessions."""
        self._declaration = declaration
        self._settings = settings
        self._equipment = equipment
        self._pool = pool
        self.bus = open_bus(settings.bus, node=settings.node, notifications=notifications, sources=self._sources())
        services = [declaration.service(name) for name in equipment]
        self.consumers = {each.name: self._consumer(each) for each in services if declaration.streams_of(each)}

    @property
    def alarms(self) -> list[Alarm]:
        """Why parts stand still, of all consumers."""
        return [alarm for consumer in self.consumers.values() for alarm in consumer.alarms.values()]

    @property
    def dead_letters(self) -> dict[str, int]:
        """How many each service has, where it has any."""
        return {name: each.dead_letters for name, each in self.consumers.items() if each.dead_letters}

    def _sources(self) -> dict[str, Source]:
        """The streams that somebody here handles, each read once, as one of those who may."""
        types: dict[str, set[str]] = defaultdict(set)
        readers: dict[str, str] = {}
        for name in self._equipment:
            for stream, handlers in self._declaration.streams_of(self._declaration.service(name)).items():
                readers[stream] = name
                types[stream] |= {event.type for event in handlers}
        pools = {name: self._pool(name, 1) for name in set(readers.values())}
        return {stream: Source(pool=pools[name], types=frozenset(types[stream])) for stream, name in readers.items()}

    def _consumer(self, service: Service) -> Consumer:
        return Consumer(
            reader=service.name,
            streams=self._declaration.streams_of(service),
            pool=self._equipment[service.name].pool,
            lock_class=LEASES + service.lock_class,
            parts=self._settings.parts,
            bus=self.bus,
            context_for=_context_for(self._equipment[service.name]),
            projects=service.projects,
            lease=self._settings.lease_seconds,
        )


def _context_for(equipment: Equipment) -> Callable[[Session, str | None], Context]:
    """Makes the context of one batch in the consumer's session; the consumer commits."""

    def made(session: Session, traceparent: str | None) -> Context:
        return Context(equipment, traceparent=traceparent, _session=session, _owned=False)

    return made
