"""Opens the bus the settings name: the only place where `embedded` or `kafka` selects anything."""

from collections.abc import Mapping, Sequence
from functools import partial

from creditmesh.chassis.bus.embedded import EmbeddedBus, Source
from creditmesh.chassis.bus.kafka.bus import KafkaBus as OpenKafkaBus
from creditmesh.chassis.bus.kafka.publisher import Publisher
from creditmesh.chassis.bus.kafka.topics import Topic, topics_of
from creditmesh.chassis.bus.listen import Notifications
from creditmesh.chassis.bus.mailboxes import Bus
from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.settings import BusSettings, KafkaBusSettings


def open_bus(settings: BusSettings, *, node: str, notifications: Notifications, sources: Mapping[str, Source]) -> Bus:
    """The bus of a process of this node."""
    if isinstance(settings, KafkaBusSettings):
        from creditmesh.chassis.bus.kafka.client import consumer  # noqa: PLC0415 - a heavy client, if asked for

        return OpenKafkaBus(notifications, partial(consumer, settings.bootstrap, node=node))
    return EmbeddedBus(notifications, sources)


def open_publisher(
    settings: BusSettings, address: DatabaseAddress, *, node: str, streams: Sequence[str], parts: int, lease: float
) -> Publisher | None:
    """What the relay of this node runs; None where the bus is the stream itself."""
    if not isinstance(settings, KafkaBusSettings):
        return None
    from creditmesh.chassis.bus.kafka.client import producer  # noqa: PLC0415

    connect = partial(producer, settings.bootstrap, node=node)
    return Publisher(address, connect, node=node, streams=streams, parts=parts, lease=lease)


def declared_topics(settings: BusSettings, *, node: str, streams: Sequence[str], parts: int) -> list[Topic]:
    """The topics this node needs; none where the bus is the stream itself."""
    if not isinstance(settings, KafkaBusSettings):
        return []
    return topics_of(node, streams, parts=parts, replicas=settings.replication, min_isr=settings.min_isr)


async def apply_topics(settings: BusSettings, topics: Sequence[Topic], *, anew: bool = False) -> list[str]:
    """Make what is missing, as `kafka.apply`; the names of the topics made."""
    if not isinstance(settings, KafkaBusSettings):
        return []
    from creditmesh.chassis.bus.kafka.client import apply  # noqa: PLC0415

    return await apply(settings.bootstrap, topics, anew=anew)
