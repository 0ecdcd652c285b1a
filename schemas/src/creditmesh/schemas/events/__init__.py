"""Every event type of a node, by the stream that carries it."""

from creditmesh.schemas.events.access import AccessRecorded
from creditmesh.schemas.events.base import Envelope, Event
from creditmesh.schemas.events.catalogue import CatalogueChanged, ClockChanged
from creditmesh.schemas.events.record import RecordChanged, Related

EVENTS: tuple[type[Event], ...] = (AccessRecorded, CatalogueChanged, ClockChanged, RecordChanged)

__all__ = [
    "EVENTS",
    "AccessRecorded",
    "CatalogueChanged",
    "ClockChanged",
    "Envelope",
    "Event",
    "RecordChanged",
    "Related",
]
