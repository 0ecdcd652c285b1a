"""Opens the bus the settings name: the only place where `embedded` or `kafka` selects anything."""

from creditmesh.chassis.bus.embedded import EmbeddedBus
from creditmesh.chassis.bus.listen import Listener
from creditmesh.chassis.bus.protocol import Bus
from creditmesh.chassis.settings import BusSettings, KafkaBus


def open_bus(settings: BusSettings, *, node: str, wakes: Listener) -> Bus:
    """The bus of a process of this node."""
    if isinstance(settings, KafkaBus):
        from creditmesh.chassis.bus.kafka import KafkaBus as OpenKafkaBus  # noqa: PLC0415 - a heavy client, if asked for

        return OpenKafkaBus(wakes, node=node, bootstrap=settings.bootstrap)
    return EmbeddedBus(wakes)
