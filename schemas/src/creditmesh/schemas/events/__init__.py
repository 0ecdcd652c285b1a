"""Every event type of a node; each is loaded when it is asked for: who reads one needs not all of them."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from creditmesh.schemas.events.access import (
        AccessReceived,
        AccessRecorded,
        AccessToPass,
        CopiesDisclosed,
        DisclosedToBureau,
    )
    from creditmesh.schemas.events.base import Envelope, Event
    from creditmesh.schemas.events.case import CaseChanged
    from creditmesh.schemas.events.catalogue import CatalogueChanged, ClockChanged
    from creditmesh.schemas.events.chain import ChainChanged
    from creditmesh.schemas.events.entries import EntriesJudged, PageReceived
    from creditmesh.schemas.events.every import EVENTS
    from creditmesh.schemas.events.holder import HolderChanged
    from creditmesh.schemas.events.reading import UnknownWord, read_event
    from creditmesh.schemas.events.record import RecordChanged, RecordPurged, Related, RevisionOutnumbered
    from creditmesh.schemas.events.task import TaskChanged

_HOMES = {
    "access": ("AccessReceived", "AccessRecorded", "AccessToPass", "CopiesDisclosed", "DisclosedToBureau"),
    "base": ("Envelope", "Event"),
    "case": ("CaseChanged",),
    "catalogue": ("CatalogueChanged", "ClockChanged"),
    "chain": ("ChainChanged",),
    "entries": ("EntriesJudged", "PageReceived"),
    "every": ("EVENTS",),
    "holder": ("HolderChanged",),
    "reading": ("UnknownWord", "read_event"),
    "record": ("RecordChanged", "RecordPurged", "Related", "RevisionOutnumbered"),
    "task": ("TaskChanged",),
}
_HOME = {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


__all__ = [
    "EVENTS",
    "AccessReceived",
    "AccessRecorded",
    "AccessToPass",
    "CaseChanged",
    "CatalogueChanged",
    "ChainChanged",
    "ClockChanged",
    "CopiesDisclosed",
    "DisclosedToBureau",
    "EntriesJudged",
    "Envelope",
    "Event",
    "HolderChanged",
    "PageReceived",
    "RecordChanged",
    "RecordPurged",
    "Related",
    "RevisionOutnumbered",
    "TaskChanged",
    "UnknownWord",
    "read_event",
]
